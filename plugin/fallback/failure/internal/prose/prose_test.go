package prose_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

func TestHasAny(t *testing.T) {
	for name, tt := range map[string]struct {
		text, phrase string
		want         bool
	}{
		"a phrase":               {"the rate limit is reached", "rate limit", true},
		"letters in other order": {"time limit rate", "rate limit", false},
		"two parts":              {"the prompt of 9 tokens is too long", "prompt…too long", true},
		"the second at first":    {"too long for a prompt", "prompt…too long", false},
		"another sentence":       {"write a prompt. it took too long", "prompt…too long", false},
		"out of reach":           {"prompt " + strings.Repeat("x", 80) + " too long", "prompt…too long", false},
		"behind one in vain":     {"a prompt. the prompt is too long", "prompt…too long", true},
		"nothing":                {"", "rate limit", false},
	} {
		text := prose.Of(tt.text)
		if got := text.HasAny(prose.Phrases("no such text", tt.phrase)); got != tt.want {
			t.Errorf("%s: HasAny = %v, want %v", name, got, tt.want)
		}
	}
}

func TestEdges(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		any  []prose.Phrase
		want bool
	}{
		"several words at the start of a word":    {"it is over the budget", prose.Phrases("over…budget"), true},
		"several words in the middle of one":      {"however, the budget", prose.Phrases("over…budget"), false},
		"a later occurrence":                      {"stop up to top up", prose.Phrases("top up"), true},
		"behind an underscore":                    {"max_tokens: over_budget", prose.Phrases("over…budget"), true},
		"behind a digit":                          {"the 5hour limit", prose.Phrases("hour limit"), true},
		"the second part in the middle of a word": {"a subscription that is unexpired", prose.Phrases("subscription…expired"), false},
		"the second part joined to the first":     {"insufficientbalance", prose.Phrases("insufficient…balance"), true},
		"several words that go on":                {"image inputs", prose.Phrases("image input"), true},
		"one word at the end of a longer one":     {"readtimeout", prose.Phrases("timeout"), true},
		"behind an escape":                        {`bad\ninput is too long`, prose.Phrases("input is too long"), true},
		"a whole word behind an escape":           {`bad\ntpm limit`, prose.Words("tpm"), true},
		"behind a backslash and a word":           {`c:\discover a budget`, prose.Phrases("over…budget"), false},
		"at the end of a name":                    {"maxtokens exceeds the limit", prose.Phrases("token…exceed"), true},
		"the second part at the end of a name":    {"exceeded the dailyquota", prose.Phrases("exceeded…quota"), true},
		"a negation of the noun":                  {"limiting requests (not your usage limit)", prose.Phrases("usage limit"), false},
		"a negation of the verb":                  {"you do not have access to it", prose.Phrases("have access to it"), true},
		"a whole word":                            {"tpm limit", prose.Words("tpm"), true},
		"a whole word in brackets":                {"limit (tpm)", prose.Words("tpm"), true},
		"a whole word, later":                     {"the ctpm and the tpm", prose.Words("tpm"), true},
		"the end of a word":                       {"ctpm", prose.Words("tpm"), false},
		"the start of a word":                     {"tpms", prose.Words("tpm"), false},
		"with a digit":                            {"tpm2", prose.Words("tpm"), false},
	} {
		text := prose.Of(tt.text)
		if got := text.HasAny(tt.any); got != tt.want {
			t.Errorf("%s: HasAny of %q = %v, want %v", name, tt.text, got, tt.want)
		}
	}
}

func TestAfter(t *testing.T) {
	text := prose.Of("wait 1s, wait 2s")
	for phrase, want := range map[string][]string{"wait ": {"1s, wait 2s", "2s"}, "retry ": nil} {
		if got := slices.Collect(text.After(&prose.Phrases(phrase)[0])); !slices.Equal(got, want) {
			t.Errorf("After(%q) = %q, want %q", phrase, got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	for text, want := range map[string]int{
		"error code: 429": 429, "status code 503": 503, "429 too many requests": 429, "request failed (500)": 500, "error 504, message": 504,
		"limit is 500 tokens": 0, "status 500,000": 0, "error x429": 0, "": 0,
	} {
		if got := prose.Status(text); got != want {
			t.Errorf("Status(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{
		"429 You exceeded": 429, "ResourceExhausted: 429 You exceeded": 429, "400 * Request.contents": 400, "429 tokens": 0, "999 You": 0, "429": 0,
	} {
		if got := prose.LeadingStatus(text); got != want {
			t.Errorf("LeadingStatus(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{"502 bad gateway": 502, "api.example | 520: web server": 520, "error 404 (not found)": 404, "10000 prompts": 0} {
		if got := prose.TitleStatus(text); got != want {
			t.Errorf("TitleStatus(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestPageTitle(t *testing.T) {
	if got, ok := prose.PageTitle("got <html><head><title lang=en>502 Bad Gateway</title></head>"); !ok || got != "got 502 bad gateway" {
		t.Errorf("PageTitle = %q, %v", got, ok)
	}
	if got, ok := prose.PageTitle("<b>502</b>"); ok {
		t.Errorf("PageTitle of other text = %q, want it refused", got)
	}
}

func TestUnquoted(t *testing.T) {
	isCode := func(word string) bool { return word == "quota_exceeded" }
	for text, want := range map[string]string{
		`unknown name "quota" here`:                  "unknown name   here",
		"field properties[quota] is":                 "field properties  is",
		"check_quota failed":                         "  failed",
		"quota_exceeded failed":                      "quota_exceeded failed",
		"it's the users' quota":                      "it's the users' quota",
		`"quota exceeded"`:                           `"quota exceeded"`,
		`400 "quota exceeded"`:                       `400 "quota exceeded"`,
		`post "u": 400 bad request "quota exceeded"`: `post  : 400 bad request "quota exceeded"`,
		`a bad request "quota exceeded"`:             `a bad request  `,
	} {
		if got := prose.Unquoted(text, isCode); got != want {
			t.Errorf("Unquoted(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{"a b": "a b", "│ a\n│ b │": "a b", "a\t\tb  c": "a b c"} {
		if got := prose.OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
