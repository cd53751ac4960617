package strict

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// messageRequest is a request to the Messages API, as far as strict mode has read
// it. Rules that name no source are those of
// https://platform.claude.com/docs/en/api/messages and the types of
// github.com/anthropics/anthropic-sdk-go/v2 v2.15.0.
type messageRequest struct {
	in     object
	turns  []wire.Turn
	claude *claude // nil for a model that is not known
	newer  bool    // version 2026-10-21
	betas  string
}

const newerVersion = "2026-10-21"

// Anthropic applies the rules of the Messages API, in the order in which a request is
// read.
func Anthropic(r Request) *Violation {
	refuse := func(status int, kind, text string) *Violation {
		return &Violation{Status: status, Kind: kind, Message: text}
	}
	if r.Header.Get("X-Api-Key") == "" && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		return refuse(http.StatusUnauthorized, "authentication_error", "x-api-key header is required")
	}
	version := r.Header.Get("Anthropic-Version")
	if version != newerVersion && version != "2023-06-01" { // https://platform.claude.com/docs/en/api/versioning
		return refuse(http.StatusBadRequest, "invalid_request_error", fmt.Sprintf("anthropic-version: %q is not a valid version", version))
	}
	m := &messageRequest{claude: claudeOf(r.Model), newer: version == newerVersion, betas: strings.Join(r.Header["Anthropic-Beta"], ",")}
	_ = json.Unmarshal(r.Body, &m.in) // the server has read it before
	m.turns = wire.Turns(m.in["messages"])
	for _, rule := range []func() string{
		m.fieldsRule, m.maxTokensRule, m.systemRule, m.messagesRule, m.blocksRule, m.pairsRule, m.lastRule, m.cacheRule,
		m.toolsRule, m.toolChoiceRule, m.thinkingRule, m.samplingRule, m.stopRule, m.outputRule, m.thoughtsRule,
	} {
		if text := rule(); text != "" {
			return refuse(http.StatusBadRequest, "invalid_request_error", text)
		}
	}
	return nil
}

// fieldsRule: other names are refused, and those of betas without a beta's header.
// (https://platform.claude.com/docs/en/api/errors)
func (m *messageRequest) fieldsRule() string {
	known := []string{
		"model", "messages", "max_tokens", "stream", "system", "metadata", "stop_sequences", "temperature", "top_p", "top_k",
		"tools", "tool_choice", "thinking", "output_config", "service_tier", "container", "inference_geo", "cache_control", "speed", "diagnostics",
	}
	if m.betas != "" {
		known = append(known, "fallbacks", "fallback_credit_token", "thread", "billing_policy", "compaction", "context_management", "mcp_servers", "output_format")
	}
	for _, key := range wire.Keys(m.in) {
		if !slices.Contains(known, key) {
			return key + ": Extra inputs are not permitted"
		}
	}
	if user, ok := wire.Sub(m.in, "metadata")["user_id"]; ok {
		if _, ok := user.(string); !ok {
			return "metadata.user_id: input should be a valid string"
		}
	}
	return ""
}

// maxTokensRule (https://platform.claude.com/docs/en/about-claude/models/overview);
// 0 only warms a cache.
func (m *messageRequest) maxTokensRule() string {
	n, ok := wire.Number(m.in, "max_tokens")
	switch {
	case m.in["max_tokens"] == nil:
		return "max_tokens: field required"
	case !ok || n != float64(int(n)) || n < 0:
		return "max_tokens: input should be an integer that is not negative"
	case m.claude != nil && n > m.claude.maxTokens:
		return fmt.Sprintf("max_tokens: %.0f > %.0f, which is the maximum allowed number of output tokens for this model", n, m.claude.maxTokens)
	}
	return ""
}

// systemRule: a string or text blocks, which are not empty.
func (m *messageRequest) systemRule() string {
	switch s := m.in["system"].(type) {
	case nil, string:
		return ""
	case []any:
		for i, b := range wire.List(s) {
			switch {
			case wire.Str(b, "type") != "text":
				return fmt.Sprintf("system.%d: input should be a text block", i)
			case wire.Str(b, "text") == "":
				return fmt.Sprintf("system.%d: text content blocks must be non-empty", i)
			}
		}
		return ""
	}
	return "system: input should be a string or an array of text blocks"
}

// cacheRule: at most four marks, none on thinking or an empty text.
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching)
func (m *messageRequest) cacheRule() string {
	marks, bad := 0, ""
	mark := func(b object) {
		c := wire.Sub(b, "cache_control")
		if c == nil {
			return
		}
		marks++
		ttl, _ := c["ttl"].(string)
		switch {
		case wire.Str(c, "type") != "ephemeral", c["ttl"] != nil && ttl != "5m" && ttl != "1h":
			bad = "cache_control: type must be ephemeral, and ttl 5m or 1h"
		case wire.IsThinking(b):
			bad = "cache_control: thinking blocks cannot be cached"
		}
	}
	mark(m.in)
	for _, b := range append(wire.List(m.in["system"]), wire.List(m.in["tools"])...) {
		mark(b)
	}
	for _, t := range m.turns {
		for _, b := range t.Blocks {
			mark(b)
			for _, inner := range wire.List(b["content"]) {
				mark(inner)
			}
		}
	}
	if marks > 4 {
		bad = fmt.Sprintf("a maximum of 4 blocks with cache_control may be provided; found %d", marks)
	}
	return bad
}

// samplingRule: what steers sampling is no field of version 2026-10-21
// (https://platform.claude.com/docs/en/api/versioning). Under 2023-06-01 models from
// 4.7 on take the defaults alone, and those before them not both temperature and
// top_p (https://github.com/BerriAI/litellm/issues/15097), nor other than defaults
// while they think (https://platform.claude.com/docs/en/build-with-claude/thinking).
func (m *messageRequest) samplingRule() string {
	temperature, hot := wire.Number(m.in, "temperature")
	topP, nucleus := wire.Number(m.in, "top_p")
	_, topK := wire.Number(m.in, "top_k")
	for _, key := range []string{"temperature", "top_p", "top_k"} {
		if m.newer && m.in[key] != nil {
			return key + ": Extra inputs are not permitted"
		}
	}
	thinks := slices.Contains([]string{"enabled", "adaptive"}, wire.Str(wire.Sub(m.in, "thinking"), "type"))
	switch {
	case hot && (temperature < 0 || temperature > 1):
		return "temperature: range: 0..1"
	case nucleus && (topP < 0 || topP > 1):
		return "top_p: range: 0..1"
	case m.claude == nil:
	case !m.claude.sampling && (hot && temperature != 1 || nucleus && topP != 1 || topK):
		return "temperature, top_p and top_k are not supported for this model"
	case m.claude.sampling && hot && nucleus:
		return "`temperature` and `top_p` cannot both be specified for this model"
	case thinks && (hot && temperature != 1 || topK):
		return "`temperature` may only be set to 1, and `top_k` not at all, when thinking is enabled"
	case thinks && nucleus && topP < 0.95:
		return "`top_p` must be at least 0.95 when thinking is enabled"
	}
	return ""
}

// stopRule: blank sequences were refused in reports; how many are allowed is not
// published.
func (m *messageRequest) stopRule() string {
	v := m.in["stop_sequences"]
	if v == nil {
		return ""
	}
	items, ok := v.([]any)
	if !ok {
		return "stop_sequences: input should be an array"
	}
	for i, item := range items {
		if s, ok := item.(string); !ok || strings.TrimSpace(s) == "" {
			return fmt.Sprintf("stop_sequences.%d: each stop sequence must contain non-whitespace", i)
		}
	}
	return ""
}

// thinkingRule: the types that the model takes
// (https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting),
// a budget for one of them alone
// (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
func (m *messageRequest) thinkingRule() string {
	t := wire.Sub(m.in, "thinking")
	if m.in["thinking"] == nil {
		return ""
	}
	kind, limit := wire.Str(t, "type"), 0.0
	if n, ok := wire.Number(m.in, "max_tokens"); ok {
		limit = n
	}
	budget, ok := wire.Number(t, "budget_tokens")
	switch {
	case !slices.Contains([]string{"adaptive", "enabled", "disabled", "between_tools"}, kind):
		return fmt.Sprintf("thinking.type: %q is not allowed", kind)
	case m.claude != nil && !slices.Contains(m.claude.thinking, kind):
		return fmt.Sprintf("\"thinking.type.%s\" is not supported for this model", kind)
	case kind != "enabled" && t["budget_tokens"] != nil:
		return "thinking." + kind + ".budget_tokens: Extra inputs are not permitted"
	case kind == "enabled" && !ok:
		return "thinking.enabled.budget_tokens: field required"
	case kind == "enabled" && budget < 1024:
		return "thinking.enabled.budget_tokens: input should be greater than or equal to 1024"
	case kind == "enabled" && budget >= limit && !strings.Contains(m.betas, "interleaved-thinking"):
		return "`max_tokens` must be greater than `thinking.budget_tokens`"
	}
	return ""
}

// outputRule: efforts (https://platform.claude.com/docs/en/build-with-claude/effort;
// that models without any refuse the field is inferred) and the format of the answer
// (https://platform.claude.com/docs/en/build-with-claude/structured-outputs).
func (m *messageRequest) outputRule() string {
	out := wire.Sub(m.in, "output_config")
	effort := wire.Str(out, "effort")
	switch {
	case out["effort"] == nil:
	case !slices.Contains(effortsXhigh, effort):
		return fmt.Sprintf("output_config.effort: %q is not allowed", effort)
	case m.claude != nil && len(m.claude.efforts) == 0:
		return "output_config.effort: this model does not support the effort parameter"
	case m.claude != nil && !slices.Contains(m.claude.efforts, effort):
		return fmt.Sprintf("output_config.effort: %q is not supported for this model", effort)
	case m.claude != nil && m.claude.steady && (effort == "xhigh" || effort == "max") && !slices.Contains([]string{"", "adaptive"}, wire.Str(wire.Sub(m.in, "thinking"), "type")):
		return fmt.Sprintf("\"thinking.type.%s\" is not supported with effort %s", wire.Str(wire.Sub(m.in, "thinking"), "type"), effort)
	}
	format := wire.Sub(out, "format")
	switch {
	case out["format"] == nil:
		return ""
	case wire.Str(format, "type") != "json_schema" || wire.Sub(format, "schema") == nil:
		return "output_config.format: type must be json_schema, and schema an object"
	case m.turns[len(m.turns)-1].Role == "assistant":
		return "output_config.format: cannot be used with assistant prefill"
	}
	return claudeSchemaRule(wire.Sub(format, "schema"), "output_config.format.schema")
}
