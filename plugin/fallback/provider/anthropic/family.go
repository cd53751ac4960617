package anthropic

import "strings"

// family holds the properties of a model that the wire format depends on. The
// tables of package provider say what a model accepts; they were applied before.
type family struct {
	prefix    string // of the model's name behind "claude-"
	adaptive  bool   // thinking {"type": "adaptive"}
	enabled   bool   // thinking {"type": "enabled", "budget_tokens": n}
	off       string // the thinking type that comes closest to none; "" if thinking is always on
	on        bool   // it thinks if the request does not say
	maxOutput int32  // the most that max_tokens may be; 0 if not known
}

const (
	disabled     = "disabled"
	betweenTools = "between_tools"
)

// families lists the longer of two prefixes first; the last row is for models that
// are not in it. Sources, read in November 2026:
// https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting,
// /docs/en/models/overview, and each model's migration guide below /docs/en/models.
var families = []family{
	{"fable-5", true, false, "", true, 128_000},
	{"mythos-5", true, false, "", true, 128_000},
	{"opus-5-5", true, false, "", true, 128_000},
	{"sonnet-5-5", true, false, betweenTools, true, 128_000},
	{"haiku-5-5", true, false, disabled, true, 128_000},
	{"opus-5", true, false, disabled, true, 128_000},
	{"sonnet-5", true, false, disabled, true, 128_000},
	{"opus-4-8", true, false, disabled, false, 128_000},
	{"opus-4-7", true, false, disabled, false, 128_000},
	{"opus-4-6", true, true, disabled, false, 128_000},
	{"sonnet-4-6", true, true, disabled, false, 128_000},
	{"opus-4-5", false, true, disabled, false, 64_000},
	{"sonnet-4-5", false, true, disabled, false, 64_000},
	{"haiku-4-5", false, true, disabled, false, 64_000},
	{"opus-4", false, true, disabled, false, 32_000},
	{"sonnet-4", false, true, disabled, false, 64_000},
	{"3-7-sonnet", false, true, disabled, false, 64_000},
	{"3-5-", false, false, "", false, 8_192},
	{"3-", false, false, "", false, 4_096},
	// Every model since 4.7 is like this: a new one most likely is, too.
	{"", true, false, "", true, 0},
}

// stranger is a model of another vendor behind the same API. Its servers may
// implement an older version of the API.
var stranger = family{enabled: true, off: disabled}

// fallbackMaxTokens is the limit for a model whose maximum is not known.
const fallbackMaxTokens = 32_000

// familyOf finds the family of a model, whatever stands around its name:
// "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic/claude-opus-4.5",
// "claude-haiku-4-5@20251001".
func familyOf(model string) family {
	_, name, found := strings.Cut(strings.ToLower(model), "claude-")
	if !found {
		return stranger
	}
	name = strings.ReplaceAll(name, ".", "-")
	for _, f := range families {
		if strings.HasPrefix(name, f.prefix) {
			return f
		}
	}
	return stranger // not reached: the last prefix is empty
}
