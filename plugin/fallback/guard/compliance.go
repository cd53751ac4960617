package guard

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Rule says which targets may see the data of which calls. In every list, * stands for
// any text.
type Rule struct {
	// The calls that the rule is about, by their [call.Info]. An empty list is about all.
	// A fact that could not be read (see [WithUnread]) is in every list.
	Tenants, DataClasses, DataRegions []string

	// The targets that may see the data: those of the names, in the regions. A target of
	// which the region is not known is in none. One empty list does not restrict; if both
	// are empty, no target may see it.
	Targets, Regions []string

	// Redact lets all other targets see the request as [Redact] leaves it. They are
	// skipped if it cannot be redacted. False means that they are skipped.
	Redact bool
}

// Compliance returns a guard that lets a target see a request if all rules that apply to the
// call allow it. It decides for each target. Its refusals have By "compliance": if every
// target of a call is refused, errors.As finds one in the call's error.
func Compliance(rules ...Rule) Guard {
	own := make([]Rule, len(rules))
	for i, r := range rules {
		own[i] = Rule{patterns(r.Tenants), patterns(r.DataClasses), patterns(r.DataRegions), patterns(r.Targets), patterns(r.Regions), r.Redact}
	}
	return func(ctx context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
		if t.LastResort {
			return req, nil
		}
		info, unread, redacted := call.From(ctx), Unread(ctx), false
		for i := range own {
			rule := &own[i]
			if !rule.concerns(&info, unread) || rule.allows(&t) {
				continue
			}
			if !rule.Redact {
				return nil, refuse(&t, "compliance", "compliance: "+rule.about(&info, unread)+" may not go there")
			}
			redacted = true
		}
		if !redacted {
			return req, nil
		}
		clean, ok := redactedCopy(ctx, req)
		if !ok {
			return nil, refuse(&t, "compliance", "compliance: "+notRedactable)
		}
		return clean, nil
	}
}

func patterns(names []string) []string {
	own := make([]string, len(names))
	for i, name := range names {
		own[i] = match.Fold(name)
	}
	return own
}

// listed reports whether a pattern of list matches name.
func listed(list []string, name string) bool {
	if len(list) == 0 {
		return false
	}
	name = match.Fold(name)
	return slices.ContainsFunc(list, func(pattern string) bool { return match.Folded(pattern, name) })
}

// concerns reports whether the rule is about a call.
func (r *Rule) concerns(info *call.Info, unread Facts) bool {
	about := func(list []string, name string, fact Facts) bool {
		return len(list) == 0 || unread&fact != 0 || listed(list, name)
	}
	return about(r.Tenants, info.Tenant, Tenant) && about(r.DataClasses, info.DataClass, DataClass) && about(r.DataRegions, info.Region, Region)
}

// allows reports whether a target may see the data that the rule is about.
func (r *Rule) allows(t *Target) bool {
	if len(r.Targets) == 0 && len(r.Regions) == 0 {
		return false
	}
	region := match.Fold(t.Region)
	return (len(r.Targets) == 0 || slices.ContainsFunc(r.Targets, t.is)) && (len(r.Regions) == 0 || region != "" && listed(r.Regions, region))
}

// about names what the rule is about in the case of a call. The tenant, who may be a
// person, is not named.
func (r *Rule) about(info *call.Info, unread Facts) string {
	switch {
	case len(r.DataClasses) > 0 && unread&DataClass != 0:
		return "data whose class cannot be read from the session"
	case len(r.DataClasses) > 0:
		return "data of class " + info.DataClass
	case len(r.DataRegions) > 0 && unread&Region != 0:
		return "data whose region cannot be read from the session"
	case len(r.DataRegions) > 0:
		return "data of region " + info.Region
	case len(r.Tenants) > 0:
		return "data of this tenant"
	}
	return "data"
}
