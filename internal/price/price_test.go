package price_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/price"
)

func of(t *testing.T, name string) price.Price {
	t.Helper()
	p, ok := price.Of(name)
	if !ok {
		t.Fatalf("Of(%q): no price", name)
	}
	return p
}

func same(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestReleaseOfAModelHasItsPrice(t *testing.T) {
	for name, want := range map[string]string{
		"gemini-2.5-flash-preview-09-2025":                                 "gemini-2.5-flash",
		"gemini-2.5-pro-preview-05-06":                                     "gemini-2.5-pro",
		"gemini-2.0-flash-001":                                             "gemini-2.0-flash",
		"gemini-3-pro-preview":                                             "gemini-3-pro",
		"gemini-2.5-flash-lite-preview":                                    "gemini-2.5-flash-lite",
		"models/gemini-2.5-pro":                                            "gemini-2.5-pro",
		"publishers/google/models/gemini-2.5-pro":                          "gemini-2.5-pro",
		"projects/p/locations/l/publishers/google/models/gemini-2.5-flash": "gemini-2.5-flash",
		"claude-sonnet-4-5-20250929":                                       "claude-sonnet-4-5",
		"claude-sonnet-4-5@20250929":                                       "claude-sonnet-4-5",
		"claude-haiku-4-5-latest":                                          "claude-haiku-4-5",
		"gpt-4o-2024-08-06":                                                "gpt-4o",
		"gpt-4.1-mini-2025-04-14":                                          "gpt-4.1-mini",
		"openai/gpt-5-chat-latest":                                         "gpt-5-chat",
		"gpt-5.1-chat-latest":                                              "gpt-5.1-chat",
		"gpt-5.2-chat-latest":                                              "gpt-5.2-chat",
		"gpt-5.3-chat-latest":                                              "gpt-5.3-chat",
		"gpt-5.2-codex-2026-01-14":                                         "gpt-5.2-codex",
		"codex-mini-latest":                                                "codex-mini",
		"models/gemini-4-neon":                                             "gemini-4-neon",
	} {
		if got := of(t, name); got != of(t, want) {
			t.Errorf("Of(%q) = %+v, want that of %s", name, got, want)
		}
		got, ok := price.Window(name)
		if window, _ := price.Window(want); !ok || got != window {
			t.Errorf("Window(%q) = %d, %t; want that of %s, %d", name, got, ok, want, window)
		}
	}
}

// Spot checks against the pages that are named beside them, read on price.WindowDate.
func TestFiguresOfListedModels(t *testing.T) {
	for _, tt := range []struct {
		model         string
		input, cached float64 // US dollars per million tokens
		output        float64
		window        int
	}{
		// https://ai.google.dev/gemini-api/docs/pricing and …/models/NAME
		{"gemini-4-neon", 3, 0.15, 15, 1_048_576},
		{"gemini-4-hydrogen", 1.50, 0.075, 7.50, 1_048_576},
		{"gemini-2.0-flash", 0.10, 0.025, 0.40, 1_048_576},
		// https://developers.openai.com/api/docs/models/NAME
		{"gpt-5.2-codex", 1.75, 0.175, 14, 400_000 - 128_000},
		{"gpt-5.1", 1.25, 0.125, 10, 400_000 - 128_000},
		{"gpt-5.6-luna", 0.20, 0.02, 1.20, 1_050_000 - 128_000},
		{"gpt-5.3-chat-latest", 1.75, 0.175, 14, 128_000},
		{"gpt-5.2-chat-latest", 1.75, 0.175, 14, 128_000},
		{"gpt-5-chat-latest", 1.25, 0.125, 10, 128_000},
		{"chat-latest", 5, 0.50, 30, 400_000},
		{"codex-mini-latest", 1.50, 0.375, 6, 200_000},
		// https://platform.claude.com/docs/en/models/overview and …/about-claude/pricing
		{"claude-fable-5-2", 8, 0.20, 40, 1_000_000},
		{"claude-opus-4-6", 5, 0.50, 25, 1_000_000},
		{"claude-haiku-4-5-20251001", 1, 0.10, 5, 200_000},
	} {
		want := price.Rates{Input: tt.input, Cached: tt.cached, Output: tt.output}
		if got := of(t, tt.model).Rates; got != want {
			t.Errorf("Of(%q) has the rates %+v, want %+v", tt.model, got, want)
		}
		if got, ok := price.Window(tt.model); !ok || got != tt.window {
			t.Errorf("Window(%q) = %d, %t; want %d", tt.model, got, ok, tt.window)
		}
	}
}

func TestReleaseWithAPriceOfItsOwn(t *testing.T) {
	if a, b := of(t, "gpt-4o-2024-05-13"), of(t, "gpt-4o"); a.Rates == b.Rates {
		t.Errorf("gpt-4o-2024-05-13 has the rates of gpt-4o: %+v", a.Rates)
	}
}

func TestOtherModelsAreNotListed(t *testing.T) {
	for _, name := range []string{
		"", "/", "gemini-v2", "small-local-llm", "llama-3-70b", "gemini", "gpt", "claude-sonnet",
		"gemini-2.5-flash-image", "gemini-2.5-flash-preview-tts", "gpt-4o-realtime-preview", "gpt-4o-mini-tts",
		"claude-sonnet-4-9", "claude-opus-5-6", "gpt-5.9", "gpt-4o:free", "ft:gpt-4o-2024-08-06:org", "gemini-2.5-pro/",
		"-preview", "-latest", "gemini-flash-latest", "chat", "gpt-chat", "latest", "gpt-5.2-codex-max", "gemini-4", "gemini-4-neon-image",
	} {
		if p, ok := price.Of(name); ok || p != (price.Price{}) {
			t.Errorf("Of(%q) = %+v, %t; want none", name, p, ok)
		}
		if window, ok := price.Window(name); ok || window != 0 {
			t.Errorf("Window(%q) = %d, %t; want none", name, window, ok)
		}
	}
}

func TestNearIsAListedModelWithOneWordMisspelled(t *testing.T) {
	for name, want := range map[string]string{
		"gemini-2.5-flahs": "gemini-2.5-flash", "gemni-2.5-flash": "gemini-2.5-flash", "cluade-sonnet-5": "claude-sonnet-5",
		"models/gemini-2.5-flsh": "gemini-2.5-flash", "gpt-5.2-codx": "gpt-5.2-codex",
		"gemini-2.5-flash": "", "gemini-2.5-flash-001": "", "gemini-2.6-flash": "", "gpt-5.9": "", "gpt-4": "", "claude-opus-4-9": "",
		"gemini-2.5-flash-image": "", "gpt-4o-mini-tts": "", "gpt-5.2-mini": "", "gemini-v2": "", "small-local-llm": "", "": "", "/": "",
		"gemni-2.5-flahs": "", // two words
	} {
		if got := price.Near(name); got != want {
			t.Errorf("Near(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestCost(t *testing.T) {
	flat := price.Price{Rates: price.Rates{Input: 2, Cached: 0.5, Output: 8}}
	tiered := flat
	tiered.LongAbove, tiered.Long = 1000, price.Rates{Input: 4, Cached: 1, Output: 12}
	uncached := price.Price{Rates: price.Rates{Input: 2, Output: 8}}
	tests := []struct {
		name                  string
		price                 price.Price
		input, cached, output int
		want                  float64 // US dollars × 1e6
	}{
		{"input and output", flat, 100, 0, 10, 280},
		{"cached input is part of the input", flat, 100, 60, 0, 40*2 + 60*0.5},
		{"more cached than sent", flat, 100, 200, 0, 50},
		{"no price for cached input", uncached, 100, 60, 0, 200},
		{"at the threshold", tiered, 1000, 0, 10, 2080},
		{"above the threshold all of it costs more", tiered, 1001, 1, 10, 1000*4 + 1 + 120},
		{"nothing", flat, 0, 0, 0, 0},
		{"negative counts", flat, -5, -5, -5, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.price.Cost(tt.input, tt.cached, tt.output) * 1e6; !same(got, tt.want) {
				t.Errorf("Cost(%d, %d, %d) = %v µ$, want %v", tt.input, tt.cached, tt.output, got, tt.want)
			}
		})
	}
}

func TestCostOfUsageCountsThoughtsAndToolResults(t *testing.T) {
	p := price.Price{Rates: price.Rates{Input: 1, Cached: 0.1, Output: 10}}
	got := p.CostOf(&genai.GenerateContentResponseUsageMetadata{
		PromptTokenCount: 100, CachedContentTokenCount: 50, ToolUsePromptTokenCount: 20,
		CandidatesTokenCount: 7, ThoughtsTokenCount: 3, TotalTokenCount: 130,
	})
	if want := (70 + 5 + 100) / 1e6; !same(got, want) {
		t.Errorf("CostOf = %v, want %v", got, want)
	}
	if got, want := p.CostOf(&genai.GenerateContentResponseUsageMetadata{TotalTokenCount: 130}), 1300/1e6; !same(got, want) {
		t.Errorf("CostOf(a total alone) = %v, want %v", got, want)
	}
	if got := p.CostOf(nil); got != 0 {
		t.Errorf("CostOf(nil) = %v, want 0", got)
	}
}

func TestProject(t *testing.T) {
	p := price.Price{Rates: price.Rates{Input: 1, Cached: 0.1, Output: 10}}
	text := genai.NewContentFromText(strings.Repeat("x", 400), genai.RoleUser) // 100 tokens
	for _, tt := range []struct {
		name   string
		config *genai.GenerateContentConfig
		output float64
	}{
		{"one candidate", nil, 50},
		{"no number of candidates", &genai.GenerateContentConfig{MaxOutputTokens: 9}, 50},
		{"several candidates", &genai.GenerateContentConfig{CandidateCount: 3}, 150},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := &model.LLMRequest{Contents: []*genai.Content{text}, Config: tt.config}
			if got, want := price.Project(p, req, 50), (100+10*tt.output)/1e6; !same(got, want) {
				t.Errorf("Project = %v, want %v", got, want)
			}
		})
	}
}

func BenchmarkOf(b *testing.B) {
	for _, name := range []string{"gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash-preview-09-2025", "small-local-llm"} {
		b.Run(name[strings.LastIndexByte(name, '/')+1:], func(b *testing.B) {
			for b.Loop() {
				price.Of(name)
			}
		})
	}
}
