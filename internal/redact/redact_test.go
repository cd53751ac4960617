package redact_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// B40
func TestSecretsAreRemoved(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"google key":                    {"key AIzaSyA1234567890abcdefghijklmnopqrstuv is bad", "key [redacted] is bad"},
		"google key in a URL":           {"Post \"https://h/v1?key=AIzaSyA123456_78&alt=sse\"", "Post \"https://h/v1?key=[redacted]&alt=sse\""},
		"google auth key":               {"token AQ.Ab8RN6Kabcdefgh.", "token [redacted]."},
		"google oauth token":            {"ya29.a0AfH6SMBx/yz+1== expired", "[redacted] expired"},
		"openai key":                    {"Incorrect API key provided: sk-proj-abc***wxyz1.", "Incorrect API key provided: [redacted]."},
		"anthropic key":                 {"x-api-key: sk-ant-api03-AbCdEf-_123", "x-api-key: [redacted]"},
		"xai key":                       {"xai-abcdefghij0123", "[redacted]"},
		"groq key":                      {"(gsk_abcdefghij0123)", "([redacted])"},
		"labelled key":                  {"Consumer api_key:00secret00 is off", "Consumer api_key:[redacted] is off"},
		"labelled in json":              {`{"api_key": "0123456789"}`, `{"api_key": "[redacted]"}`},
		"password":                      {"password=hunter22", "password=[redacted]"},
		"bearer":                        {"Authorization: Bearer abc.DEF-123/4==", "Authorization: Bearer [redacted]"},
		"jwt":                           {"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s-ig_1", "got [redacted]"},
		"e-mail":                        {"contact jo.doe+x@example.co.uk.", "contact [redacted]."},
		"e-mail in a link":              {"[a@b.cc](mailto:a@b.cc)", "[[redacted]](mailto:[redacted])"},
		"project path":                  {"projects/my-proj-1/locations/us", "projects/[redacted]/locations/us"},
		"project number":                {"project_number:123456", "project_number:[redacted]"},
		"project in prose":              {"has not been used in project 12345 before", "has not been used in project [redacted] before"},
		"consumer":                      {"for consumer 'project_number:1'.", "for consumer '[redacted]'."},
		"suspended consumer":            {"Consumer 'api_key:AIzaSyA12345' has been suspended", "Consumer '[redacted]' has been suspended"},
		"organisation":                  {"in organization org-AbC123 on tokens", "in organization [redacted] on tokens"},
		"groq organisation":             {"in organization `org_01kjh7p9n8` tier", "in organization `[redacted]` tier"},
		"anthropic organisation":        {"for your organization (0540bb20-4516-4109-9684-e689b6757d2e) of 50,000", "for your organization ([redacted]) of 50,000"},
		"anthropic organisation, short": {"(org: 0540bb20-4516-4109-9684-e689b6757d2e, model: m)", "(org: [redacted], model: m)"},
		"openai project":                {"in project proj_AbC123 on", "in project [redacted] on"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := redact.Text(tt.in, 256); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestOrdinaryTextIsKept(t *testing.T) {
	for _, s := range []string{
		"The model is overloaded. Please try again later.",
		"Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20, model: gemini-2.5-flash",
		"API key not valid. Please pass a valid API key.",
		"a bearer token is required",
		"project has no quota",
		"unexpected token: null",
		"Überlastet – später",
		"",
	} {
		if got := redact.Text(s, 256); got != s {
			t.Errorf("Text(%q) = %q, want it unchanged", s, got)
		}
	}
}

func TestControlCharactersAndInvalidUTF8AreReplaced(t *testing.T) {
	const in, want = "a\r\n\tb\x00\x7f\u0085\u2028\u202e\xff\xfec", "a   b     \uFFFD\uFFFDc"
	if got := redact.Text(in, 256); got != want {
		t.Errorf("Text(%q) = %q, want %q", in, got, want)
	}
}

func TestCutOnRuneBoundary(t *testing.T) {
	tests := []struct {
		in   string
		max  int
		want string
	}{
		{"aé", 2, "a"}, {"aé", 3, "aé"}, {"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"abc", -1, ""},
		{"k=1 sk-abcdefghijkl", 9, "k=1 [reda"},
		{"\xff\xff", 4, "\uFFFD"},
	}
	for _, tt := range tests {
		if got := redact.Text(tt.in, tt.max); got != tt.want {
			t.Errorf("Text(%q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func TestSecretAcrossTheCutLeavesNothing(t *testing.T) {
	s := strings.Repeat("x", 250) + " sk-ant-api03-SECRET"
	if got := redact.Text(s, 260); strings.Contains(got, "sk-") {
		t.Errorf("Text kept the beginning of a key: %q", got[250:])
	}
}

func TestCleanTextIsNotCopied(t *testing.T) {
	s := strings.Repeat("The model is overloaded. ", 10)
	if n := testing.AllocsPerRun(100, func() { redact.Text(s, 256) }); n != 0 {
		t.Errorf("Text allocates %v times for clean text, want 0", n)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "projects/p key=AIzaSyA12345678 a@b.cc consumer 'x'", "a@b.cc@d.ee", "Bearer\nABCDEFG", "project_number:1@b.cc",
		"key=\xff", "consumer ''", "consumer 'it", "token=sk-123456789012=", "Authorization: Bearer Bearer abcDEF1", "consumer 'a' 'b'",
	} {
		f.Add(s, 64)
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		once := redact.Text(s, max)
		if len(once) > max && max >= 0 || !utf8.ValidString(once) {
			t.Fatalf("Text(%q, %d) = %q: too long or invalid", s, max, once)
		}
		if twice := redact.Text(once, max); twice != once {
			t.Fatalf("not idempotent: %q → %q → %q", s, once, twice)
		}
	})
}

func BenchmarkText(b *testing.B) {
	b.Run("clean 100 bytes", func(b *testing.B) {
		s := "The model is overloaded and cannot take this request at the moment. Please try again later, thanks!!"
		b.ReportAllocs()
		for b.Loop() {
			redact.Text(s, 256)
		}
	})
	b.Run("10 MiB", func(b *testing.B) {
		s := strings.Repeat("model overloaded ", 10<<20/17)
		b.ReportAllocs()
		for b.Loop() {
			redact.Text(s, 256)
		}
	})
}
