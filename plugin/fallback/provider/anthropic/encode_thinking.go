package anthropic

import (
	"bytes"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// vendor seals the thoughts of this API: their signatures are of no use to
// others.
const vendor = "anthropic"

// The kinds of thinking blocks. A sealed signature begins with its block's kind
// and a slash.
const (
	kindThinking = "thinking"
	kindRedacted = "redacted_thinking"
)

func seal(kind, signature string) []byte {
	return request.Seal(vendor, []byte(kind+"/"+signature))
}

// thoughtBlock returns the block that a thought came from. It reports false for
// another vendor's, and for one without a signature, which the API does not take
// back.
func thoughtBlock(part *genai.Part) (block, bool) {
	data, ok := request.Unseal(vendor, part.ThoughtSignature)
	if !ok {
		return block{}, false
	}
	kind, signature, ok := bytes.Cut(data, []byte("/"))
	switch {
	case !ok || len(signature) == 0:
	case string(kind) == kindThinking:
		text := part.Text
		return block{Type: kindThinking, Thinking: &text, Signature: string(signature)}, true
	case string(kind) == kindRedacted:
		return block{Type: kindRedacted, Data: string(signature)}, true
	}
	return block{}, false
}

// turnStart returns where the current turn begins: behind the last time that the
// user speaks without results of tools. Contents of the user that follow each
// other are one message for the API, so they count as one here.
func turnStart(contents []*genai.Content) int {
	for end := len(contents); end > 0; {
		if contents[end-1].Role == genai.RoleModel {
			end--
			continue
		}
		begin, results := end, false
		for ; begin > 0 && contents[begin-1].Role != genai.RoleModel; begin-- {
			for _, part := range contents[begin-1].Parts {
				results = results || part.FunctionResponse != nil
			}
		}
		if !results {
			return end
		}
		end = begin
	}
	return 0
}

// lacksThinking tells whether the current turn is in a tool loop whose last step
// has no thinking of ours, as when another model made it. With manual thinking
// the API refuses to go on from there: "Expected `thinking` or
// `redacted_thinking`, but found `tool_use`".
func lacksThinking(turn []*genai.Content) bool {
	for i := len(turn) - 1; i >= 0; i-- {
		if turn[i].Role != genai.RoleModel {
			continue
		}
		calls := false
		for _, part := range turn[i].Parts {
			if part.Thought {
				if _, ours := thoughtBlock(part); ours {
					return false
				}
			}
			calls = calls || part.FunctionCall != nil
		}
		return calls
	}
	return false
}

const (
	minBudget     = 1024 // https://platform.claude.com/docs/en/build-with-claude/extended-thinking
	defaultBudget = 8192 // where the budget is left to the model
)

// think configures thinking and reports whether the model thinks. adrift is the
// result of [lacksThinking].
func (e *encoder) think(adrift bool) bool {
	from := e.from.ThinkingConfig
	if from == nil {
		return e.family.on
	}
	level, budget := strings.ToLower(string(from.ThinkingLevel)), int32(-1)
	if from.ThinkingBudget != nil {
		budget = *from.ThinkingBudget
	}
	switch {
	case level == "none" || budget == 0:
		return e.thinkNot()
	case isUnspecified(level) && from.ThinkingBudget == nil && !(from.IncludeThoughts && e.family.adaptive):
		return e.family.on // no level or budget is given, and IncludeThoughts alone cannot switch this model on
	case e.family.enabled && (budget > 0 || !e.family.adaptive):
		if budget < 0 {
			budget = levelBudget(level)
		}
		budget = min(max(budget, minBudget), e.to.MaxTokens-1)
		forced := e.to.ToolChoice != nil && (e.to.ToolChoice.Type == "any" || e.to.ToolChoice.Type == "tool")
		if budget >= minBudget && !adrift && !forced { // each of these would be refused
			e.to.Thinking = &thinking{Type: "enabled", BudgetTokens: budget, Display: display(from)}
			return true
		}
		if !e.family.adaptive {
			return e.thinkNot()
		}
	}
	if !e.family.adaptive {
		return e.family.on
	}
	e.to.Thinking = &thinking{Type: "adaptive", Display: display(from)}
	if isUnspecified(level) && budget > 0 {
		level = budgetLevel(budget)
	}
	e.effort(level)
	return true
}

// thinkNot switches thinking off, as far as the model allows.
func (e *encoder) thinkNot() bool {
	switch e.family.off {
	case "":
		return e.family.on // or it never thinks
	case disabled:
		e.to.Thinking = &thinking{Type: disabled}
		return false
	}
	e.to.Thinking = &thinking{Type: e.family.off}
	return true
}

func (e *encoder) effort(level string) {
	if isUnspecified(level) {
		return
	}
	if level == "minimal" {
		level = "low"
	}
	e.to.OutputConfig = &outputConfig{Effort: level}
}

func isUnspecified(level string) bool {
	return level == "" || level == strings.ToLower(string(genai.ThinkingLevelUnspecified))
}

// display requests the text of thoughts, which newer models omit by default.
func display(config *genai.ThinkingConfig) string {
	if config.IncludeThoughts {
		return "summarized"
	}
	return ""
}

// levelBudget and budgetLevel stand in where a request was not made to fit: a
// level for a model that takes budgets, and the other way round.
func levelBudget(level string) int32 {
	switch level {
	case "minimal":
		return minBudget
	case "low":
		return 4096
	case "high", "xhigh", "max":
		return 24_576
	}
	return defaultBudget
}

func budgetLevel(budget int32) string {
	switch {
	case budget <= 4096:
		return "low"
	case budget <= 16_384:
		return "medium"
	}
	return "high"
}
