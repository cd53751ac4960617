package policy

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// compliance returns the guard that asks the rules which say anything against a
// target, nil if none does. Answers of last resort have none: data does not
// leave the process with them.
func (b *builder) compliance(t Target) guard {
	if b.policy.Compliance == nil {
		return nil
	}
	var against []Rule
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
			if !rule.concerns(info, missing) {
				continue
			}
			if rule.Otherwise != "redact" {
				return denied(ctx, "compliance: "+rule.about(info, missing)+" may not go there")
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

// Allows reports whether the rule lets a model see the data that it is about.
func (r *Rule) Allows(t Resolved) bool {
	named := r.Targets == nil || slices.ContainsFunc(r.Targets, t.Matches)
	region := t.Settings.Region
	placed := r.Regions == nil || region != "" && slices.ContainsFunc(r.Regions, func(p string) bool { return wildcard(p, region) })
	return named && placed
}

// concerns reports whether a rule is about a call. Of a fact that is missing,
// which nobody could read, the worst is assumed.
func (r *Rule) concerns(info call.Info, missing unread) bool {
	listed := func(list []string, fact string, missing bool) bool {
		return list == nil || fact == "" && missing || slices.Contains(list, fact)
	}
	return listed(r.Tenants, info.Tenant, missing.tenant) && listed(r.DataClasses, info.DataClass, missing.class) &&
		listed(r.DataRegions, info.Region, missing.region)
}

// about names what a rule is about in the case of a call. The tenant, who may be
// a person, is not named.
func (r *Rule) about(info call.Info, missing unread) string {
	switch {
	case r.DataClasses != nil && info.DataClass == "" && missing.class:
		return "data whose class cannot be read from the session"
	case r.DataClasses != nil:
		return "data of class " + info.DataClass
	case r.DataRegions != nil && info.Region == "" && missing.region:
		return "data whose region cannot be read from the session"
	case r.DataRegions != nil:
		return "data of region " + info.Region
	case r.Tenants != nil:
		return "data of this tenant"
	}
	return "data"
}

// personal matches, beside what package redact knows (keys, tokens, e-mail
// addresses, project ids), long numbers with or without separators: telephone
// and card numbers, and IBANs. A name or an address of a street is not
// recognised by its form: rules for such data should deny.
var personal = regexp.MustCompile(`\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b|\+?[0-9](?:[ ()./-]{0,2}[0-9]){7,18}`)

func redactedText(text string) string {
	text = personal.ReplaceAllString(text, "[redacted]")
	lines := strings.Split(text, "\n") // redact.Text is for one line
	for i, line := range lines {
		lines[i] = redact.Text(line, 4*len(line)+64)
	}
	return strings.Join(lines, "\n")
}

// redactedCopy returns a copy of req without personal data, and false if it has
// parts in which none can be found, such as images.
func redactedCopy(req *model.LLMRequest) (*model.LLMRequest, bool) {
	clean := request.Clone(req)
	contents := clean.Contents
	if clean.Config != nil && clean.Config.SystemInstruction != nil {
		contents = append(slices.Clone(contents), clean.Config.SystemInstruction)
	}
	for _, content := range contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if part != nil && !redactPart(part) {
				return nil, false
			}
		}
	}
	return clean, true
}

func redactPart(part *genai.Part) bool {
	if part.InlineData != nil || part.FileData != nil {
		return false
	}
	if part.Text != "" {
		part.Text = redactedText(part.Text)
	}
	if f := part.FunctionCall; f != nil {
		redactValues(f.Args)
	}
	if f := part.FunctionResponse; f != nil {
		redactValues(f.Response)
		if len(f.Parts) > 0 {
			return false
		}
	}
	if r := part.CodeExecutionResult; r != nil {
		r.Output = redactedText(r.Output)
	}
	return true
}

// redactValues redacts the texts in a JSON object in place.
func redactValues(object map[string]any) {
	for key, value := range object {
		object[key] = redactValue(value)
	}
}

func redactValue(value any) any {
	switch value := value.(type) {
	case string:
		return redactedText(value)
	case map[string]any:
		redactValues(value)
	case []any:
		for i := range value {
			value[i] = redactValue(value[i])
		}
	}
	return value
}
