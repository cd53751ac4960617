package provider

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genai"
)

// levels are the thinking levels from least to most.
var levels = []string{"NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH", "MAX"}

// budgetOf is a budget in tokens for each level, and the highest budget that
// becomes the level. LOW, MEDIUM and HIGH are those of Google's own mapping of
// reasoning_effort: ai.google.dev/gemini-api/docs/openai.
var budgetOf = map[string]int{"NONE": 0, "MINIMAL": 512, "LOW": 1024, "MEDIUM": 8192, "HIGH": 24576, "XHIGH": 32768, "MAX": 65536}

// thinking converts a level or budget into the one that the target takes. Thinking
// that is switched off is the level NONE for a target with levels, and a budget of
// 0 for one with budgets.
func (f *fitting) thinking() {
	if isNo(f.takes.ThinkingWithTools) && hasFunctions(f.req.Config) {
		f.thinkingOff()
		return
	}
	given := f.req.Config.ThinkingConfig
	if given == nil {
		return
	}
	config := *given
	if unspecified := config.ThinkingLevel == genai.ThinkingLevelUnspecified; unspecified {
		config.ThinkingLevel = ""
	}
	takesLevels, takesBudget := f.takes.ThinkingLevels == nil || len(f.takes.ThinkingLevels) > 0, f.takes.ThinkingBudget == nil || *f.takes.ThinkingBudget != Budget{}
	if !takesLevels && !takesBudget {
		f.edit().ThinkingConfig = nil
		f.note("thinking")
		return
	}
	f.chooseThinking(&config)
	if config.ThinkingLevel != "" {
		f.thinkingLevel(&config, takesLevels)
	} else if config.ThinkingBudget != nil {
		f.thinkingBudget(&config, takesBudget)
	}
	f.thinkingRoom(&config)
	switch {
	case config == genai.ThinkingConfig{}:
		f.edit().ThinkingConfig = nil
	case config != *given:
		f.edit().ThinkingConfig = &config
	}
}

// thinkingOff switches thinking off for a target that does not take functions
// with it.
func (f *fitting) thinkingOff() {
	off := genai.ThinkingConfig{ThinkingLevel: "NONE"}
	if given := f.req.Config.ThinkingConfig; given == nil || *given != off {
		f.edit().ThinkingConfig = &off
		f.note("thinking: off with tools")
	}
}

// chooseThinking keeps one of level and budget: the one that the target is known
// to take unchanged, else the level if it takes levels at all.
func (f *fitting) chooseThinking(config *genai.ThinkingConfig) {
	if config.ThinkingLevel == "" || config.ThinkingBudget == nil {
		return
	}
	level := strings.ToUpper(string(config.ThinkingLevel))
	exact := slices.Contains(f.takes.ThinkingLevels, level)
	budget := f.takes.ThinkingBudget
	none := f.takes.ThinkingLevels != nil && len(f.takes.ThinkingLevels) == 0
	if none || !exact && budget != nil && budget.clamp(int(*config.ThinkingBudget)) == int(*config.ThinkingBudget) && *budget != (Budget{}) {
		config.ThinkingLevel = ""
		f.note("thinking_level: budget is set")
		return
	}
	config.ThinkingBudget = nil
	f.note("thinking_budget: level is set")
}

// thinkingLevel replaces a level by the nearest that is taken, or by a budget.
func (f *fitting) thinkingLevel(config *genai.ThinkingConfig, takesLevels bool) {
	level := strings.ToUpper(string(config.ThinkingLevel))
	switch {
	case !takesLevels && f.takes.ThinkingBudget == nil:
		config.ThinkingLevel = ""
		f.note("thinking_level")
	case !takesLevels:
		rank, known := budgetOf[level]
		if !known {
			rank, level = budgetOf["HIGH"], "HIGH"
		}
		budget := f.takes.ThinkingBudget.clamp(rank)
		config.ThinkingLevel, config.ThinkingBudget = "", genai.Ptr(int32(budget))
		f.note(fmt.Sprintf("thinking_level: %s to budget %d", level, budget))
	case f.takes.ThinkingLevels != nil:
		if near := nearestLevel(level, f.takes.ThinkingLevels); near != string(config.ThinkingLevel) {
			config.ThinkingLevel = genai.ThinkingLevel(near)
			if near != level { // not only written otherwise
				f.note(fmt.Sprintf("thinking_level: %s to %s", knownLevel(level), near))
			}
		}
	}
}

// thinkingBudget brings a budget into the range that is taken, or replaces it by
// a level.
func (f *fitting) thinkingBudget(config *genai.ThinkingConfig, takesBudget bool) {
	budget := int(*config.ThinkingBudget)
	takes, known := f.takes.ThinkingBudget, len(f.takes.ThinkingLevels) > 0
	switch {
	case takes == nil:
	case !takesBudget && !known, !takesBudget && budget < 0, budget < 0 && !takes.Auto:
		config.ThinkingBudget = nil // the model's own
		f.note("thinking_budget")
	case !takesBudget, budget == 0 && !takes.Off && known:
		level := nearestLevel(levelOf(budget), f.takes.ThinkingLevels)
		config.ThinkingBudget, config.ThinkingLevel = nil, genai.ThinkingLevel(level)
		f.note(fmt.Sprintf("thinking_budget: %d to level %s", budget, level))
	default:
		if fits := takes.clamp(budget); fits != budget {
			config.ThinkingBudget = genai.Ptr(int32(fits))
			f.note(fmt.Sprintf("thinking_budget: %d to %d", budget, fits))
		}
	}
}

// thinkingRoom keeps Anthropic's two rules on budgets: below max_tokens, and none
// together with a forced tool (platform.claude.com build-with-claude/
// extended-thinking, agents-and-tools/tool-use/define-tools).
func (f *fitting) thinkingRoom(config *genai.ThinkingConfig) {
	takes := f.takes.ThinkingBudget
	if f.API != Anthropic || takes == nil || config.ThinkingBudget == nil || *config.ThinkingBudget <= 0 {
		return
	}
	most := f.req.Config.MaxOutputTokens
	switch {
	case isForced(f.req.Config):
		config.ThinkingBudget = genai.Ptr[int32](0)
		f.note("thinking: off with a forced tool")
	case most > 0 && int(most) <= takes.Min:
		config.ThinkingBudget = genai.Ptr[int32](0)
		f.note("thinking: off below max_output_tokens")
	case most > 0 && *config.ThinkingBudget >= most:
		config.ThinkingBudget = genai.Ptr(most - 1)
		f.note("thinking_budget: below max_output_tokens")
	}
}

// clamp returns the budget nearest to n that b accepts.
func (b Budget) clamp(n int) int {
	if n == 0 && b.Off || n == -1 && b.Auto {
		return n
	}
	return min(max(n, b.Min), max(b.Max, b.Min))
}

// nearestLevel returns the accepted level nearest to level, the higher of two;
// NONE, which is off, only if it is asked for.
func nearestLevel(level string, accepted []string) string {
	if slices.Contains(accepted, level) {
		return level
	}
	want := rankOf(level)
	best, distance := "", len(levels)+1
	for _, candidate := range accepted {
		rank := slices.Index(levels, candidate)
		d := max(want-rank, rank-want)
		if candidate == "NONE" && want > 0 || d > distance || d == distance && rank < want {
			continue
		}
		best, distance = candidate, d
	}
	if best == "" && len(accepted) > 0 {
		return accepted[0]
	}
	return best
}

// rankOf returns a level's place among levels; a level of tomorrow counts as
// HIGH.
func rankOf(level string) int { return slices.Index(levels, knownLevel(level)) }

func knownLevel(level string) string {
	if slices.Contains(levels, level) {
		return level
	}
	return "HIGH"
}

// levelOf returns the level for a budget.
func levelOf(budget int) string {
	for _, level := range levels {
		if budget <= budgetOf[level] {
			return level
		}
	}
	return "MAX"
}
