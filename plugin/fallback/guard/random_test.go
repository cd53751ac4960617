package guard_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/genai"
)

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	alnum   = digits + letters + lower
	base64s = alnum + "+/"
)

func draw(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// spaced returns text with a separator after each group of n.
func spaced(text string, n int, separator string) string {
	var b strings.Builder
	for i, c := range text {
		if i > 0 && i%n == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// forms are personal data, and secrets with digits in them, which a search for numbers
// must not break up. The forms of keys are those of package redact, and tested there.
var forms = map[string]func(r *rand.Rand) string{
	"telephone": func(r *rand.Rand) string { return "+" + spaced("4"+draw(r, digits, 11), 2+r.IntN(3), " ") },
	"card": func(r *rand.Rand) string {
		return spaced("4"+draw(r, digits, 15), 4, []string{"", " ", "-", "\u00a0"}[r.IntN(4)])
	},
	"wide card": func(r *rand.Rand) string {
		return strings.Map(func(c rune) rune { return c + '０' - '0' }, draw(r, digits, 16))
	},
	"IBAN":       func(r *rand.Rand) string { return spaced("DE"+draw(r, digits, 20), 4, " ") },
	"small IBAN": func(r *rand.Rand) string { return "gb" + draw(r, digits, 2) + draw(r, lower, 4) + draw(r, digits, 14) },
	"e-mail": func(r *rand.Rand) string {
		return draw(r, lower, 6) + "." + draw(r, digits, 12) + "@" + draw(r, lower, 7) + ".org"
	},
	"e-mail, letter": func(r *rand.Rand) string { return "jürgen" + draw(r, lower, 4) + "@" + draw(r, lower, 8) + ".de" },
	"UUID": func(r *rand.Rand) string {
		hex := func(n int) string { return draw(r, digits+"abcdef", n) }
		return hex(8) + "-" + hex(4) + "-4" + hex(3) + "-a" + hex(3) + "-" + hex(12)
	},
	"Google key": func(r *rand.Rand) string {
		return "AIza" + draw(r, alnum, 10) + draw(r, digits, 15) + draw(r, alnum+"_-", 9) + "z"
	},
	"OpenAI key": func(r *rand.Rand) string { return "sk-proj-" + draw(r, digits, 20) + draw(r, alnum, 50) },
	"GitLab key": func(r *rand.Rand) string { return "glpat-" + draw(r, digits, 12) + draw(r, alnum, 8) },
	"Docker key": func(r *rand.Rand) string { return "dckr_pat_" + draw(r, alnum, 27) },
	"JSON token": func(r *rand.Rand) string {
		return "eyJ" + draw(r, alnum, 30) + ".eyJ" + draw(r, alnum, 40) + "." + draw(r, alnum, 43)
	},
	"hardware":    func(r *rand.Rand) string { return spaced(draw(r, digits+"abcdef", 12), 2, ":") },
	"private key": func(r *rand.Rand) string { return pem(r, "\n") },
	"one-line private key": func(r *rand.Rand) string {
		return pem(r, `\n`)
	},
}

func pem(r *rand.Rand, newline string) string {
	lines := []string{"-----BEGIN RSA PRIVATE KEY-----"}
	for range 2 + r.IntN(6) {
		lines = append(lines, draw(r, base64s, 64))
	}
	return strings.Join(append(lines, draw(r, base64s, 5+r.IntN(50))+"==", "-----END RSA PRIVATE KEY-----"), newline)
}

// survivor returns eight characters of a line of secret that are in got, or "". What
// begins and ends a private key is not secret.
func survivor(secret, got string) string {
	for line := range strings.SplitSeq(strings.ReplaceAll(secret, `\n`, "\n"), "\n") {
		runes := []rune(line)
		for i := 0; i+8 <= len(runes) && !strings.HasPrefix(line, "-----"); i++ {
			if piece := string(runes[i : i+8]); strings.Contains(got, piece) {
				return piece
			}
		}
	}
	return ""
}

// Eight characters of a secret or of personal data reach nobody, whatever kind of part
// they stand in and however deep. B131
func TestNoEightCharactersSurvive(t *testing.T) {
	const values = 200
	type record struct {
		Note string   `json:"note"`
		List []string `json:"list"`
	}
	places := map[string]func(secret string) *genai.Part{
		"a text":            func(s string) *genai.Part { return &genai.Part{Text: s} },
		"a text with lines": func(s string) *genai.Part { return &genai.Part{Text: "It is\n" + s + "\nand no other, on 3 May 2026."} },
		"a sentence":        func(s string) *genai.Part { return &genai.Part{Text: "We have (" + s + ") from her, \"" + s + "\"."} },
		"a result": func(s string) *genai.Part {
			return withResult(map[string]any{"rows": []any{1, map[string]any{"x": s}}})
		},
		"a result's struct":    func(s string) *genai.Part { return withResult(&record{Note: "see " + s, List: []string{"a", s}}) },
		"a result's key":       func(s string) *genai.Part { return withResult(map[string]any{s: true}) },
		"a result's JSON text": func(s string) *genai.Part { return withResult(jsonOf(t, map[string]any{"a": map[string]any{"b": s}})) },
		"code": func(s string) *genai.Part {
			return &genai.Part{ExecutableCode: &genai.ExecutableCode{Code: "x = '''" + s + "'''"}}
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(131, uint64(len(name))))
			for range values {
				secret := form(r)
				for place, part := range places {
					got := redacted(t, ofParts(part(secret)))
					if got == nil {
						t.Fatalf("%s in %s is refused", secret, place)
					}
					seen := got.Contents[0].Parts[0]
					text := seen.Text + strings.NewReplacer(`\\n`, "\n", `\n`, "\n").Replace(jsonOf(t, seen))
					if piece := survivor(secret, text); piece != "" {
						t.Fatalf("%q of %q survives in %s:\n%s", piece, secret, place, text)
					}
				}
			}
		})
	}
}

// The key of a value tells that it is secret, at any depth. B131
func TestNoPasswordOfAToolResultSurvives(t *testing.T) {
	r := rand.New(rand.NewPCG(131, 2))
	for range 200 {
		value := draw(r, alnum+"$%!", 10)
		name := []string{"password", "Passwd", "pwd", "DB_PASSWORD", "userPassword", "api_key", "apiKey", "client_secret", "access_token", "aws_secret_access_key"}[r.IntN(10)]
		for place, result := range map[string]any{
			"flat": map[string]any{name: value}, "nested": []any{map[string]any{"a": map[string]any{name: value}}},
			"beneath": map[string]any{name: map[string]any{"new": []string{value}}}, "typed": map[string]string{name: "one two " + value}, "JSON": jsonOf(t, map[string]any{name: value}),
			"listed": []map[string]string{{"name": name, "value": value}},
		} {
			got := redacted(t, ofParts(withResult(result)))
			if text := jsonOf(t, got.Contents); strings.Contains(text, value) {
				t.Fatalf("%s, %s: %q survives in %s", name, place, value, text)
			}
		}
	}
}

// Ordinary prose reaches the target byte for byte: three texts in the public domain. B131
func TestProseStays(t *testing.T) {
	files, err := filepath.Glob("../../../internal/redact/testdata/*.txt")
	if err != nil || len(files) < 3 {
		t.Fatalf("texts %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		got := redacted(t, ofParts(&genai.Part{Text: text}, withResult(map[string]any{"page": text})))
		if seen := got.Contents[0].Parts[0].Text; seen != text {
			t.Errorf("%s: %s", file, difference(text, seen))
		}
		if seen := got.Contents[0].Parts[1].FunctionResponse.Response["result"].(map[string]any)["page"]; seen != text {
			t.Errorf("%s, as a tool's result: %s", file, difference(text, seen.(string)))
		}
	}
}

// difference shows where two texts begin to differ.
func difference(want, got string) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	return fmt.Sprintf("%.80q became %.80q", want[max(i-20, 0):], got[max(i-20, 0):])
}
