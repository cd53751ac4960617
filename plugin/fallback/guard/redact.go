package guard

import (
	"context"
	"reflect"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// Redact is a guard that gives a target the request without secrets and personal data in
// what users, tools and models have said: keys, tokens, passwords, e-mail, IPv6 and
// hardware addresses, telephone and card numbers, IBANs, and whatever looks like one of
// them, each replaced by "[redacted]". A name beside a value also marks it as a secret, as in
// {"password": "…"} and {"Key": "DB_PASSWORD", "Value": "…"}, even in JSON within a text. If
// only such a name marks a secret in that JSON, the JSON is written anew, with sorted keys.
// The name of a person and the address of a house have no form to recognize: keep data with
// those from the target altogether.
//
// It redacts the contents, the system instruction and the labels, and leaves out the
// user's location. Names and ids of calls stay, because they hold a history together, and
// so do the application's settings, such as the declarations of tools. A request with
// something that cannot be redacted, such as an image, is refused; the refusal has By
// "redact".
//
// A request is redacted once in a call, however many of its targets need it.
func Redact(ctx context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
	if t.LastResort {
		return req, nil
	}
	clean, ok := redactedCopy(ctx, req)
	if !ok {
		return nil, refuse(&t, "redact", notRedactable)
	}
	return clean, nil
}

const notRedactable = "the request has data that cannot be redacted"

// redactedSaid is what a request says, redacted.
type redactedSaid struct {
	contents []*genai.Content
	system   *genai.Content
	ok       bool // false if there is something that cannot be redacted
}

type redactedKey struct{}

// redactedCopy returns a copy of req as Redact has it. It reports false if there is
// something in which no personal data can be found, such as an image, or a kind of part
// that is not known here.
func redactedCopy(ctx context.Context, req *model.LLMRequest) (*model.LLMRequest, bool) {
	if req.Config != nil && req.Config.CachedContent != "" {
		return nil, false // the provider has it as it was written
	}
	said := stream.Derive(ctx, req, redactedKey{}, func() redactedSaid { return redactSaid(req) })
	if !said.ok {
		return nil, false
	}
	clean := *req
	clean.Contents = said.contents
	if req.Config != nil {
		config := *req.Config
		config.SystemInstruction = said.system
		if config.Labels != nil {
			config.Labels = make(map[string]string, len(req.Config.Labels))
			for key, value := range req.Config.Labels {
				config.Labels[key] = redactedText(value)
			}
		}
		if c := config.ToolConfig; c != nil && c.RetrievalConfig != nil && c.RetrievalConfig.LatLng != nil {
			tools, retrieval := *c, *c.RetrievalConfig
			retrieval.LatLng = nil
			tools.RetrievalConfig, config.ToolConfig = &retrieval, &tools
		}
		clean.Config = &config
	}
	return &clean, true
}

// redactSaid redacts a copy of what a request says.
func redactSaid(req *model.LLMRequest) redactedSaid {
	all := slices.Clip(req.Contents)
	if req.Config != nil {
		all = append(all, req.Config.SystemInstruction)
	}
	all = clone.Contents(all)
	for _, content := range all {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if part != nil && !redactPart(part) {
				return redactedSaid{}
			}
		}
	}
	said := redactedSaid{contents: all, ok: true}
	if n := len(req.Contents); len(all) > n {
		said.contents, said.system = all[:n:n], all[n]
	}
	return said
}

// redactPart redacts a part in place. Each step takes what it knows out of a copy;
// what is left then cannot be redacted.
func redactPart(part *genai.Part) bool {
	rest := *part
	rest.Text, rest.Thought, rest.ThoughtSignature, rest.PartMetadata = "", false, nil, nil
	rest.FunctionCall, rest.FunctionResponse, rest.ToolCall, rest.ToolResponse = nil, nil, nil, nil
	rest.ExecutableCode, rest.CodeExecutionResult = nil, nil

	part.Text = redactedText(part.Text)
	part.ThoughtSignature = nil // made of what was said before; its target gets one that fits, or none
	return isZero(rest) && redactObject(&part.PartMetadata) && redactCalls(part) && redactCode(part)
}

func redactCalls(part *genai.Part) bool {
	ok := true
	if f := part.FunctionCall; f != nil {
		rest := *f
		rest.ID, rest.Name, rest.Args, rest.WillContinue = "", "", nil, nil
		ok = isZero(rest) && redactObject(&f.Args)
	}
	if f := part.FunctionResponse; f != nil {
		rest := *f
		rest.ID, rest.Name, rest.Response, rest.WillContinue, rest.Scheduling = "", "", nil, nil, ""
		ok = ok && isZero(rest) && redactObject(&f.Response)
	}
	if c := part.ToolCall; c != nil {
		rest := *c
		rest.ID, rest.ToolType, rest.Args = "", "", nil
		ok = ok && isZero(rest) && redactObject(&c.Args)
	}
	if r := part.ToolResponse; r != nil {
		rest := *r
		rest.ID, rest.ToolType, rest.Response = "", "", nil
		ok = ok && isZero(rest) && redactObject(&r.Response)
	}
	return ok
}

func redactCode(part *genai.Part) bool {
	ok := true
	if c := part.ExecutableCode; c != nil {
		rest := *c
		rest.ID, rest.Language, rest.Code = "", "", ""
		ok = isZero(rest)
		c.Code = redactedText(c.Code)
	}
	if r := part.CodeExecutionResult; r != nil {
		rest := *r
		rest.ID, rest.Outcome, rest.Output = "", "", ""
		ok = ok && isZero(rest)
		r.Output = redactedText(r.Output)
	}
	return ok
}

func isZero(v any) bool { return reflect.ValueOf(v).IsZero() }
