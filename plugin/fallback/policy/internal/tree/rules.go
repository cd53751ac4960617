package tree

import (
	"context"
	"fmt"
	"math"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// rules makes the conditions of a policy the rules of its router.
type rules struct {
	costs map[string]func(*model.LLMRequest) float64            // what an attempt will cost, by the target's name; complete when the tree is
	hit   func(ctx context.Context, req *model.LLMRequest) bool // an answer is kept for the request; nil for never
}

// of returns the rule of an entry, nil if calls move on to it after every failure.
func (r *rules) of(t spec.Target) *router.Rule {
	c := t.Condition.Compiled()
	if c == nil || t.Settings.Tier != "" && t.Condition.Plain() { // a target with a rule is in no tier
		return nil
	}
	return &router.Rule{
		Name: fmt.Sprintf("condition %q", c), Latencies: c.Latencies(), Before: c.Uses("cost"), Answers: c.HoldsBack(), TTFT: c.Uses("ttft"),
		If: func(ctx context.Context, o router.Observation) (bool, error) {
			cost := r.costs[o.Target]
			if cost == nil && o.Moment == router.WhenStarting {
				return false, nil
			}
			v := varsOf(ctx, &o)
			if cost != nil && c.Uses("cost") {
				v.Cost = cost(o.Request)
			}
			if r.hit != nil && c.Uses("cache_hit") {
				v.CacheHit = r.hit(ctx, o.Request)
			}
			return c.Eval(&v)
		},
	}
}

// varsOf returns the values of the names in conditions for an attempt, without those that
// depend on the policy: cost and cache_hit.
func varsOf(ctx context.Context, o *router.Observation) condition.Vars {
	info := call.From(ctx)
	v := condition.Vars{
		Error: o.Err != nil, ErrorCode: o.Code(), ErrorKind: string(o.Verdict.Kind), Latency: o.Latency, TTFT: o.TTFT, Attempt: o.Attempt,
		Empty: o.Empty(), Cost: math.NaN(), Confidence: o.Confidence(),
		Tenant: info.Tenant, Priority: info.Priority, DataClass: info.DataClass, Labels: info.Labels,
	}
	if o.Answer != nil {
		v.FinishReason = string(o.Answer.FinishReason)
	}
	return v
}

// judge returns the function that applies errors.codes, the list of failures that cause a
// fallback; nil without a list. Our own limits are no failures of a provider and always cause
// one. Refusals by a content policy have their own setting, errors.content_policy.
func judge(e *spec.Errors) func(failure.Verdict) failure.Verdict {
	if e == nil || len(e.Codes) == 0 {
		return nil
	}
	return func(v failure.Verdict) failure.Verdict {
		switch {
		case v.Kind == failure.KindRejected, v.Kind == failure.KindCanceled, v.Kind == failure.KindContent:
			return v
		case v.Kind == failure.KindTimeout && v.HTTPStatus == 0: // our own
			return v
		}
		for _, code := range e.Codes {
			switch {
			case strings.EqualFold(string(code), spec.AnyFailure):
				if v.Action != failure.Fail {
					return v
				}
			case v.Matches(string(code)), strings.EqualFold(string(code), string(v.Kind)):
				v.Action = failure.Fallback
				return v
			}
		}
		v.Action, v.Reason = failure.Fail, "not among errors.codes"
		return v
	}
}
