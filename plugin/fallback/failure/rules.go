package failure

import (
	"cmp"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/delay"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/quota"
)

const (
	day = 24 * time.Hour

	// capacityCooldown is how long a model without capacity is left alone; Gemini CLI uses the same:
	// https://github.com/google-gemini/gemini-cli/issues/28761
	capacityCooldown = 30 * time.Second
	// personCooldown is for failures that only a person can fix (credit, a limit of 0): one call an hour.
	personCooldown = time.Hour
)

// verdict applies the rules. Their order is the contract: first failures that every model would share, then failures of
// this account, quota or model, then failures that may pass.
func (e *evidence) verdict() Verdict {
	e.settle()
	v := e.decide()
	v.HTTPStatus, v.Message = e.status, readable(e.message)
	v.Code = cmp.Or(e.code, v.Code)
	if e.codeRank < 2 {
		v.Code = redact.Text(v.Code, MaxMessage) // a word of the provider's that is in no table may be anything
	}
	if v.Kind == KindRateLimit || v.Kind == KindQuota || v.Kind == KindZeroQuota {
		v.Quota = redact.Text(e.quota, MaxMessage)
	}
	return v.bounded()
}

func (e *evidence) decide() Verdict {
	kind := e.kind
	if k := wordingKind(e.status, &e.prose, true); k != "" {
		kind = k
	} else if precedence[kind] <= precedence[KindRateLimit] {
		if k := wordingKind(e.status, &e.prose, false); k == KindContextLength && e.span > 0 && classOf(e.status) != bad {
			kind = KindRateLimit // "token limit (500,000 per day)": a window of time, not the model's
		} else if k != "" {
			kind = k
		}
	}
	switch kind {
	case KindAuth:
		return Verdict{Action: Fail, Kind: kind, Scope: ScopeAccount, Reason: "the credential or account is not accepted"}
	case KindBilling:
		return Verdict{Action: Fallback, Kind: kind, Scope: ScopeAccount, Cooldown: max(e.wait(), personCooldown), Reason: "no credit, or billing is off: only another account can serve"}
	case KindLocation:
		return elsewhere()
	case KindContextLength:
		return Verdict{Action: Fallback, Kind: kind, Scope: ScopeRequest, Reason: "the request does not fit the model's context window"}
	case KindTooLarge:
		return tooLarge()
	case KindModel:
		return modelMissing()
	case KindUnsupported:
		return Verdict{Action: Fallback, Kind: kind, Scope: ScopeModel, Reason: "this model does not take a part of the request"}
	case KindContent:
		return Verdict{Action: Fail, Kind: kind, Scope: ScopeRequest, Reason: "refused by a content policy"}
	case KindMalformed:
		return e.retry1(Verdict{Kind: kind, Scope: ScopeRequest, Reason: "the model made an unusable tool call or answer: one retry"})
	case KindEmpty:
		return e.retry1(Verdict{Kind: kind, Scope: ScopeModel, Reason: "the model returned nothing: one retry"})
	case KindServer:
		return e.again(Verdict{Kind: kind, Scope: ScopeEndpoint, Reason: "the upstream of a relay failed"})
	case KindQuota, KindRateLimit:
		if e.status < 400 || e.status == 403 || e.status == 429 || e.status >= 500 || kind == KindQuota {
			return e.limited(kind)
		}
	case KindCapacity:
		return e.noCapacity()
	case KindOverloaded:
		if e.status < 400 {
			return e.again(overloaded(ScopeModel))
		}
	case KindTimeout:
		return e.retry1(Verdict{Kind: kind, Scope: ScopeModel, Reason: "the server ran out of time: one retry"})
	}
	return e.byStatus()
}

// byStatus decides by the HTTP status alone.
func (e *evidence) byStatus() Verdict {
	switch s := e.status; {
	case s == 429, s == 0 && (e.zero || e.quota != ""):
		return e.limited(KindRateLimit)
	case s == 403 && len(e.text) == len("error code: 1020") && strings.HasPrefix(e.text, "error code: 1"):
		return elsewhere() // Cloudflare's edge: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/
	case s == 401, s == 403:
		return Verdict{Action: Fail, Kind: KindAuth, Scope: ScopeAccount, Reason: "not authenticated, or not permitted"}
	case s == 402:
		return Verdict{Action: Fallback, Kind: KindBilling, Scope: ScopeAccount, Cooldown: personCooldown, Reason: "payment required: only another account can serve"}
	case s == 404:
		return e.notFound()
	case s == 410: // a retired model of NVIDIA's: https://github.com/NVIDIA/NemoClaw/issues/11902
		return modelMissing()
	case s == 408, s == 504, s == 524:
		return e.retry1(Verdict{Kind: KindTimeout, Scope: e.faulty(), Reason: "the server ran out of time: one retry"})
	case s == 412 && e.prose.HasAny(limitWords): // Portkey: https://portkey.ai/docs/aigw/api-reference/inference-api/error-codes
		return Verdict{Action: Fallback, Kind: KindBilling, Scope: ScopeAccount, Cooldown: personCooldown, Reason: "a gateway's budget is exhausted"}
	case s == 446: // Portkey's guardrails
		return Verdict{Action: Fail, Kind: KindContent, Scope: ScopeRequest, Reason: "refused by a content policy"}
	case s == 413:
		return tooLarge()
	case s == 424 && e.prose.HasAny(connectorWords): // not the model's fault: https://github.com/microsoft/agent-framework/issues/1210
		return e.retry1(Verdict{Kind: KindServer, Scope: ScopeRequest, Reason: "a server of tools that the request names failed: one retry"})
	case s == 424: // failed dependency: TGI reports a fault while generating, Bedrock a ModelErrorException
		return e.retry1(Verdict{Kind: KindServer, Scope: ScopeModel, Reason: "something behind the server failed: one retry"})
	case s == 498 && e.prose.HasAny(blockedWords): // Cohere: https://docs.cohere.com/reference/errors
		return Verdict{Action: Fail, Kind: KindContent, Scope: ScopeRequest, Reason: "refused by a content policy"}
	case s == 498: // Groq's flex tier: https://console.groq.com/docs/errors
		return e.noCapacity()
	case s == 499:
		return e.again(Verdict{Kind: KindServer, Scope: ScopeModel, Reason: "the server cancelled the call"})
	case s == 409 && normal(e.code) == "aborted":
		return e.again(Verdict{Kind: KindServer, Scope: ScopeModel, Reason: "aborted by the server"})
	case s == 501:
		return Verdict{Action: Fallback, Kind: KindInvalid, Scope: ScopeModel, Reason: "the model does not implement this"}
	case s == 503, s == 529, s >= 500 && e.kind == KindOverloaded:
		return e.again(overloaded(e.faulty()))
	case s >= 500:
		return e.again(Verdict{Kind: KindServer, Scope: e.faulty(), Reason: "a fault of the server"})
	case s >= 400:
		return Verdict{Action: Fail, Kind: KindInvalid, Scope: ScopeRequest, Reason: "the request is not accepted"}
	}
	return e.withoutStatus()
}

// limited decides about quotas and rate limits.
func (e *evidence) limited(kind Kind) Verdict {
	scope := ScopeModel
	if e.perProject && !e.perModel || e.perPerson {
		scope = ScopeAccount
	}
	wait := e.wait()
	switch {
	case e.zero:
		return Verdict{Action: Fallback, Kind: KindZeroQuota, Scope: scope, Cooldown: personCooldown, Reason: "the limit is 0: waiting never helps"}
	case quota.NeverFits(e.text):
		return tooLarge()
	case e.span >= time.Hour || kind == KindQuota:
		return Verdict{Action: Fallback, Kind: KindQuota, Scope: scope, Cooldown: e.exhaustedFor(), Reason: "a quota of an hour or longer is exhausted"}
	case e.anthropic && !e.hasRetry && e.span == 0: // https://docs.anthropic.com/en/api/errors
		return Verdict{Action: Fallback, Kind: KindQuota, Scope: ScopeAccount, Cooldown: personCooldown, Reason: "Anthropic's 429 without Retry-After is a monthly spend cap"}
	case e.span > MaxRetryAfter:
		return Verdict{Action: Fallback, Kind: KindQuota, Scope: scope, Cooldown: max(wait, e.span), Reason: "a quota of more than five minutes is exhausted"}
	case wait > MaxRetryAfter:
		return Verdict{Action: Fallback, Kind: KindQuota, Scope: scope, Cooldown: wait, Reason: "the server asks to wait longer than five minutes"}
	case e.hasRetry || e.hasReset:
		return e.again(Verdict{Kind: KindRateLimit, Scope: scope, Reason: "rate limit with a short delay"})
	case e.span >= time.Minute:
		return Verdict{Action: Retry, Kind: KindRateLimit, Scope: scope, RetryAfter: e.span, Reason: "rate limit without a hint: one window"}
	}
	return Verdict{Action: Retry, Kind: KindRateLimit, Scope: scope, Reason: "rate limit without a hint: back off"}
}

// exhaustedFor is the cooldown of a quota of an hour or longer: until the stated reset. Gemini's RetryInfo of some seconds is
// that of the per-minute limit and says nothing about the day; a long one is right. Where nothing is stated: Google's days
// end at midnight in California, those of OpenRouter, Cloudflare and Kiro at midnight UTC; a shorter window, or one of
// unknown length, is tried again after an hour.
func (e *evidence) exhaustedFor() time.Duration {
	wait, now := e.wait(), e.clock.now()
	switch {
	case e.hasReset && e.reset > 0, wait > MaxRetryAfter, wait > 0 && !e.google:
		return wait
	case e.span >= time.Hour && e.span < day:
		return e.span
	case e.google:
		return delay.UntilPacificMidnight(now)
	case e.span >= day:
		return now.UTC().Truncate(day).Add(day).Sub(now)
	}
	return personCooldown
}

// wait returns the longest delay that the provider asks for.
func (e *evidence) wait() time.Duration { return max(e.retry, e.reset) }

// again makes v a Retry after the hint, or a Fallback when the hint is too long to wait.
func (e *evidence) again(v Verdict) Verdict {
	wait := e.wait()
	switch {
	case wait > MaxRetryAfter:
		v.Action, v.Cooldown = Fallback, wait
		v.Reason = "the server asks to wait longer than five minutes"
	case e.hasRetry || e.hasReset:
		v.Action, v.RetryAfter = Retry, max(wait, MinRetryAfter)
	default:
		v.Action = Retry
	}
	return v
}

func (e *evidence) noCapacity() Verdict {
	return e.retry1(Verdict{Kind: KindCapacity, Scope: ScopeModel, Cooldown: capacityCooldown, Reason: "no capacity for the model: one quick retry"})
}

// retry1 is again, once.
func (e *evidence) retry1(v Verdict) Verdict {
	v.MaxRetries = 1
	return e.again(v)
}

// notFound tells a missing model from a wrong address: an API that was reached says what it misses, a wrong base URL
// answers with nothing, or with a web page.
func (e *evidence) notFound() Verdict {
	if e.fromCode == 404 || wordingKind(404, &e.prose, false) == KindModel || e.prose.HasAny(modelWords) && !e.html {
		return modelMissing()
	}
	return Verdict{Action: Fail, Kind: KindInvalid, Scope: ScopeEndpoint, Reason: "nothing at this address: a wrong base URL or API version"}
}

// faulty is whose fault a 5xx is: a page that is not the API's was written by something in front of it, and a connection that
// failed behind a relay is not the model's either.
func (e *evidence) faulty() Scope {
	if e.html || e.message == "" || e.status == 529 || e.prose.HasAny(wireWords) {
		return ScopeEndpoint
	}
	return ScopeModel
}

func overloaded(scope Scope) Verdict {
	return Verdict{Kind: KindOverloaded, Scope: scope, Reason: "overloaded or unavailable"}
}

func elsewhere() Verdict {
	return Verdict{Action: Fallback, Kind: KindLocation, Scope: ScopeProvider, Reason: "the provider does not serve this location"}
}

func tooLarge() Verdict {
	return Verdict{Action: Fallback, Kind: KindTooLarge, Scope: ScopeRequest, Reason: "the request is larger than this limit ever admits"}
}

func modelMissing() Verdict {
	return Verdict{Action: Fallback, Kind: KindModel, Scope: ScopeModel, Reason: "the model does not exist, or not for this account"}
}
