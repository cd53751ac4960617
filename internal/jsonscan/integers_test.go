package jsonscan_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

func TestIntegers(t *testing.T) {
	for data, want := range map[string]string{
		`{"a": 100.0, "b": [1e2, 1E+2,-2.50e1]}`:    `{"a": 100, "b": [100, 100,-25]}`,
		`{"a": 100, "b": 100.5, "c": "1e2 \" 1.0"}`: `{"a": 100, "b": 100.5, "c": "1e2 \" 1.0"}`,
		`9223372036854775807.0`:                     `9223372036854775807`,
		`9223372036854775808.0`:                     `9223372036854775808.0`,
		`-0.0`:                                      `0`,
		`1500e-2`:                                   `15`,
		`1501e-2`:                                   `1501e-2`,
		`0.5e1`:                                     `5`,
		`1e99999999999999999999`:                    `1e99999999999999999999`,
		`[1e400,1e-400]`:                            `[1e400,1e-400]`,
		`["an open string 1.0`:                      `["an open string 1.0`,
		`[1e,1.,-,1.0.0]`:                           `[1e,1.,-,1.0.0]`,
		``:                                          ``,
	} {
		if got := string(jsonscan.Integers([]byte(data))); got != want {
			t.Errorf("Integers(%s) = %s, want %s", data, got, want)
		}
	}
}

// Integers does not change values. What is not JSON does not become JSON.
func FuzzIntegers(f *testing.F) {
	for _, seed := range []string{"100.0", "1e2", "-12.50e3", "0.1e1", "1e-1", "-", "1.e5", "00.0", "1e+", `"a`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, number string) {
		got := string(jsonscan.Integers([]byte(number)))
		if json.Valid([]byte(number)) != json.Valid([]byte(got)) {
			t.Fatalf("Integers(%q) = %q: one is JSON, one is not", number, got)
		}
		if got == number || len(number) > 64 {
			return
		}
		var n json.Number
		if json.Unmarshal([]byte(number), &n) != nil {
			return
		}
		was, ok := new(big.Rat).SetString(n.String())
		is, ok2 := new(big.Rat).SetString(strings.TrimSpace(got))
		if ok && (!ok2 || was.Cmp(is) != 0) {
			t.Errorf("Integers(%q) = %q", number, got)
		}
	})
}
