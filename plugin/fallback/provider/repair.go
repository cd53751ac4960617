package provider

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

// Refusal is a server's explanation of why it refused a request with status 400
// or 422.
type Refusal struct {
	Param   string // the parameter that it names, such as "messages[3].tool_calls[0].id"; "" if it names none
	Message string // its text, or the whole body
}

// Repair is a change to a refused request that may make the server accept it. It
// omits or changes optional parts only. Its text names the setting, for records
// and logs.
type Repair string

// Repairs that are not named after a setting.
const (
	repairThoughts   Repair = "thoughts"              // of earlier answers
	repairSignatures Repair = "thought_signatures"    // replaced by the documented placeholder
	repairCallIDs    Repair = "call_ids"              // shortened
	repairNewTokens  Repair = "max_completion_tokens" // the limit under its new name
	repairOldTokens  Repair = "max_tokens"            // the limit under its old name
)

// OfSession reports whether the repair is about one session's history, so that it
// does not apply to other sessions.
func (r Repair) OfSession() bool { return r == repairThoughts || r == repairSignatures }

// Repair returns the change for a refusal. ok is false if the refusal is not
// about an optional part of req.
func (t Target) Repair(req *model.LLMRequest, refusal Refusal) (r Repair, ok bool) {
	text := strings.ToLower(refusal.Message)
	if missesThought(text) {
		return "", false
	}
	if r, ok := t.repairHistory(req, strings.ToLower(refusal.Param), text); ok {
		return r, true
	}
	if req.Config == nil {
		return "", false
	}
	if r, ok := t.repairTokens(req, refusal, text); ok {
		return r, true
	}
	param := strings.ToLower(refusal.Param)
	ofEssential := isEssential(param, text)
	for i := range optional {
		s := &optional[i]
		if s.given(req.Config) && (s.is(param) || !ofEssential && s.named(text)) {
			return Repair(s.name), true
		}
	}
	return "", false
}

// repairHistory finds a thought, a signature or an id that the server refuses in
// the history.
//
//   - Anthropic: "messages.1.content.0: Invalid `signature` in `thinking` block",
//     "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified"
//     (platform.claude.com/docs/en/api/errors)
//   - Gemini: "Corrupted thought signature.", "Thought signature is not valid", "is missing a thought_signature"
//     (ai.google.dev/gemini-api/docs/thought-signatures)
//   - OpenAI: string_above_max_length at messages[i].tool_calls[j].id
//   - Fireworks: "Extra inputs are not permitted, field: 'messages[1].reasoning'"
//     (github.com/earendil-works/pi issue 4514)
func (t Target) repairHistory(req *model.LLMRequest, param, text string) (Repair, bool) {
	signature := strings.Contains(text, "thought signature") || strings.Contains(text, "thought_signature") || strings.Contains(text, "thoughtsignature")
	thinking := strings.Contains(text, "thinking") && (strings.Contains(text, "signature") || strings.Contains(text, "block")) ||
		strings.Contains(text, "reasoning_content") || strings.Contains(text, "].reasoning'") || strings.Contains(text, "encrypted content") || strings.Contains(text, "encrypted_content")
	switch {
	case signature && t.isGemini():
		return repairSignatures, hasCalls(req)
	case (signature || thinking) && !t.isGemini():
		return repairThoughts, request.HasThoughts(req.Contents)
	case strings.Contains(text, "string_above_max_length") && strings.Contains(param, ".id"), strings.HasSuffix(param, "call_id"),
		strings.Contains(text, "tool_use.id"), strings.Contains(text, "tool call id"), strings.Contains(text, "tool_call_id") && strings.Contains(text, "length"):
		return repairCallIDs, hasCalls(req)
	}
	return "", false
}

// missesThought reports whether a server wants a thought that is not there, which
// no change of settings brings back: "Expected `thinking` or `redacted_thinking`,
// but found `tool_use`" (Anthropic), "The reasoning_content in the thinking mode must
// be passed back" (DeepSeek).
func missesThought(text string) bool {
	return strings.Contains(text, "expected `thinking`") || strings.Contains(text, "expected thinking") || strings.Contains(text, "must be passed back")
}

// repairTokens finds the token limit under the name that the server does not
// know: "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead."
func (t Target) repairTokens(req *model.LLMRequest, refusal Refusal, text string) (Repair, bool) {
	if t.API != Chat || req.Config.MaxOutputTokens == 0 {
		return "", false
	}
	_, renamed := extraOf(req)[string(repairNewTokens)]
	switch {
	case refusal.Param == "max_tokens" && refuses(text), strings.Contains(text, "use 'max_completion_tokens'"), strings.Contains(text, "use `max_completion_tokens`"):
		return repairNewTokens, !renamed
	case (refusal.Param == "max_completion_tokens" || strings.Contains(text, "max_completion_tokens")) && refuses(text):
		return repairOldTokens, true
	}
	return "", false
}

// Apply makes the change, and reports whether req had anything to change. It
// replaces what it changes in req and never writes to what req points to.
func (r Repair) Apply(req *model.LLMRequest) (changed bool) {
	switch r {
	case repairThoughts:
		changed = request.HasThoughts(req.Contents)
		req.Contents = request.WithoutThoughts(req.Contents)
		return changed
	case repairSignatures:
		req.Contents = clone.Contents(req.Contents)
		request.Adapt(req.Contents, "gemini-3", true)
		return hasCalls(req)
	case repairCallIDs:
		req.Contents = request.Pair(req.Contents, func(_ string, index int) string { return fmt.Sprintf("call%05d", index) })
		return hasCalls(req)
	}
	if req.Config == nil {
		return false
	}
	config := *req.Config
	switch r {
	case repairNewTokens, repairOldTokens:
		if config.MaxOutputTokens == 0 {
			return false
		}
		withExtra(&config, string(r), config.MaxOutputTokens)
		config.MaxOutputTokens = 0
		req.Config = &config
		return true
	}
	for i := range optional {
		if s := &optional[i]; s.name == string(r) && s.given(&config) {
			s.clear(&config)
			req.Config, changed = &config, true
		}
	}
	return changed
}

// withExtra adds a field to the body of the request of an adapter of this
// module.
func withExtra(config *genai.GenerateContentConfig, key string, value any) {
	options := genai.HTTPOptions{}
	if config.HTTPOptions != nil {
		options = *config.HTTPOptions
	}
	body := map[string]any{key: value}
	for k, v := range options.ExtraBody {
		if k != key {
			body[k] = v
		}
	}
	options.ExtraBody = body
	config.HTTPOptions = &options
}

func extraOf(req *model.LLMRequest) map[string]any {
	if req.Config == nil || req.Config.HTTPOptions == nil {
		return nil
	}
	return req.Config.HTTPOptions.ExtraBody
}

func hasCalls(req *model.LLMRequest) bool {
	return slices.ContainsFunc(req.Contents, request.CallsFunction)
}
