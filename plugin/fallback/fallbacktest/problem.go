package fallbacktest

import (
	"net/http"
	"time"
)

// problem is an error in no protocol's words. Each protocol writes it with the
// status and the body that its API uses.
type problem struct {
	kind  problemKind
	retry time.Duration // for minuteQuota: the wait that the error asks for
	text  string        // for badRequest: what is wrong; the other kinds have texts of their own
}

type problemKind int

const (
	_ problemKind = iota
	dailyQuota
	minuteQuota
	exhausted
	overloaded
	capacity
	internal
	deadline
	contextLength
	invalidKey
	notFound
	location
	badRequest
)

// status is an HTTP response that is not an answer: one that is given literally,
// or a problem that the protocol of the request puts into words.
type status struct {
	problem problem // if its kind is set, the rest is empty

	code   int
	header http.Header
	body   string
}

// in returns the status as the protocol writes it.
func (s status) in(proto protocol, req *Request) status {
	if s.problem.kind == 0 {
		return s
	}
	return proto.problem(req, s.problem)
}

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
func DailyQuota() Step { return failing(problem{kind: dailyQuota}) }

// MinuteQuota is a quota of requests per minute that is used up: 429, with a
// RetryInfo (elsewhere the header retry-after) that asks to wait for retry.
// (https://ai.google.dev/gemini-api/docs/rate-limits)
func MinuteQuota(retry time.Duration) Step {
	return failing(problem{kind: minuteQuota, retry: retry})
}

// Exhausted is a 429 that says neither which quota nor how long.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Exhausted() Step { return failing(problem{kind: exhausted}) }

// Overloaded is a model with too much traffic: 503, and 529 in Anthropic's API.
// (https://github.com/continuedev/continue/issues/8308)
func Overloaded() Step { return failing(problem{kind: overloaded}) }

// Capacity is a model without free capacity: 503 with the reason
// MODEL_CAPACITY_EXHAUSTED. Other APIs answer as to [Overloaded].
// (https://github.com/google-gemini/gemini-cli/issues/23520)
func Capacity() Step { return failing(problem{kind: capacity}) }

// Internal is a failure of the provider itself: 500.
// (https://github.com/google-gemini/gemini-cli/issues/3665)
func Internal() Step { return failing(problem{kind: internal}) }

// Deadline is a request that took the provider too long: 504.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Deadline() Step { return failing(problem{kind: deadline}) }

// ContextLength is a prompt that exceeds the model's context window: 400.
// (https://github.com/google-gemini/gemini-cli/issues/4231)
func ContextLength() Step { return failing(problem{kind: contextLength}) }

// InvalidKey is an API key that does not exist: 400 with the reason
// API_KEY_INVALID, and 401 in the other APIs.
// (https://github.com/continuedev/continue/issues/8516)
func InvalidKey() Step { return failing(problem{kind: invalidKey}) }

// NotFound is a model that does not exist, or no longer: 404. A model without a
// script gets it too. (https://github.com/karthink/gptel/issues/667)
func NotFound() Step { return failing(problem{kind: notFound}) }

// Location is a caller in a region that the API does not serve: 400, and 403 in
// the other APIs. (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Location() Step { return failing(problem{kind: location}) }

func failing(p problem) Step { return Step{kind: kindStatus, status: status{problem: p}} }
