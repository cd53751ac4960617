package failure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

// planErrors are limits of plans, and of days and minutes by any name. atNoon is 20:00 UTC on 15 January 2026.
func planErrors() []response {
	const retry, fallback = failure.Retry, failure.Fallback
	quota := func(wait time.Duration) outcome { return outcome{fallback, failure.KindQuota, wait} }
	rate := func(wait time.Duration) outcome { return outcome{retry, failure.KindRateLimit, wait} }
	return []response{
		// Claude: https://github.com/anthropics/claude-code/issues/78390, /93340, /65802
		{"session, time of day", 429, "You've hit your session limit · resets 6:50am (America/New_York)", quota(15*time.Hour + 50*time.Minute)},
		{"week, time of day", 429, "You've hit your weekly limit · resets 4am (Europe/Madrid)", quota(7 * time.Hour)},
		{"week, date", 429, "You've hit your weekly limit · resets Jan 17, 4pm (Europe/Rome)", quota(43 * time.Hour)},
		{"five hours, epoch", 0, "Claude AI usage limit reached|1768514400", quota(2 * time.Hour)},
		{"hours without a time", 429, "5-hour limit reached", quota(time.Hour)},
		// Codex, a word broken by the terminal: https://github.com/openai/codex/issues/28391
		{"codex date", 0, "You've hit your usage limit. Upgrade to Pro, visit settings to purchase more credits or try a\ngain at Jan 16th, 2026 8:41 AM.", quota(12*time.Hour + 41*time.Minute)},
		{"codex words", 0, "You've hit your usage limit. Try again in 1 week 2 days.", quota(9 * 24 * time.Hour)},
		// Ollama: https://github.com/ollama/ollama/issues
		{"ollama session, a string", 429, `"you (somebody) have reached your session usage limit, please wait or upgrade to continue"`, quota(time.Hour)},
		{"ollama session, error", 429, `{"error":"you have reached your session usage limit, upgrade for higher limits"}`, quota(time.Hour)},
		{"ollama week", 429, `{"error":"you have reached your weekly usage limit"}`, quota(untilMidnightUTC)},
		// GLM: https://docs.bigmodel.cn/cn/api/api-code, https://github.com/dirge-code/dirge/issues/818
		{"glm hours", 429, `{"error":{"code":"1308","message":"已达到 5\n小时的使用上限。您的限额将在 2026-01-16 07:41:44 重置。"}}`, quota(3*time.Hour + 41*time.Minute + 44*time.Second)},
		{"glm week", 429, `{"error":{"code":"1310","message":"您已达到每周/每月使用上限，您的限额将在 2026-01-17 08:00:00 重置。"}}`, quota(28 * time.Hour)},
		{"glm by number alone", 429, `{"error":{"code":1316,"message":"x"}}`, quota(time.Hour)},
		{"glm day", 429, `{"error":{"code":"1304","message":"该API已达今日调用次数限额"}}`, quota(untilMidnightUTC)},
		{"glm concurrency", 429, `{"error":{"code":"1302","message":"您当前使用该API的并发数过高，请降低并发"}}`, rate(0)},
		{"chinese minute", 429, `{"error":{"message":"每分钟请求数超过上限，请在 20 秒后重试"}}`, rate(20 * time.Second)},
		// Copilot: https://github.com/microsoft/vscode-copilot-release/issues/11836
		{"copilot premium", 0, "You have exceeded your premium request allowance. Enable additional paid premium requests.", quota(time.Hour)},
		{"copilot week", 429, "You've reached your weekly rate limit. Please wait for your limit to reset on January 18, 2026 at 2:00 AM.", quota(54 * time.Hour)},
		{"copilot hours", 429, `{"type":"session.error","data":{"message":"You've hit a rate limit. Please try again in 51 hours."}}`, quota(51 * time.Hour)},
		// Kiro: https://github.com/diegosouzapw/OmniRoute/issues/11859
		{"relay's hours", 0, "Request rejected (429) · All accounts have exhausted their quota\n  (reset after 140h 21m 10s)", quota(140*time.Hour + 21*time.Minute + 10*time.Second)},
		{"kimi period", 429, "You've reached your usage limit for this period. Your quota will be refreshed in the next period.", quota(time.Hour)},
		{"resets at RFC 3339", 429, `{"error":{"message":"Daily token limit reached, resets at 2026-01-16T00:00:00Z"}}`, quota(4 * time.Hour)},
		{"resets at an hour", 429, `{"error":{"message":"Free quota used. Daily limit, resets at 22:30 UTC."}}`, quota(2*time.Hour + 30*time.Minute)},
		{"resets in the past", 429, `{"error":{"message":"Usage limit reached. It will reset at 2020-01-01 00:00:00"}}`, quota(time.Hour)},
		// Bare words: https://console.groq.com/docs/rate-limits, https://platform.moonshot.cn/docs/pricing/limits
		{"TPD", 429, "Your account org-x / proj-x request reached organization TPD rate limit, current: 1590271, limit: 1500000", quota(untilMidnightUTC)},
		{"RPD", 429, "RPD limit reached.", quota(untilMidnightUTC)},
		{"TPM", 429, "Request was rejected due to rate limiting. Details: TPM limit reached.", rate(time.Minute)},
		{"RPM in a name", 429, `{"error":{"message":"Rate limit exceeded: limit_rpm/google/x"}}`, rate(time.Minute)},
		{"letters of another word", 429, "rate limit of the TPMX tier", rate(0)},
		// Behind 403: https://learn.microsoft.com/azure/api-management/quota-policy
		{"calls, TimeSpan", 403, "Out of call volume quota. Quota will be replenished in 5.03:23:11.", quota(123*time.Hour + 23*time.Minute + 11*time.Second)},
		{"bandwidth, TimeSpan", 403, `{"statusCode":403,"message":"Out of bandwidth quota. Quota will be replenished in 22.14:18:12."}`, quota(542*time.Hour + 18*time.Minute + 12*time.Second)},
		{"bandwidth, hours only", 403, "Out of bandwidth quota. Quota will be replenished in 01:30:00.", quota(90 * time.Minute)},
		{"tokens", 403, `{"statusCode":403,"message":"Token quota is exceeded. Try again in 21 hours 14 minutes."}`, quota(21*time.Hour + 14*time.Minute)},
		// Relays: a limit of tokens is the key's or the plan's, unless the text says that it is the model's.
		{"tokens of a plan", 403, `{"error":{"message":"Your plan's token limit has been reached."}}`, quota(time.Hour)},
		{"tokens of a key", 403, `{"error":"Token limit exceeded for this API key"}`, quota(time.Hour)},
		{"tokens of a month", 403, `{"error":"You have used the maximum number of tokens of this key"}`, quota(time.Hour)},
		{"tokens of a minute", 403, `{"error":"Token limit of 90,000 per minute exceeded"}`, rate(time.Minute)},
		{"tokens of the input", 403, `{"error":"Input token limit exceeded"}`, outcome{fallback, failure.KindContextLength, 0}},
		{"tokens of a prompt", 403, `{"error":"The prompt has 9000 tokens, which exceeds the token limit of 8192"}`, outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/epam/statgpt-backend/pull/199: the number before the slash is what was used.
		{"several windows", 429, "Hit token rate limit. Minute limit: 0 / 1600000 tokens. Day limit: 2105 / 10 tokens.", quota(untilMidnightUTC)},
		// https://github.com/meta-llama/llama-models/issues/354: tokens of a time, not of a request
		{"tokens of a time", 0, "Error code: 429 - {'title': 'Too Many Requests', 'detail': 'You have exceeded the maximum number of tokens allowed within a given time frame.', 'status': 429}", rate(0)},
		{"cloudflare day", 429, `{"result":null,"success":false,"errors":[{"code":3036,"message":"you have used up your daily free allocation of 10,000 neurons"}]}`, quota(untilMidnightUTC)},
	}
}

// B27, B31: a plan's window is a quota, a stated reset is its cooldown, and midnight in California is Google's alone.
func TestWindowsOfPlans(t *testing.T) { check(t, planErrors()) }

func TestScopeOfQuotas(t *testing.T) {
	for body, want := range map[string]failure.Scope{
		"You've hit your session limit · resets 4pm (UTC)":                                             failure.ScopeAccount,
		"request reached max organization concurrency: 1, please try again after 1 seconds":            failure.ScopeAccount,
		"Rate limit exceeded: free-models-per-day":                                                     failure.ScopeAccount,
		"Rate limit reached for gpt-4 in organization org-x on tokens per min (TPM): Limit 1, Used 1":  failure.ScopeModel,
		"Rate limit reached for model `m` in organization `o` on tokens per day (TPD): Limit 1":        failure.ScopeModel,
		"Out of bandwidth quota. Rate limit is exceeded. Quota will be replenished in 22.14:18:12":     failure.ScopeAccount,
		"Rate limit reached for m. Please add a payment method to your account to increase your limit": failure.ScopeModel,
	} {
		if v := atNoon.ClassifyHTTP(429, nil, []byte(body)); v.Scope != want {
			t.Errorf("%s: scope %s, want %s", body, v.Scope, want)
		}
	}
}

// https://docs.anthropic.com/en/api/errors: without Retry-After, a 429 is a spend cap that lasts until the month ends.
func TestAnthropics429WithoutRetryAfterIsACap(t *testing.T) {
	const body = `{"type":"error","error":{"type":"rate_limit_error","message":"You have reached a limit."}}`
	own := http.Header{"Anthropic-Organization-Id": {"o"}}
	if v := atNoon.ClassifyHTTP(429, own, []byte(body)); v.Action != failure.Fallback || v.Kind != failure.KindQuota || v.Scope != failure.ScopeAccount {
		t.Errorf("with Anthropic's headers: %+v, want a quota of the account", v)
	}
	own.Set("Retry-After", "7")
	if v := atNoon.ClassifyHTTP(429, own, []byte(body)); v.RetryAfter != 7*time.Second {
		t.Errorf("with Retry-After: %+v, want a retry after 7s", v)
	}
	if v := atNoon.ClassifyHTTP(429, nil, []byte(body)); v.Action != failure.Retry {
		t.Errorf("without headers: %+v, want a retry", v)
	}
}
