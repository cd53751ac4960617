// Package repair finds out which optional part of a request a server has refused, from
// what the server says, and changes the request so that it may accept it.
//
// Each rule quotes the message that it is for. What is known of a target before a
// request is sent belongs in the tables of package provider. The engine decides when a
// repair is tried, and how long it is remembered.
package repair

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/setting"
)

// API is the API that has refused, as far as the rules differ.
type API int

const (
	Other API = iota
	Gemini
	Chat // chat completions, of any server
)

// Refusal is a server's explanation of why it refused a request with status 400
// or 422.
type Refusal struct {
	Param   string // the parameter that it names; "" if it names none
	Message string // its text, or the whole body
}

// Change is a change to a refused request, named after what it omits or changes: a
// [setting.Setting], one of those below, or [lowerTokens] with a number.
type Change string

const (
	thoughts   Change = "thoughts"              // of earlier answers
	signatures Change = "thought_signatures"    // replaced by the documented placeholder
	callIDs    Change = "call_ids"              // shortened
	newTokens  Change = "max_completion_tokens" // the limit under its new name
	oldTokens  Change = "max_tokens"            // the limit under its old name
)

// OfSession reports whether the change is about one session's history, so that it
// does not apply to other sessions.
func (c Change) OfSession() bool { return c == thoughts || c == signatures }

// Lasts reports whether other requests need the change too. They do not if the server
// refuses a value of a setting, because it may take another value.
func (c Change) Lasts(refusal Refusal) bool {
	isSetting := slices.ContainsFunc(setting.Optional, func(s setting.Setting) bool { return s.Name == string(c) })
	return !isSetting || !ofValue(strings.ToLower(refusal.Message))
}

// Find returns the change for a refusal by api. ok is false if the refusal is not
// about an optional part of req.
func Find(api API, req *model.LLMRequest, refusal Refusal) (c Change, ok bool) {
	text := strings.ToLower(refusal.Message)
	if missesThought(text) {
		return "", false
	}
	if c, ok := ofHistory(api, req, strings.ToLower(refusal.Param), text); ok {
		return c, true
	}
	if req.Config == nil {
		return "", false
	}
	param := strings.ToLower(refusal.Param)
	ofEssential := isEssential(param, text)
	if c, ok := ofLimit(req, text); ok && !ofEssential {
		return c, true
	}
	if c, ok := ofTokens(api, req, refusal, text); ok {
		return c, true
	}
	for i := range setting.Optional {
		s := &setting.Optional[i]
		if s.Given(req.Config) && (is(s, param) || !ofEssential && named(s, text)) {
			return Change(s.Name), true
		}
	}
	return "", false
}

// ofHistory finds a thought, a signature or an id that the server refuses in
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
func ofHistory(api API, req *model.LLMRequest, param, text string) (Change, bool) {
	signature := strings.Contains(text, "thought signature") || strings.Contains(text, "thought_signature") || strings.Contains(text, "thoughtsignature")
	thinking := strings.Contains(text, "thinking") && (strings.Contains(text, "signature") || strings.Contains(text, "block")) ||
		strings.Contains(text, "reasoning_content") || strings.Contains(text, "].reasoning'") || strings.Contains(text, "encrypted content") || strings.Contains(text, "encrypted_content")
	switch {
	case signature && api == Gemini:
		return signatures, hasCalls(req)
	case (signature || thinking) && api != Gemini:
		return thoughts, request.HasThoughts(req.Contents)
	case strings.Contains(text, "string_above_max_length") && strings.Contains(param, ".id"), strings.HasSuffix(param, "call_id"),
		strings.Contains(text, "tool_use.id"), strings.Contains(text, "tool call id"), strings.Contains(text, "tool_call_id") && strings.Contains(text, "length"):
		return callIDs, hasCalls(req)
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

// ofTokens finds the token limit under the name that the server does not
// know: "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead."
func ofTokens(api API, req *model.LLMRequest, refusal Refusal, text string) (Change, bool) {
	if api != Chat || req.Config.MaxOutputTokens == 0 {
		return "", false
	}
	_, renamed := extraOf(req)[string(newTokens)]
	switch {
	case refusal.Param == "max_tokens" && refuses(text), strings.Contains(text, "use 'max_completion_tokens'"), strings.Contains(text, "use `max_completion_tokens`"):
		return newTokens, !renamed
	case (refusal.Param == "max_completion_tokens" || strings.Contains(text, "max_completion_tokens")) && refuses(text):
		return oldTokens, true
	}
	return "", false
}

// Apply makes the change, and reports whether req had anything to change. It
// replaces what it changes in req and never writes to what req points to.
func (c Change) Apply(req *model.LLMRequest) (changed bool) {
	switch c {
	case thoughts:
		changed = request.HasThoughts(req.Contents)
		req.Contents = request.WithoutThoughts(req.Contents)
		return changed
	case signatures:
		req.Contents = clone.Contents(req.Contents)
		request.Adapt(req.Contents, "gemini-3", true)
		return hasCalls(req)
	case callIDs:
		req.Contents = request.Pair(req.Contents, func(_ string, index int) string { return fmt.Sprintf("call%05d", index) })
		return hasCalls(req)
	}
	if req.Config == nil {
		return false
	}
	config := *req.Config
	if most, ok := c.limit(); ok {
		if config.MaxOutputTokens <= most {
			return false
		}
		config.MaxOutputTokens, req.Config = most, &config
		return true
	}
	switch c {
	case newTokens, oldTokens:
		if config.MaxOutputTokens == 0 {
			return false
		}
		withExtra(&config, string(c), config.MaxOutputTokens)
		config.MaxOutputTokens = 0
		req.Config = &config
		return true
	}
	for i := range setting.Optional {
		if s := &setting.Optional[i]; s.Name == string(c) && s.Given(&config) {
			s.Clear(&config)
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
