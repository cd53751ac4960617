package failure

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// Action is what to do next.
type Action string

const (
	// Retry calls the same model again, after [Verdict.RetryAfter], at most [Verdict.MaxRetries] times, then falls back.
	Retry Action = "retry"
	// Fallback calls another model at once; the same one would fail again.
	Fallback Action = "fallback"
	// Fail returns the error to the caller: no other model of the chain would answer, or none should be called.
	Fail Action = "fail"
)

// Scope is what to avoid next.
type Scope string

const (
	ScopeRequest  Scope = "request"  // only this request: the model is fine for others
	ScopeModel    Scope = "model"    // this model; another one of the same provider may serve
	ScopeAccount  Scope = "account"  // this credential or project, whatever the model
	ScopeEndpoint Scope = "endpoint" // this address: another target of it is worth a call, but after those of others
	ScopeProvider Scope = "provider" // this provider, whatever the model and the credential
)

// Kind names the failure. It is stable, lower case, and fit for conditions, metrics and logs.
type Kind string

const (
	KindCanceled      Kind = "canceled"        // the caller gave up
	KindAuth          Kind = "auth"            // bad key, suspended, disabled, not permitted
	KindBilling       Kind = "billing"         // no credit, spend cap, billing off
	KindZeroQuota     Kind = "zero_quota"      // the limit is 0: waiting never helps
	KindQuota         Kind = "quota"           // a quota of an hour or longer is used up
	KindRateLimit     Kind = "rate_limit"      // a quota of a minute or less, or an unnamed one
	KindCapacity      Kind = "capacity"        // the provider has no machine for this model now
	KindOverloaded    Kind = "overloaded"      // 503, 529
	KindServer        Kind = "server"          // 500, 502 and other faults of the provider
	KindNetwork       Kind = "network"         // reset, refused, DNS, TLS, EOF
	KindTimeout       Kind = "timeout"         // no answer in time, by the server's clock or ours
	KindTruncated     Kind = "truncated"       // the answer stopped in the middle
	KindEmpty         Kind = "empty"           // the answer has nothing in it
	KindMalformed     Kind = "malformed"       // the model produced an unusable function call or answer
	KindContextLength Kind = "context_length"  // more tokens than this model's window
	KindTooLarge      Kind = "too_large"       // a request that this limit never admits
	KindModel         Kind = "model_not_found" // unknown, retired, or not for this account
	KindLocation      Kind = "location"        // the provider does not serve this place
	KindContent       Kind = "content"         // refused by a content policy
	KindRejected      Kind = "rejected"        // a whole answer that a rule of the application does not accept; no error of a provider means it
	KindUnsupported   Kind = "unsupported"     // a setting or part of the request that this model does not take
	KindInvalid       Kind = "invalid_request" // any other 4xx
	KindUnknown       Kind = "unknown"         // nothing was recognized
)

// Bounds of every verdict.
const (
	// MaxRetryAfter is the longest wait worth holding a call for. A longer hint becomes a Fallback with that cooldown.
	// Google's own Gemini CLI draws the line at the same place:
	// https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/utils/googleQuotaErrors.ts
	MaxRetryAfter = 5 * time.Minute
	// MinRetryAfter stands for a server's "retry after 0 seconds".
	MinRetryAfter = time.Second
	// MaxCooldown bounds a cooldown: no quota window is longer than a month.
	MaxCooldown = 31 * 24 * time.Hour
	// MaxMessage bounds [Verdict.Message], in bytes.
	MaxMessage = 256
)

// Verdict is what a failure means. The zero Verdict (Action "") means that nothing failed.
type Verdict struct {
	Action Action
	Kind   Kind
	Scope  Scope

	Code       string // the provider's own word: "RESOURCE_EXHAUSTED", "overloaded_error"; "" when it gave none
	HTTPStatus int    // the innermost HTTP status, also when only its gRPC name or the type of an AWS fault was given; 0 when there is none

	// RetryAfter is how long to wait before a Retry, in [0, MaxRetryAfter]. 0: the caller's own backoff.
	RetryAfter time.Duration
	// Cooldown is how long to leave Scope alone once the call moves on, in [0, MaxCooldown]. 0: no longer than this call.
	// On a Retry it counts only after the retries are spent.
	Cooldown time.Duration
	// MaxRetries bounds the retries of a Retry more tightly than the caller may. 0: the caller's own bound.
	MaxRetries int

	Quota   string // identity of the quota hit, for Following; "" when unknown
	Message string // the provider's message, redacted, at most MaxMessage bytes
	Reason  string // the rule that decided, one short line, free of data
}

// Matches reports whether code names this failure: the HTTP status in decimal ("429"), the provider's code, or the gRPC
// name of the HTTP status ("RESOURCE_EXHAUSTED"). Case does not matter; "" matches nothing.
func (v Verdict) Matches(code string) bool {
	if code == "" {
		return false
	}
	if strings.EqualFold(code, v.Code) {
		return true
	}
	if v.HTTPStatus == 0 {
		return false
	}
	return code == strconv.Itoa(v.HTTPStatus) || strings.EqualFold(code, statusName(v.HTTPStatus))
}

// quotaWindow is the length of the quota windows that are worth waiting for.
const quotaWindow = time.Minute

// Following revises v, the verdict of an attempt made after waiting for the one that gave prev. A rate limit that is hit
// again although a full window (a minute) was waited is not a rate limit that waiting can end: it becomes a Fallback.
// waited is the whole time since prev. Any other v is returned as it is.
func (v Verdict) Following(prev Verdict, waited time.Duration) Verdict {
	same := v.Quota != "" && v.Quota == prev.Quota
	if v.Action != Retry || v.Kind != KindRateLimit || prev.Kind != KindRateLimit || !same || waited < quotaWindow {
		return v
	}
	v.Cooldown = max(v.Cooldown, v.RetryAfter, quotaWindow)
	v.Action, v.RetryAfter = Fallback, 0
	v.Reason = "the same quota is still exhausted after a full window"
	return v
}

// Err returns v as an error that Classify judges as v: it turns what arrived as success into a failure.
func (v Verdict) Err() error {
	return &ResponseError{Code: cmp.Or(v.Code, string(v.Kind)), Message: cmp.Or(v.Message, v.Reason), Means: v}
}

// bounded brings the durations into their documented ranges.
func (v Verdict) bounded() Verdict {
	v.RetryAfter = min(max(v.RetryAfter, 0), MaxRetryAfter)
	v.Cooldown = min(max(v.Cooldown, 0), MaxCooldown)
	if v.Action != Retry {
		v.RetryAfter, v.MaxRetries = 0, 0
	}
	return v
}
