package redact_test

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// surroundings are where a secret may stand. Each returns the text.
var surroundings = []func(secret string) string{
	func(s string) string { return s },
	func(s string) string { return "The value " + s + " was refused." },
	func(s string) string { return "It was " + s + ".\nPlease ask again." },
	func(s string) string { return `got "` + s + `" there` },
	func(s string) string { return `got '` + s + `', "x"` },
	func(s string) string { return "(" + s + "), [" + s + "] and <" + s + ">" },
	func(s string) string { return "x=" + s + "\ny=1" },
	func(s string) string { return "value: " + s + "\r\nother: 1" },
	func(s string) string { return `Get "https://host.example/v1?x=` + s + `&alt=sse": EOF` },
	func(s string) string { return jsonOf(map[string]any{"note": s, "code": 1}) },
	func(s string) string { return jsonOf(map[string]any{"note": "first\n" + s + "\nlast\t" + s + "\r\n"}) },
	func(s string) string { return jsonOf(jsonOf(map[string]any{"note": "first\n" + s})) },
	func(s string) string { return "GET /x?q=" + url.QueryEscape("a\n"+s+"\nb") + "&y=1" },
	func(s string) string { return "GET /x?q=" + url.QueryEscape(url.QueryEscape("a "+s+" b")) + "&y=1" },
	func(s string) string {
		return "<p title=\"" + html.EscapeString(s) + "\">" + html.EscapeString(s) + "</p>"
	},
	func(s string) string { return fmt.Sprintf("call failed: %q", "with "+s+"\n") },
	func(s string) string { return "密钥：" + s + "。" },
	func(s string) string { return "a, " + s + ", " + s + "; b" },
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// sample returns a random string that a regular expression matches.
func sample(r *rand.Rand, re *syntax.Regexp) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		n := 0
		for i := 0; i < len(re.Rune); i += 2 {
			n += int(re.Rune[i+1]-re.Rune[i]) + 1
		}
		n = r.IntN(n)
		for i := 0; ; i += 2 {
			size := int(re.Rune[i+1]-re.Rune[i]) + 1
			if n < size {
				return string(re.Rune[i] + rune(n))
			}
			n -= size
		}
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			b.WriteString(sample(r, sub))
		}
	case syntax.OpAlternate:
		return sample(r, re.Sub[r.IntN(len(re.Sub))])
	case syntax.OpQuest, syntax.OpRepeat:
		low, high := re.Min, re.Max
		if re.Op == syntax.OpQuest {
			low, high = 0, 1
		}
		for range low + r.IntN(high-low+1) {
			b.WriteString(sample(r, re.Sub[0]))
		}
	case syntax.OpEmptyMatch:
	default:
		panic(fmt.Sprint("sample does not know ", re))
	}
	return b.String()
}

// survivor returns eight characters of secret that are in got, or "".
func survivor(secret, got string) string {
	quarter := false // whatever survives holds four bytes at a multiple of four
	for i := 0; i+4 <= len(secret) && !quarter; i += 4 {
		quarter = strings.Contains(got, secret[i:i+4])
	}
	if !quarter {
		return ""
	}
	runes := []rune(secret)
	for i := 0; i+8 <= len(runes); i++ {
		if piece := string(runes[i : i+8]); strings.Contains(got, piece) {
			return piece
		}
	}
	return ""
}

// valueOf returns what of a sample is secret: without a label, a scheme or a host.
func valueOf(kind, s string) string {
	switch kind {
	case "password", "pwd", "secret by name", "password in JSON", "secret in JSON":
		s = strings.TrimRight(s, "\"")
		return s[strings.LastIndexAny(s, "= \"")+1:]
	case "nuget", "password in pairs":
		s = strings.TrimRight(s, "\"'}/> ")
		return s[strings.LastIndexAny(s, "'\" ")+1:]
	case "curl -u":
		s = strings.TrimRight(s, "'")
		return s[strings.IndexByte(s, ':')+1:]
	case "sidekiq":
		return s[strings.IndexByte(s, '=')+1:]
	case "elastic, labelled", "bearer", "okta", "authorization, token":
		return s[strings.LastIndexByte(s, ' ')+1:]
	case "azure key, labelled", "gitlab session":
		return s[strings.IndexByte(s, '=')+1:]
	case "teams webhook":
		return s[strings.LastIndex(s, "k/")+2:]
	case "slack webhook":
		return strings.TrimPrefix(s, "https://hooks.slack.com/services/")
	case "url with a password":
		return s[strings.Index(s, "://")+3 : strings.IndexByte(s, '@')]
	}
	return s
}

// B131
func TestNoEightCharactersOfASecretSurvive(t *testing.T) {
	const values = 200
	for kind, shape := range shapes {
		t.Run(kind, func(t *testing.T) {
			re, err := syntax.Parse(shape, syntax.Perl)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(131, uint64(len(kind))))
			for range values {
				text := sample(r, re)
				for _, around := range surroundings {
					s := around(text)
					got := redact.Text(s, 2*len(s)+100)
					if piece := survivor(valueOf(kind, text), got); piece != "" {
						t.Fatalf("%q of %q survives:\n%q\n%q", piece, text, s, got)
					}
				}
			}
		})
	}
}

// Every line of the table, with values of its alphabet from the shortest on. B131
func TestEveryFormIsRemoved(t *testing.T) {
	for _, form := range redact.Forms() {
		t.Run(form.Intro, func(t *testing.T) {
			r := rand.New(rand.NewPCG(131, uint64(len(form.Intro))))
			for range 200 {
				value := make([]byte, form.Min+r.IntN(24))
				for i := range value {
					value[i] = form.Alphabet[r.IntN(len(form.Alphabet))]
				}
				if len(value) > 0 {
					value[r.IntN(len(value))] = '7' // some need a digit
				}
				secret := form.Intro + string(value)
				for _, around := range surroundings {
					s := around(secret)
					if piece := survivor(secret, redact.Text(s, 2*len(s)+100)); piece != "" {
						t.Fatalf("%q of %q survives in %q:\n%q", piece, secret, s, redact.Text(s, 2*len(s)+100))
					}
				}
			}
		})
	}
}

// A private key is removed over all its lines, whatever breaks and joins them, and where it was cut off. B131
func TestNothingOfAPrivateKeySurvives(t *testing.T) {
	r := rand.New(rand.NewPCG(131, 7))
	line, err := syntax.Parse(`[A-Za-z0-9+/]{64}`, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		name := []string{"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"}[r.IntN(5)]
		body := make([]string, 2+r.IntN(6))
		for i := range body {
			body[i] = sample(r, line)
		}
		body[len(body)-1] = body[len(body)-1][:9+r.IntN(50)] + "=="
		begin, last := "-----BEGIN "+name+"-----", "-----END "+name+"-----"
		for _, br := range []string{"\n", "\r\n", " ", `\n`, `\\n`, "\n  ", "\\n\" +\n\"", "=\n"} {
			lines := strings.Join(body, br)
			for _, s := range []string{
				begin + br + lines + br + last,
				`{"key": "` + begin + br + lines + br + last + br + `"}`,
				"the key\n" + begin + br + lines + br + last + "\nis bad",
				begin + br + lines,
				begin + br + lines[:len(lines)-5-r.IntN(20)],
			} {
				got := redact.Text(s, 2*len(s))
				for _, piece := range body {
					if left := survivor(piece, got); left != "" {
						t.Fatalf("%q survives in %q of\n%q", left, got, s)
					}
				}
			}
		}
	}
}
