package policy

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// compliance returns the guard that asks the rules which say anything against a
// target, nil if none does. Answers of last resort have none: data does not
// leave the process with them.
func (b *builder) compliance(t spec.Target) guard {
	if b.policy.Compliance == nil {
		return nil
	}
	var against []spec.Rule
	for _, rule := range b.policy.Compliance.Rules {
		if !rule.Allows(t.Resolved) {
			against = append(against, rule)
		}
	}
	if len(against) == 0 {
		return nil
	}
	return func(ctx context.Context, req *model.LLMRequest) (*model.LLMRequest, *middleware.RefusedError) {
		info, missing, redacted := call.From(ctx), unreadIn(ctx), false
		for i := range against {
			rule := &against[i]
			if !concerns(rule, info, missing) {
				continue
			}
			if rule.Otherwise != "redact" {
				return denied(ctx, "compliance: "+about(rule, info, missing)+" may not go there")
			}
			redacted = true
		}
		if !redacted {
			return req, nil
		}
		clean, ok := redactedCopy(req)
		if !ok {
			return denied(ctx, "compliance: the request has data that cannot be redacted")
		}
		return clean, nil
	}
}

func denied(ctx context.Context, reason string) (*model.LLMRequest, *middleware.RefusedError) {
	stateOf(ctx).deny()
	return nil, &middleware.RefusedError{By: "compliance", Reason: reason}
}

// concerns reports whether a rule is about a call. Of a fact that is missing,
// which nobody could read, the worst is assumed.
func concerns(r *spec.Rule, info call.Info, missing unread) bool {
	listed := func(list []string, fact string, missing bool) bool {
		return list == nil || missing || slices.Contains(list, fact)
	}
	return listed(r.Tenants, info.Tenant, missing.tenant) && listed(r.DataClasses, info.DataClass, missing.class) &&
		listed(r.DataRegions, info.Region, missing.region)
}

// about names what a rule is about in the case of a call. The tenant, who may be
// a person, is not named.
func about(r *spec.Rule, info call.Info, missing unread) string {
	switch {
	case r.DataClasses != nil && missing.class:
		return "data whose class cannot be read from the session"
	case r.DataClasses != nil:
		return "data of class " + info.DataClass
	case r.DataRegions != nil && missing.region:
		return "data whose region cannot be read from the session"
	case r.DataRegions != nil:
		return "data of region " + info.Region
	case r.Tenants != nil:
		return "data of this tenant"
	}
	return "data"
}
