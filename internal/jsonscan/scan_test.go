package jsonscan_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

// Unquote reads strings as package json does.
func TestUnquote(t *testing.T) {
	for _, value := range []string{
		`""`, `"abc"`, `"a\"b\\c\/d\b\f\n\r\t"`, `"Gr\u00fc\u00DFe"`, `"\ud83d\ude0a!"`, `"\ud83d"`, `"\ud83d\n"`, `"\ud83dx\ude0a"`, `"\ude0a\ud83d"`, `"\ud83d\ud83d\ude0a"`,
		"\"a\xffb\"", "\"\\n\xff\"", `"\u0000"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\`, `"`, `x`, `""x"`,
	} {
		var want string
		err := json.Unmarshal([]byte(value), &want)
		got, ok := jsonscan.Unquote([]byte(value))
		if err != nil && ok && value != `""x"` || err == nil && (!ok || got != want) {
			t.Errorf("%s: got %q, %v; want %q, %v", value, got, ok, want, err)
		}
	}
}

func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{`a`, `\n\"\\`, `\ud83d\ude0a`, `\ud83d\u0041`, "\xf0\\u00e9", "\xf0\xf0", "\xf0\xf0\\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		value := []byte(`"` + inner + `"`)
		got, ok := jsonscan.Unquote(value)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		var want string
		if json.Unmarshal(value, &want) == nil && (!ok || got != want) {
			t.Fatalf("got %q, %v; want %q", got, ok, want)
		}
	})
}
