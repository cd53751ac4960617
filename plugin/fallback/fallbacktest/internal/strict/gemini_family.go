package strict

import (
	"regexp"
	"strconv"
	"strings"
)

// geminiFamily is what a model's name says of what the model takes. The zero
// value is a name of no known family, which is bound by no family's rules.
type geminiFamily struct {
	version int    // 25 for gemini-2.5-…, 40 for gemini-4-…; 0 if not known
	variant string // what follows the version: "flash-lite", "pro-preview", "neon"
	gemma   bool
}

var geminiName = regexp.MustCompile(`^gemini-(\d)(?:\.(\d))?-(.+)$`)

func geminiFamilyOf(model string) geminiFamily {
	m := geminiName.FindStringSubmatch(model)
	if m == nil {
		return geminiFamily{gemma: strings.HasPrefix(model, "gemma-")}
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2]) // none is 0
	return geminiFamily{version: 10*major + minor, variant: m[3]}
}

func (f geminiFamily) before(version int) bool { return f.version > 0 && f.version < version }

func (f geminiFamily) from(version int) bool { return f.version >= version }

func (f geminiFamily) is(variant string) bool { return strings.HasPrefix(f.variant, variant) }

// modern models have no sampling penalties and take no model turn as the last one:
// all from 3.6 Flash and 3.5 Flash-Lite on.
// (https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.6)
func (f geminiFamily) modern() bool {
	return f.from(36) || f.version == 35 && f.is("flash-lite")
}

// levels are the thinking levels that the model takes, nil if that is not known.
// Models before 3 take none. LOW is the one level that all the others take.
// (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking,
// https://ai.google.dev/gemini-api/docs/gemini-3)
func (f geminiFamily) levels() []string {
	pro := f.is("pro")
	switch {
	case f.version == 0:
		return nil
	case f.version < 30:
		return []string{}
	case f.version == 30 && pro:
		return []string{"LOW", "HIGH"}
	case f.version == 40 && (f.is("neon") || f.is("hydrogen")):
		return []string{"LOW", "MEDIUM", "HIGH", "XHIGH"}
	case pro, f.version >= 37:
		return []string{"LOW", "MEDIUM", "HIGH"}
	}
	return []string{"MINIMAL", "LOW", "MEDIUM", "HIGH"}
}

// takesBudget reports whether the model takes a thinking budget of n tokens; -1
// leaves it to the model. (https://ai.google.dev/gemini-api/docs/thinking)
func (f geminiFamily) takesBudget(n int32) bool {
	switch {
	case f.gemma, f.from(40), f.before(25):
		return false
	case f.version == 0 || n == -1:
		return true
	case f.version == 25 && f.is("pro"):
		return n >= 128 && n <= 32768
	case f.version == 25 && f.is("flash-lite"):
		return n == 0 || n >= 512 && n <= 24576
	case f.version == 25:
		return n >= 0 && n <= 24576
	}
	// From 3 on budgets are still read. No Pro model, and none from 3.7 on, can be
	// kept from thinking.
	return n > 0 || n == 0 && !f.is("pro") && !f.from(37)
}

// placeholder is the signature that Google documents for calls that Gemini did not
// make. (https://ai.google.dev/gemini-api/docs/thought-signatures)
const placeholder = "skip_thought_signature_validator"

// GeminiSigns reports whether a model signs its calls, and wants them back as signed.
// (https://ai.google.dev/gemini-api/docs/thought-signatures)
func GeminiSigns(model string) bool { return geminiFamilyOf(model).signs() }

func (f geminiFamily) signs() bool { return f.from(30) }
