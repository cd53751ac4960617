package fallbacktest

import (
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// The errors below come in the shape of the API that the request was made to.
// What is said of each is what Gemini does; see [Anthropic's] and [OpenAI's] lists
// for theirs.
//
// [Anthropic's]: https://platform.claude.com/docs/en/api/errors
// [OpenAI's]: https://platform.openai.com/docs/guides/error-codes

// DailyQuota is a free-tier quota of requests per day that is used up: 429. As in
// reality it comes with a RetryInfo of some seconds, which does not help.
// (https://github.com/continuedev/continue/issues/11675)
//
// APIs without a daily quota say instead that the account has nothing left to
// spend: Anthropic with 429 rate_limit_error without retry-after, OpenAI with 429
// insufficient_quota.
func DailyQuota() Step { return failing(protocol.Problem{Kind: protocol.DailyQuota}) }

// MinuteQuota is a quota of requests per minute that is used up: 429, with a
// RetryInfo (elsewhere the header retry-after) that asks to wait for retry.
// (https://ai.google.dev/gemini-api/docs/rate-limits)
func MinuteQuota(retry time.Duration) Step {
	return failing(protocol.Problem{Kind: protocol.MinuteQuota, Retry: retry})
}

// Exhausted is a 429 that says neither which quota nor how long.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Exhausted() Step { return failing(protocol.Problem{Kind: protocol.Exhausted}) }

// Overloaded is a model with too much traffic: 503, and 529 in Anthropic's API.
// (https://github.com/continuedev/continue/issues/8308)
func Overloaded() Step { return failing(protocol.Problem{Kind: protocol.Overloaded}) }

// Capacity is a model without free capacity: 503 with the reason
// MODEL_CAPACITY_EXHAUSTED. Other APIs answer as to [Overloaded].
// (https://github.com/google-gemini/gemini-cli/issues/23520)
func Capacity() Step { return failing(protocol.Problem{Kind: protocol.Capacity}) }

// Internal is a failure of the provider itself: 500.
// (https://github.com/google-gemini/gemini-cli/issues/3665)
func Internal() Step { return failing(protocol.Problem{Kind: protocol.Internal}) }

// Deadline is a request that took the provider too long: 504.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Deadline() Step { return failing(protocol.Problem{Kind: protocol.Deadline}) }

// ContextLength is a prompt that exceeds the model's context window: 400.
// (https://github.com/google-gemini/gemini-cli/issues/4231)
func ContextLength() Step { return failing(protocol.Problem{Kind: protocol.ContextLength}) }

// InvalidKey is an API key that does not exist: 400 with the reason
// API_KEY_INVALID, and 401 in the other APIs.
// (https://github.com/continuedev/continue/issues/8516)
func InvalidKey() Step { return failing(protocol.Problem{Kind: protocol.InvalidKey}) }

// NotFound is a model that does not exist, or no longer: 404. A model without a
// script gets it too. (https://github.com/karthink/gptel/issues/667)
func NotFound() Step { return failing(protocol.Problem{Kind: protocol.NotFound}) }

// Location is a caller in a region that the API does not serve: 400, and 403 in
// the other APIs. (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Location() Step { return failing(protocol.Problem{Kind: protocol.Location}) }

func failing(p protocol.Problem) Step {
	return Step{kind: kindStatus, status: protocol.Status{Problem: p}}
}
