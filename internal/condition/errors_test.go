package condition_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

const (
	operand  = `a name, a value such as 3000ms, 80% or "text", or an expression in parentheses`
	operator = "an operator (&& || == != < <= > >= in + - * / ?:) or the end"
	names    = "attempt, cache_hit, confidence, cost, data_class, empty, error, error_code, error_kind, finish_reason, labels, latency, priority, tenant, ttft"
	funcs    = "contains, startsWith, endsWith, duration"
	oneType  = `both sides of one type: a duration is written 3000ms, a string "in quotes", a double 0.05`
	literal  = "a duration literal such as 3000ms, 1.5s or 1h30m, in the units ns us ms s m h, of at most 2562047h"
)

// B91
func TestCompileReportsEveryMistake(t *testing.T) {
	tests := []struct {
		name, src string
		want      condition.Errors
	}{
		{"nothing", "", condition.Errors{{0, "the end", operand}}},
		{"missing operand", "error ||", condition.Errors{{8, "the end", operand}}},
		{"missing operator", "error cost", condition.Errors{{6, `"cost"`, operator}}},
		{"missing parenthesis", "error || (latency > 3s", condition.Errors{{22, "the end", `")"`}}},
		{"missing bracket", `error_code in ["429"`, condition.Errors{{20, "the end", "']', ','"}}},
		{"too many parentheses", "error)", condition.Errors{{5, `")"`, operator}}},
		{"two operators", "error || || empty", condition.Errors{{9, `"||"`, operand}}},
		{"strange character", "error # late", condition.Errors{{6, `"#"`, "names, numbers, strings, parentheses and operators"}}},
		{"open string", `tenant == "a`, condition.Errors{{10, "a string with a bad escape or no end", `"text" on one line; in it \" \\ \n \t \u00e9`}}},
		{"reserved word", "while", condition.Errors{{0, `the reserved word "while"`, operand}}},
		{"not UTF-8", "error || tenant == '\xff'", condition.Errors{{20, `the byte "\xff"`, "UTF-8"}}},
		{"too long", "error" + strings.Repeat(" ", condition.MaxSource), condition.Errors{{condition.MaxSource, "517 bytes", "at most 512"}}},
		{"too deep", strings.Repeat("(", 60) + "error" + strings.Repeat(")", 60), condition.Errors{{0, "an expression nested too deeply", "at most 50 levels"}}},
		{"a syntax error hides what follows", "error || || nobody", condition.Errors{{9, `"||"`, operand}}},

		{"words for operators", "error and not empty OR latencey > 3s", condition.Errors{
			{6, `"and"`, "&&"}, {10, `"not"`, "!"}, {20, `"OR"`, "||"},
			{23, `unknown name "latencey" (did you mean latency?)`, names},
		}},
		{"halves of operators", "error & empty | cache_hit = true", condition.Errors{{6, `"&"`, "&&"}, {14, `"|"`, "||"}, {26, `"="`, "=="}}},

		{"unknown name", "nobody", condition.Errors{{0, `unknown name "nobody"`, names}}},
		{"unknown names after shorthands", "latency > 3000ms || lat > 5m || cost > 80% || konfidence > 0.5", condition.Errors{
			{20, `unknown name "lat"`, names},
			{46, `unknown name "konfidence" (did you mean confidence?)`, names},
		}},
		{"characters of several bytes", "tenant == 'é€' || nobody", condition.Errors{{21, `unknown name "nobody"`, names}}},
		{"second line", "error\n|| nobody", condition.Errors{{9, `unknown name "nobody"`, names}}},
		{"unknown function", `tenant.contain("a") || matches(tenant, "a")`, condition.Errors{
			{7, `unknown function "contain" (did you mean contains?)`, funcs},
			{23, `unknown function "matches"`, funcs},
		}},
		{"macros", "[1].exists(i, i > 0)", condition.Errors{
			{4, `unknown function "exists"`, funcs}, {11, `unknown name "i"`, names}, {14, `unknown name "i"`, names},
		}},
		{"modulo", "attempt % 2 == 1", condition.Errors{{8, "the operator %", operator}}},

		{"not a bool", "cost + 1.0", condition.Errors{{0, "an expression of type double", "bool, such as latency > 3s"}}},
		{"number for bool", "cost && error", condition.Errors{{0, "a value of type double", "bool"}}},
		{"number for duration", "error || latency > 5", condition.Errors{{17, "> on (duration, int)", oneType}}},
		{"number for code", "error_code == 429", condition.Errors{{11, "== on (string, int)", oneType}}},
		{"number among codes", `error_code in ["429", 504]`, condition.Errors{{22, "a value of type int", "string"}}},
		{"duration among codes", `error_code in ["429", 1s]`, condition.Errors{{22, "a value of type duration", "string"}}},
		{"list in a list", `[["429", 1], [true, "x"]] == []`, condition.Errors{{9, "a value of type int", "string"}, {20, "a value of type string", "bool"}}},
		{"list of numbers", "error_code in [429]", condition.Errors{{11, "in on (string, list(int))", `value in [list of its type], or "name" in labels`}}},
		{"negated number", "!cost", condition.Errors{{0, "! on (double)", "a bool"}}},
		{"two types from ?:", "error ? 1 : 'x'", condition.Errors{{6, "?: on (bool, int, string)", "bool ? a : b, with a and b of one type"}}},
		{"field of a duration", "latency.seconds > 3", condition.Errors{{7, "a field of type duration", `labels.name or labels["name"]`}}},
		{"several types", "latency > 5 || cost == 'x'", condition.Errors{{8, "> on (duration, int)", oneType}, {20, "== on (double, string)", oneType}}},

		{"unknown unit", "latency > 5min || cost > 'x' || nobody", condition.Errors{
			{10, `"5min"`, "a number, or " + literal}, {32, `unknown name "nobody"`, names},
		}},
		{"unit of a day", "latency > 1d", condition.Errors{{10, `"1d"`, "a number, or " + literal}}},
		{"huge duration", "latency > 99999999h", condition.Errors{{10, `"99999999h"`, literal}}},
		{"duration of no literal", "latency > duration(tenant)", condition.Errors{{18, "duration() of what is not a literal", literal}}},
		{"duration of a number", "latency > duration(3)", condition.Errors{{18, "duration() of what is not a literal", literal}}},
		{"bad duration literal", `latency > duration("3 s")`, condition.Errors{{18, `"3 s"`, literal}}},
		{"arithmetic on durations", "latency + 1s > 3s", condition.Errors{{8, "+ on (duration, duration)", "two ints or two doubles"}}},
		{"a duration in a message", "latency > google.protobuf.Duration{seconds: 3}", condition.Errors{{34, "a map or message", "names, values, lists and operators"}}},
		{"a duration in a map", "{'a': latency}['a'] > 3s", condition.Errors{{0, "a map or message", "names, values, lists and operators"}}},
		{"a duration in a list", "[latency][0] > 3s", condition.Errors{{9, "[] on (list(duration), int)", `labels["name"]`}}},
		{"no answer", "1 / 0 > 2", condition.Errors{{0, "a condition without an answer (division by zero)", "one that is true or false"}}},
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
	want := `condition: at 0: found unknown name "nobody"; allowed: ` + names + "\ncondition: at 10: found ! on (double); allowed: a bool"
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("Error() (-want +got):\n%s", diff)
	}
	var first *condition.Error
	if !errors.As(err, &first) || first.Offset != 0 {
		t.Errorf("errors.As found %v, want the first mistake", first)
	}
}

// What a condition can cost is bounded by its length: it has no loops. These are the longest of their kinds. What they make
// Compile allocate stands for its work, which unlike its time is the same on every machine.
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
