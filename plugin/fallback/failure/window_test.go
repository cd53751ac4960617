package failure_test

import (
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B23, B26, B27: the window is read from whatever names the quota.
func TestWindowsInProse(t *testing.T) {
	const retry, fallback = failure.Retry, failure.Fallback
	minute := outcome{retry, failure.KindRateLimit, time.Minute}
	hour := outcome{fallback, failure.KindQuota, time.Hour}
	today := outcome{fallback, failure.KindQuota, untilMidnightUTC}
	googlesToday := outcome{fallback, failure.KindQuota, 12 * time.Hour}
	unnamed := outcome{retry, failure.KindRateLimit, 0}
	for text, want := range map[string]outcome{
		// https://docs.cohere.com/docs/rate-limits
		"You are using a Trial key, which is limited to 10 API calls / minute.":  minute,
		"You are using a Trial key, which is limited to 1000 API calls / month.": today,
		// https://github.com/orgs/community/discussions/149698
		"Rate limit of 2 per 60s exceeded for UserByModelByMinute.":  minute,
		"Rate limit of 50 per 86400s exceeded for UserByModelByDay.": today,
		"Rate limit of 50 per 2592000s exceeded.":                    today,
		"Rate limit of 50 per 99999999 days exceeded.":               today,
		"Rate limit exceeded: 50 requests in 24 hours":               today,
		"You have reached your 5-hour usage limit":                   hour,
		"limit: 3/min":                                                      minute,
		"requests per min. Limit: 3 / min":                                  minute,
		"limit_rpm/google":                                                  minute,
		"free-models-per-min":                                               minute,
		"limit of 20 requests per 2 minutes":                                {retry, failure.KindRateLimit, 2 * time.Minute},
		"limit of 20 requests per 10 minutes":                               {fallback, failure.KindQuota, 10 * time.Minute},
		"Quota exceeded for GenerateRequestsPerDayPerProject":               googlesToday,
		"Quota exceeded for BatchTokensPerMinuteTier1":                      minute,
		"rate limit: experience super daydream":                             unnamed,
		"rate limit: what a super day":                                      unnamed,
		"rate limit per minimal effort":                                     unnamed,
		"rate limit for a supermini model":                                  unnamed,
		"rate limit: 100/5000 requests used":                                unnamed,
		"Rate limited. $2 per 1M tokens":                                    unnamed,
		"rate limit, see https://x/2024-10-21/hours and https://x/docs/day": unnamed,
		"limit reached per person per model":                                unnamed,
		"Quota exceeded for metric generate_requests_per_model_per_day, limit per minute is 5": googlesToday,
	} {
		if got := outcomeOf(atNoon.ClassifyHTTP(429, nil, []byte(text))); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

// B30: a quotaValue of 0 is left out of JSON by protobuf. Only of the whole violation, as the API sends it, is that known.
func TestOmittedQuotaValueIsZero(t *testing.T) {
	violation := func(drop, value string) any {
		v := map[string]any{"quotaId": perMinuteID, "quotaMetric": "generativelanguage.googleapis.com/requests", "quotaDimensions": map[string]any{"model": "m"}}
		if value != "" {
			v["quotaValue"] = value
		}
		delete(v, drop)
		return v
	}
	for name, tt := range map[string]struct {
		violations []any
		message    string
		zero       bool
	}{
		"omitted":                       {[]any{violation("", "")}, "You exceeded your current quota.", true},
		"omitted of one of two":         {[]any{violation("", "15"), violation("", "")}, "You exceeded your current quota.", true},
		"stated":                        {[]any{violation("", "15")}, "You exceeded your current quota.", false},
		"the message states a limit":    {[]any{violation("", "")}, "Quota exceeded for metric: m, limit: 15", false},
		"the message states 0":          {[]any{violation("", "15")}, "Quota exceeded for metric: m, limit: 0", true},
		"shortened: no dimensions":      {[]any{violation("quotaDimensions", "")}, "You exceeded your current quota.", false},
		"shortened: no metric":          {[]any{violation("quotaMetric", "")}, "You exceeded your current quota.", false},
		"another spelling of 0":         {[]any{violation("", "00")}, "You exceeded your current quota.", true},
		"a value that is not a number":  {[]any{violation("", "none")}, "You exceeded your current quota.", false},
		"no violations, message alone":  {nil, "limit is 0", true},
		"equals sign":                   {nil, "limit=0, retry in 3s", true},
		"on a line of its own":          {nil, "limit:\n0", true},
		"what is left":                  {nil, "rate limit: 0 requests remaining", false},
		"a limit that starts with zero": {nil, "limit: 05", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: tt.message, Details: []map[string]any{
				{"violations": tt.violations}, {"retryDelay": "13s"}}}
			if v := classifyAtNoon(t, err); (v.Kind == failure.KindZeroQuota) != tt.zero || (v.Action == failure.Fallback) != tt.zero {
				t.Errorf("Classify = %+v, want zero quota: %v", v, tt.zero)
			}
		})
	}
}

// B30: a body that ends within its quotas may have stated the value.
func TestQuotaValueOfABodyCutOffIsUnknown(t *testing.T) {
	const body = `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaMetric":"m","quotaId":"` + perMinuteID + `","quotaDimensions":{"model":"m"}`
	if v := atNoon.ClassifyHTTP(429, nil, []byte(body)); v.Kind != failure.KindRateLimit {
		t.Errorf("cut off: %+v, want a rate limit", v)
	}
	if v := atNoon.ClassifyHTTP(429, nil, []byte(body+"}]}]}}")); v.Kind != failure.KindZeroQuota {
		t.Errorf("whole: %+v, want a quota of zero", v)
	}
}
