package modelname_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/modelname"
)

// B105: a name is the same whatever surrounds it, and has the version that it says.
func TestParse(t *testing.T) {
	const newest = 1 << 30
	for model, want := range map[string]struct {
		name    string
		version modelname.Version
	}{
		"gemini-3.6-flash":                           {"gemini-3.6-flash", 306},
		"publishers/google/models/Gemini-2.5-Pro":    {"gemini-2.5-pro", 205},
		"gemini-flash-latest":                        {"gemini-flash-latest", newest},
		"ft:gpt-4o-2024-08-06:acme::abc":             {"gpt-4o", 400},
		"gpt-4.1-mini-2025-04-14":                    {"gpt-4.1-mini", 401},
		"us.anthropic.claude-sonnet-4-20250514-v1:0": {"claude-sonnet-4", 400},
		"anthropic/claude-opus-4.5:thinking":         {"claude-opus-4-5", 405},
		"claude-haiku-4-5@20251001":                  {"claude-haiku-4-5", 405},
		"claude-3-5-sonnet-20241022":                 {"claude-3-5-sonnet", 305},
		"llama3.2:3b":                                {"llama3.2:3b", 300},
		"":                                           {"", newest},
	} {
		if name, version := modelname.Parse(model); name != want.name || version != want.version {
			t.Errorf("Parse(%q) = %q, %d; want %q, %d", model, name, version, want.name, want.version)
		}
	}
}
