package condition_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/kinds"
)

var allKinds = "; the kinds are " + strings.Join(kinds.All(), ", ")

const (
	names    = "; the names are attempt, cache_hit, confidence, cost, data_class, empty, error, error_code, error_kind, finish_reason, labels, latency, priority, tenant, ttft"
	funcs    = "; the functions are contains, startsWith, endsWith, duration"
	operand  = `; expected a name, a value such as 3000ms, 80% or "text", or an expression in parentheses`
	operator = "; expected an operator (&& || == != < <= > >= in + - * / ?:) or the end"
	literal  = "a duration literal such as 3000ms, 1.5s or 1h30m, in the units ns us ms s m h, of at most 2562047h"
	oneType  = `; it takes both sides of one type: a duration is written 3000ms, a string "in quotes", a double 0.05`
)

// B91
func TestCompileReportsEveryMistake(t *testing.T) {
	tests := []struct {
		name, src string
		want      condition.Errors
	}{
		{"nothing", "", condition.Errors{{0, "unexpected end" + operand}}},
		{"missing operand", "error ||", condition.Errors{{8, "unexpected end" + operand}}},
		{"missing operator", "error cost", condition.Errors{{6, `unexpected "cost"` + operator}}},
		{"missing parenthesis", "error || (latency > 3s", condition.Errors{{22, `unexpected end; expected ")"`}}},
		{"missing bracket", `error_code in ["429"`, condition.Errors{{20, "unexpected end; expected ']', ','"}}},
		{"too many parentheses", "error)", condition.Errors{{5, `unexpected ")"` + operator}}},
		{"two operators", "error || || empty", condition.Errors{{9, `unexpected "||"` + operand}}},
		{"strange character", "error # late", condition.Errors{{6, `unexpected "#"; a condition has names, numbers, strings, parentheses and operators`}}},
		{"open string", `tenant == "a`, condition.Errors{{10, `string has a bad escape or no end; write "text" on one line, with the escapes \" \\ \n \t \u00e9`}}},
		{"reserved word", "while", condition.Errors{{0, `unexpected reserved word "while"` + operand}}},
		{"not UTF-8", "error || tenant == '\xff'", condition.Errors{{20, `byte "\xff" is not UTF-8`}}},
		{"too long", "error" + strings.Repeat(" ", condition.MaxSource), condition.Errors{{condition.MaxSource, "condition has 517 bytes; it must have at most 512"}}},
		{"too deep", strings.Repeat("(", 60) + "error" + strings.Repeat(")", 60), condition.Errors{{0, "condition is nested too deeply; it may have at most 50 levels"}}},
		{"a syntax error hides what follows", "error || || nobody", condition.Errors{{9, `unexpected "||"` + operand}}},
		{"words for operators", "error and not empty OR latencey > 3s", condition.Errors{{6, `unexpected "and"; expected "&&"`}, {10, `unexpected "not"; expected "!"`}, {20, `unexpected "OR"; expected "||"`}, {23, `unknown name "latencey" (did you mean latency?)` + names}}},
		{"halves of operators", "error & empty | cache_hit = true", condition.Errors{{6, `unexpected "&"; expected "&&"`}, {14, `unexpected "|"; expected "||"`}, {26, `unexpected "="; expected "=="`}}},
		{"unknown name", "nobody", condition.Errors{{0, `unknown name "nobody"` + names}}},
		{"unknown names after shorthands", "latency > 3000ms || lat > 5m || cost > 80% || konfidence > 0.5", condition.Errors{{20, `unknown name "lat"` + names}, {46, `unknown name "konfidence" (did you mean confidence?)` + names}}},
		{"characters of several bytes", "tenant == 'é€' || nobody", condition.Errors{{21, `unknown name "nobody"` + names}}},
		{"second line", "error\n|| nobody", condition.Errors{{9, `unknown name "nobody"` + names}}},
		{"unknown function", `tenant.contain("a") || matches(tenant, "a")`, condition.Errors{{7, `unknown function "contain" (did you mean contains?)` + funcs}, {23, `unknown function "matches"` + funcs}}},
		{"macros", "[1].exists(i, i > 0)", condition.Errors{{4, `unknown function "exists"` + funcs}, {11, `unknown name "i"` + names}, {14, `unknown name "i"` + names}}},
		{"modulo", "attempt % 2 == 1", condition.Errors{{8, "unexpected operator %" + operator}}},
		{"unknown kind", `error_kind == "rate_limited"`, condition.Errors{{14, `unknown kind "rate_limited" (did you mean rate_limit?)` + allKinds}}},
		{"unknown kinds", `"timout" != error_kind || error_kind in ["quota", "", "net"]`, condition.Errors{{0, `unknown kind "timout" (did you mean timeout?)` + allKinds}, {54, `unknown kind "net"` + allKinds}}},
		{"unknown kinds in ?:", `error_kind == (error ? "tmeout" : "server")`, condition.Errors{{23, `unknown kind "tmeout" (did you mean timeout?)` + allKinds}}},
		{"part of no kind", `error_kind.startsWith("tmeo") || error_kind.contains("out") || error_kind.endsWith("ed")`, condition.Errors{{22, `no kind starts with "tmeo"` + allKinds}}},
		{"parts of no kind", `error_kind.contains("uot ") || error_kind.endsWith("rate")`, condition.Errors{{20, `no kind contains "uot "` + allKinds}, {51, `no kind ends with "rate"` + allKinds}}},
		{"not a bool", "cost + 1.0", condition.Errors{{0, "condition is of type double; it must be a bool, such as latency > 3s"}}},
		{"number for bool", "cost && error", condition.Errors{{0, "value is of type double; it must be of type bool"}}},
		{"number for duration", "error || latency > 5", condition.Errors{{17, "> does not take (duration, int)" + oneType}}},
		{"number for code", "error_code == 429", condition.Errors{{11, "== does not take (string, int)" + oneType}}},
		{"number among codes", `error_code in ["429", 504]`, condition.Errors{{22, "value is of type int, but the list begins with a string; use one type"}}},
		{"duration among codes", `error_code in ["429", 1s]`, condition.Errors{{22, "value is of type duration, but the list begins with a string; use one type"}}},
		{"list in a list", `[["429", 1], [true, "x"]] == []`, condition.Errors{{9, "value is of type int, but the list begins with a string; use one type"}, {20, "value is of type string, but the list begins with a bool; use one type"}}},
		{"list of numbers", "error_code in [429]", condition.Errors{{11, `in does not take (string, list(int)); it takes value in [list of its type], or "name" in labels`}}},
		{"negated number", "!cost", condition.Errors{{0, "! does not take (double); it takes a bool"}}},
		{"two types from ?:", "error ? 1 : 'x'", condition.Errors{{6, "?: does not take (bool, int, string); it takes bool ? a : b, with a and b of one type"}}},
		{"field of a duration", "latency.seconds > 3", condition.Errors{{7, `duration has no fields; only labels has: labels.name or labels["name"]`}}},
		{"several types", "latency > 5 || cost == 'x'", condition.Errors{{8, "> does not take (duration, int)" + oneType}, {20, "== does not take (double, string)" + oneType}}},
		{"unknown unit", "latency > 5min || cost > 'x' || nobody", condition.Errors{{10, `unexpected "5min"; expected a number, or ` + literal}, {32, `unknown name "nobody"` + names}}},
		{"unit of a day", "latency > 1d", condition.Errors{{10, `unexpected "1d"; expected a number, or ` + literal}}},
		{"huge duration", "latency > 99999999h", condition.Errors{{10, `unexpected "99999999h"; expected ` + literal}}},
		{"duration of no literal", "latency > duration(tenant)", condition.Errors{{18, "unexpected argument of duration(); expected " + literal}}},
		{"duration of a number", "latency > duration(3)", condition.Errors{{18, "unexpected argument of duration(); expected " + literal}}},
		{"bad duration literal", `latency > duration("3 s")`, condition.Errors{{18, `unexpected "3 s"; expected ` + literal}}},
		{"arithmetic on durations", "latency + 1s > 3s", condition.Errors{{8, "+ does not take (duration, duration); it takes two ints or two doubles"}}},
		{"a duration in a message", "latency > google.protobuf.Duration{seconds: 3}", condition.Errors{{34, "maps and messages are not supported; use names, values, lists and operators"}}},
		{"a duration in a map", "{'a': latency}['a'] > 3s", condition.Errors{{0, "maps and messages are not supported; use names, values, lists and operators"}}},
		{"a duration in a list", "[latency][0] > 3s", condition.Errors{{9, `[] does not take (list(duration), int); it takes labels["name"]`}}},
		{"no answer", "1 / 0 > 2", condition.Errors{{0, "condition is neither true nor false: division by zero"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := condition.Compile(tt.src)
			var got condition.Errors
			if !errors.As(err, &got) {
				t.Fatalf("Compile: %v; want Errors", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Compile(%q) (-want +got):\n%s", tt.src, diff)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	_, err := condition.Compile("nobody && !cost")
	want := `condition: at 0: unknown name "nobody"` + names + "\ncondition: at 10: ! does not take (double); it takes a bool"
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("Error() (-want +got):\n%s", diff)
	}
	var first *condition.Error
	if !errors.As(err, &first) || first.Offset != 0 {
		t.Errorf("errors.As found %v, want the first mistake", first)
	}
}

// The length of a condition bounds its cost, because there are no loops. These are the longest of their kinds. The
// allocations of Compile stand for its work, because they are the same on every machine.
func TestHostileConditionsAreLittleWork(t *testing.T) {
	compile(t, "error") // builds the environment
	for _, part := range []string{"(", "[", "{a:", "!", "-", "a.", "a?", "a+", "a<", "a(", "a[", "x ", "1s ", "\"", "`", "\x00", "zz||", "'a'=='b'||", "(a)||(", "a ? a : ", "x==1||", "1==1||", "1 in [1]||", "= ", "||5min>1"} {
		src := strings.Repeat(part, (condition.MaxSource-len("true"))/len(part)) + "true"
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := condition.Compile(src)
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 4<<20 {
			t.Errorf("%.10q…: %d bytes allocated, error %v", src, bytes, err)
		}
	}
}
