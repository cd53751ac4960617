package failure_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

const (
	perDayID    = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
	perMinuteID = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
)

// exhausted is a 429 of Gemini's with quota ids and, unless empty, a RetryInfo.
func exhausted(delay string, ids ...string) genai.APIError {
	var violations []any
	for _, id := range ids {
		violations = append(violations, map[string]any{"quotaId": id, "quotaMetric": "generativelanguage.googleapis.com/requests", "quotaValue": "20"})
	}
	err := genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "You exceeded your current quota, please check your plan and billing details."}
	err.Details = append(err.Details, map[string]any{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations})
	if delay != "" {
		err.Details = append(err.Details, map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
	}
	return err
}

func classifyAtNoon(t *testing.T, err error) failure.Verdict {
	t.Helper()
	return atNoon.Classify(t.Context(), err)
}

// B23, B24, B25, B27, B28, B31
func TestQuotas(t *testing.T) {
	const retry, fallback = failure.Retry, failure.Fallback
	tests := map[string]struct {
		err  error
		want outcome
	}{
		"per day, short hint":       {exhausted("39s", perDayID), outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		"per day, last of three":    {exhausted("39s", perMinuteID, "InputTokensPerModelPerMinute", perDayID), outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		"per day, long hint":        {exhausted("72193s", perDayID), outcome{fallback, failure.KindQuota, 72193 * time.Second}},
		"per day, eight minutes":    {exhausted("475s", perDayID), outcome{fallback, failure.KindQuota, 475 * time.Second}},
		"per day, no hint":          {exhausted("", perDayID), outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		"per minute, hint":          {exhausted("26s", perMinuteID), outcome{retry, failure.KindRateLimit, 26 * time.Second}},
		"per minute alone":          {exhausted("", perMinuteID), outcome{retry, failure.KindRateLimit, time.Minute}},
		"per hour":                  {exhausted("26s", "RequestsPerHourPerProject"), outcome{fallback, failure.KindQuota, time.Hour}},
		"per month":                 {exhausted("26s", "RequestsPerMonthPerProject"), outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		"per week":                  {exhausted("26s", "requests_per_week"), outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		"300 s":                     {exhausted("300s", perMinuteID), outcome{retry, failure.KindRateLimit, 5 * time.Minute}},
		"300.001 s":                 {exhausted("300.001s", perMinuteID), outcome{fallback, failure.KindQuota, 300001 * time.Millisecond}},
		"0 s":                       {exhausted("0s", perMinuteID), outcome{retry, failure.KindRateLimit, failure.MinRetryAfter}},
		"a year":                    {exhausted("31536000s", perDayID), outcome{fallback, failure.KindQuota, failure.MaxCooldown}},
		"unreadable hint":           {exhausted("soon", perMinuteID), outcome{retry, failure.KindRateLimit, time.Minute}},
		"hint as seconds and nanos": {withHint(map[string]any{"seconds": "34", "nanos": 5e8}), outcome{retry, failure.KindRateLimit, 34500 * time.Millisecond}},
		"161 h": {genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "You have exhausted your capacity on this model.", Details: []map[string]any{
			{"reason": "QUOTA_EXHAUSTED", "metadata": map[string]any{"quotaResetDelay": "161h39m41.300432511s"}}}},
			outcome{fallback, failure.KindQuota, 581981300432511}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, outcomeOf(classifyAtNoon(t, tt.err))); diff != "" {
				t.Errorf("Classify (-want +got)\n%s", diff)
			}
		})
	}
}

func withHint(delay any) error {
	err := exhausted("", perMinuteID)
	err.Details = append(err.Details, map[string]any{"retryDelay": delay})
	return err
}

// B25
func TestFreeDailyQuotaCoolsDownUntilPacificMidnight(t *testing.T) {
	tests := map[string]struct {
		now  string
		want time.Duration
	}{
		"winter":                       {"2026-01-15T20:00:00Z", 12 * time.Hour},
		"summer":                       {"2026-07-15T19:00:00Z", 12 * time.Hour},
		"the day of 23 hours":          {"2026-03-08T08:00:00Z", 23 * time.Hour},
		"the day of 25 hours":          {"2026-11-01T07:00:00Z", 25 * time.Hour},
		"just before midnight":         {"2026-01-16T07:59:59Z", time.Second},
		"midnight":                     {"2026-01-16T08:00:00Z", 24 * time.Hour},
		"new year's eve":               {"2026-12-31T08:00:00Z", 24 * time.Hour},
		"an hour before the switch":    {"2026-03-08T09:00:00Z", 22 * time.Hour},
		"within the hour that repeats": {"2026-11-01T09:30:00Z", 22*time.Hour + 30*time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			v := failure.Classifier{Now: func() time.Time { return now }}.Classify(t.Context(), exhausted("39s", perDayID))
			if v.Cooldown != tt.want {
				t.Errorf("cooldown at %s is %v, want %v", tt.now, v.Cooldown, tt.want)
			}
		})
	}
}

// B26
func TestDailyLimitIsFoundWhereverItIsNamed(t *testing.T) {
	base := genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Quota exceeded. Please retry in 20s."}
	with := func(message string, detail map[string]any) genai.APIError {
		e := base
		if message != "" {
			e.Message = message
		}
		if detail != nil {
			e.Details = []map[string]any{detail}
		}
		return e
	}
	for name, err := range map[string]error{
		"metric":     with("", map[string]any{"violations": []any{map[string]any{"quotaMetric": "generativelanguage.googleapis.com/generate_requests_per_model_per_day"}}}),
		"error info": with("", map[string]any{"reason": "RATE_LIMIT_EXCEEDED", "metadata": map[string]any{"quota_limit": "Gemini25ProRequestsPerDay"}}),
		"message":    with("Quota exceeded for limit 'Requests per day per user per tier'. Please retry in 20s.", nil),
		"daily":      with("You have reached your daily limit.", nil),
		"typed maps": with("", map[string]any{"violations": []map[string]any{{"quotaId": perDayID}}}),
	} {
		t.Run(name, func(t *testing.T) {
			if v := classifyAtNoon(t, err); v.Action != failure.Fallback || v.Kind != failure.KindQuota {
				t.Errorf("Classify = %+v, want a fallback of a quota", v)
			}
		})
	}
}

// B30
func TestLargerHintWins(t *testing.T) {
	err := exhausted("20s", perMinuteID)
	err.Message = "Please retry in 41.5s."
	if v := classifyAtNoon(t, err); v.RetryAfter != 41500*time.Millisecond {
		t.Errorf("retry after %v, want the message's 41.5s", v.RetryAfter)
	}
	err.Message = "Please retry in 2s."
	if v := classifyAtNoon(t, err); v.RetryAfter != 20*time.Second {
		t.Errorf("retry after %v, want RetryInfo's 20s", v.RetryAfter)
	}
}

// B30
func TestZeroLimitBeatsEveryHint(t *testing.T) {
	for text, zero := range map[string]bool{
		"limit: 0": true, "limit: 0, model: gemini": true, "Limit 0, Used 0, Requested 1": true, "limit: 0\nPlease retry in 20s.": true, "limit: 0.": true,
		"limit: 10": false, "limit: 0.5": false, "limit: 20, model: x": false, "limit: 05": false, "limits": false,
	} {
		err := exhausted("20s", perMinuteID)
		err.Message = "Quota exceeded for metric: m, " + text
		v := classifyAtNoon(t, err)
		if got := v.Kind == failure.KindZeroQuota && v.Action == failure.Fallback; got != zero {
			t.Errorf("%q: Classify = %s %s, want zero quota: %v", text, v.Action, v.Kind, zero)
		}
	}
	err := exhausted("20s")
	err.Details[0]["violations"] = []any{map[string]any{"quotaId": perMinuteID, "quotaValue": "0"}}
	if v := classifyAtNoon(t, err); v.Kind != failure.KindZeroQuota {
		t.Errorf("quota value 0: Classify = %+v, want zero quota", v)
	}
}

// B41
func TestSameQuotaAfterAFullWindowFallsBack(t *testing.T) {
	first := classifyAtNoon(t, exhausted("26s", perMinuteID))
	again := classifyAtNoon(t, exhausted("31s", perMinuteID))
	if v := again.Following(first, 26*time.Second); v != again {
		t.Errorf("after 26s: %+v, want the retry unchanged", v)
	}
	v := again.Following(first, time.Minute)
	if v.Action != failure.Fallback || v.Cooldown != time.Minute || v.RetryAfter != 0 {
		t.Errorf("after a minute: %+v, want a fallback with a minute's cooldown", v)
	}
}

// B41
func TestOtherFailureAfterAFullWindowStands(t *testing.T) {
	first := classifyAtNoon(t, exhausted("26s", perMinuteID))
	for name, v := range map[string]failure.Verdict{
		"another quota": classifyAtNoon(t, exhausted("26s", "InputTokensPerModelPerMinute")),
		"overloaded":    classifyAtNoon(t, overloaded),
		"unnamed quota": classifyAtNoon(t, genai.APIError{Code: 429}),
	} {
		if got := v.Following(first, time.Hour); got != v {
			t.Errorf("%s: Following = %+v, want it unchanged", name, got)
		}
	}
}

// B32
func TestCapacityIsRetriedOnce(t *testing.T) {
	info := map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "MODEL_CAPACITY_EXHAUSTED"}
	for name, err := range map[string]error{
		"with type":    genai.APIError{Code: 503, Status: "UNAVAILABLE", Details: []map[string]any{info}},
		"without type": genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Details: []map[string]any{{"reason": "MODEL_CAPACITY_EXHAUSTED"}}},
		"by message":   genai.APIError{Code: 429, Message: "No capacity available for model gemini-3-pro on the server"},
	} {
		t.Run(name, func(t *testing.T) {
			v := classifyAtNoon(t, err)
			if v.Action != failure.Retry || v.MaxRetries != 1 || v.Cooldown != 30*time.Second || v.RetryAfter > time.Minute {
				t.Errorf("Classify = %+v, want one quick retry and a cooldown of 30s", v)
			}
		})
	}
}

func TestQuotaScope(t *testing.T) {
	for id, want := range map[string]failure.Scope{
		perDayID: failure.ScopeModel,
		"GenerateContentRequestsPerMinutePerProjectPerRegion": failure.ScopeAccount,
	} {
		if v := classifyAtNoon(t, exhausted("", id)); v.Scope != want {
			t.Errorf("%s: scope %s, want %s", id, v.Scope, want)
		}
	}
}

func TestIndividualQuotaIsTheAccounts(t *testing.T) {
	err := genai.APIError{Code: 429, Message: "Individual quota reached. Resets in 9h22m20s.", Details: []map[string]any{
		{"reason": "QUOTA_EXHAUSTED", "metadata": map[string]any{"model": "gemini-3.5-flash"}}}}
	if v := classifyAtNoon(t, err); v.Scope != failure.ScopeAccount {
		t.Errorf("Classify = %+v, want scope account", v)
	}
}

func ExampleClassify() {
	v := failure.Classify(genai.APIError{
		Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Quota exceeded for metric: requests_per_minute. Please retry in 26s.",
	})
	fmt.Println(v.Action, v.RetryAfter, v.Kind)
	// Output: retry 26s rate_limit
}
