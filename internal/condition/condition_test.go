package condition_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

const usual = "error || latency > 3000ms || cost > 0.05"

func compile(t *testing.T, src string) *condition.Condition {
	t.Helper()
	c, err := condition.Compile(src)
	if err != nil {
		t.Fatalf("Compile(%q): %v", src, err)
	}
	return c
}

// B90
func TestEval(t *testing.T) {
	gold := condition.Vars{Labels: map[string]string{"tier": "gold", "and": "1", "a-b": "x"}}
	tests := []struct {
		src  string
		vars condition.Vars
		want bool
	}{
		{usual, condition.Vars{}, false},
		{usual, condition.Vars{Error: true}, true},
		{usual, condition.Vars{Latency: 3 * time.Second}, false},
		{usual, condition.Vars{Latency: 3*time.Second + 1}, true},
		{usual, condition.Vars{Cost: 0.05}, false},
		{usual, condition.Vars{Cost: 0.051}, true},
		{"error || latency > 1500ms", condition.Vars{Latency: 1600 * time.Millisecond}, true},
		{"cache_hit", condition.Vars{CacheHit: true}, true},
		{"cache_hit", condition.Vars{}, false},
		{"true", condition.Vars{}, true},

		{"confidence < 80%", condition.Vars{Confidence: 0.79}, true},
		{"confidence < 80%", condition.Vars{Confidence: 0.8}, false},
		{"confidence==100%||empty", condition.Vars{Confidence: 1}, true},
		{"confidence < 12.5%", condition.Vars{Confidence: 0.12}, true},
		{"latency >= 5m", condition.Vars{Latency: 5 * time.Minute}, true},
		{"latency >= 1h30m", condition.Vars{Latency: 89 * time.Minute}, false},
		{"latency<1.5s", condition.Vars{Latency: 1499 * time.Millisecond}, true},
		{"latency > .5s", condition.Vars{Latency: time.Second}, true},
		{"ttft > 200µs", condition.Vars{TTFT: time.Millisecond}, true},
		{`latency > duration("2s")`, condition.Vars{Latency: 3 * time.Second}, true},
		{`latency > (priority == "high" ? 1s : 3s)`, condition.Vars{Latency: 2 * time.Second, Priority: "high"}, true},
		{`latency > (priority == "high" ? 1s : 3s)`, condition.Vars{Latency: 2 * time.Second}, false},

		{`tenant == "80% of 5m, and"`, condition.Vars{Tenant: "80% of 5m, and"}, true},
		{`tenant == '\'5m'`, condition.Vars{Tenant: "'5m"}, true},
		{`tenant == """5m "and" or"""`, condition.Vars{Tenant: `5m "and" or`}, true},
		{`tenant == r"5m\"`, condition.Vars{Tenant: `5m\`}, true},
		{"error // and 5m later", condition.Vars{Error: true}, true},
		{"empty // one\n|| error", condition.Vars{Error: true}, true},

		{`error_code in ["429", "504"]`, condition.Vars{ErrorCode: "504"}, true},
		{`error_kind.startsWith("rate") && !empty`, condition.Vars{ErrorKind: "rate_limit"}, true},
		{`finish_reason != "STOP"`, condition.Vars{FinishReason: "MAX_TOKENS"}, true},
		{`data_class.contains("p") || data_class.endsWith("i")`, condition.Vars{DataClass: "pii"}, true},
		{"attempt * 2 - 1 >= 5", condition.Vars{Attempt: 3}, true},
		{"-cost + 1.0 > 0.5", condition.Vars{}, true},
		{"cost > 1", condition.Vars{Cost: 1.5}, true},

		{`labels["tier"] == "gold"`, gold, true},
		{`labels.tier == "gold"`, gold, true},
		{`labels.and == "1"`, gold, true},
		{"labels.`a-b` == 'x'", gold, true},
		{`labels[tenant] == ""`, gold, true},
		{`"tier" in labels && !("plan" in labels)`, gold, true},
		{`labels["plan"] == "" && labels.plan == ""`, gold, true},
		{`labels["plan"] == "x"`, condition.Vars{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			got, err := compile(t, tt.src).Eval(&tt.vars)
			if err != nil || got != tt.want {
				t.Errorf("Eval(%+v) = %t, %v; want %t", tt.vars, got, err, tt.want)
			}
		})
	}
}

// The checker knows every name, and each has a value of its type.
func TestEveryNameCanBeRead(t *testing.T) {
	same := map[string]string{
		"bool": "%s == false", "int": "%s == 0", "double": "%s == 0.0", "duration": "%s == 0s", "string": `%s == ""`,
		"map(string, string)": `%s["none"] == ""`,
	}
	for _, n := range condition.Names() {
		c := compile(t, strings.ReplaceAll(same[n.Type], "%s", n.Name))
		if got, err := c.Eval(&condition.Vars{}); !got || err != nil {
			t.Errorf("%s: %s = %t, %v; want true", n.Name, c, got, err)
		}
		if !c.Uses(n.Name) {
			t.Errorf("%s: Uses(%q) = false", c, n.Name)
		}
	}
}

func TestEvalError(t *testing.T) {
	tests := []struct {
		name, src string
		vars      condition.Vars
	}{
		{"division by zero", "10 / attempt > 1", condition.Vars{}},
		{"overflow", "attempt * 9223372036854775807 > 1", condition.Vars{Attempt: 2}},
		{"null for a duration", "null < latency", condition.Vars{}},
		{"a duration and null", "latency >= null", condition.Vars{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := compile(t, tt.src).Eval(&tt.vars)
			if got || err == nil || !strings.HasPrefix(err.Error(), "condition: ") || strings.Contains(err.Error(), "internal error") {
				t.Errorf("Eval = %t, %v; want false and an error of this package, without a panic", got, err)
			}
		})
	}
}

func TestComparisonWithUnknownPriceIsFalse(t *testing.T) {
	v := condition.Vars{Cost: math.NaN()}
	for _, src := range []string{"cost > 0.05", "cost <= 0.05", "cost > 1", "1 >= cost", "cost == 0.0", usual} {
		if got, err := compile(t, src).Eval(&v); got || err != nil {
			t.Errorf("%s = %t, %v; want false", src, got, err)
		}
	}
}

func TestLatencies(t *testing.T) {
	const s = time.Second
	tests := []struct {
		src  string
		want []time.Duration
	}{
		{usual, []time.Duration{3 * s}},
		{"error", nil},
		{"latency > ttft", nil},
		{"latency > 3s || latency > 1500ms && empty || ttft >= 1500ms", []time.Duration{1500 * time.Millisecond, 3 * s}},
		{"1m < latency", []time.Duration{time.Minute}},
		{`latency > duration("2s") || latency > 2000ms`, []time.Duration{2 * s}},
		{`latency > (priority == "high" ? 1s : 3s)`, []time.Duration{s, 3 * s}},
		{`latency > 0s || latency > duration("-5s")`, nil},
		{"1s < 2s || error", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, compile(t, tt.src).Latencies(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: Latencies (-want +got):\n%s", tt.src, diff)
		}
	}
}

func TestUses(t *testing.T) {
	c := compile(t, `error || labels.cost == "high" || .ttft > 1s`)
	got := map[string]bool{}
	for _, n := range condition.Names() {
		if c.Uses(n.Name) {
			got[n.Name] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{"error": true, "labels": true, "ttft": true}, got); diff != "" {
		t.Errorf("Uses (-want +got):\n%s", diff)
	}
}

func TestConstant(t *testing.T) {
	tests := []struct {
		src       string
		value, ok bool
	}{
		{"true", true, true},
		{"!true", false, true},
		{"1 + 1 == 2 && 80% > 0.7", true, true},
		{"error", false, false},
		{"true || error", false, false},
	}
	for _, tt := range tests {
		if value, ok := compile(t, tt.src).Constant(); value != tt.value || ok != tt.ok {
			t.Errorf("%s: Constant() = %t, %t; want %t, %t", tt.src, value, ok, tt.value, tt.ok)
		}
	}
}

func TestCertainIsWhatTheKnownNamesDecide(t *testing.T) {
	failed, silent := &condition.Vars{Error: true}, &condition.Vars{Latency: 4 * time.Second}
	tests := []struct {
		src        string
		vars       *condition.Vars
		known      []string
		answer, ok bool
	}{
		{"true", failed, nil, true, true},
		{"error", failed, []string{"error"}, true, true},
		{"error", failed, nil, false, false},
		{"cost > 0.05 || error", failed, []string{"error"}, true, true},
		{"cost > 0.05 && error", failed, []string{"error"}, false, false},
		{"cost > 0.05 && !error", failed, []string{"error"}, false, true},
		{`error_code == ""`, failed, []string{"error"}, false, false},
		{`labels.plan == "free" ? error : true`, failed, []string{"error"}, false, false}, // it does not try both
		{`error ? true : tenant == "a"`, failed, []string{"error"}, true, true},
		{usual, silent, []string{"error", "latency"}, true, true},
		{"latency > 5s || cost > 0.05", silent, []string{"error", "latency"}, false, false},
		{"latency > 5s", silent, []string{"error", "latency"}, false, true},
		{"labels.plan == \"free\" && error", failed, []string{"cost"}, false, false},
		{"error_code in [\"429\"]", failed, []string{"error"}, false, false},
		{"error_code in []", failed, []string{"error"}, false, true},
		{"attempt / attempt == 1", failed, []string{"attempt"}, false, false}, // no answer
	}
	for _, tt := range tests {
		if answer, ok := compile(t, tt.src).Certain(tt.vars, tt.known...); answer != tt.answer || ok != tt.ok {
			t.Errorf("%s: Certain(%v) = %t, %t; want %t, %t", tt.src, tt.known, answer, ok, tt.answer, tt.ok)
		}
	}
}

func TestStringIsTheSource(t *testing.T) {
	if got := compile(t, usual).String(); got != usual {
		t.Errorf("String() = %q, want %q", got, usual)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := compile(t, usual)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 500 {
				v := condition.Vars{Latency: time.Duration(i) * time.Second}
				if got, err := c.Eval(&v); got != (i > 3) || err != nil {
					t.Errorf("Eval at %v = %t, %v", v.Latency, got, err)
				}
			}
			if _, err := condition.Compile(usual); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	for _, src := range []string{usual, "", "true", `tenant == "é" || latency > 5min and cost = 1`, "labels['x'].contains(r'\\')",
		"error ? latency : ttft > 1h30m", "`a` {a:1} [1s, 80%, 1e3, 0xff, .5s]", "x.y(z)\n// c\n\xff", "((((((", `"""`, "1/0 > 2"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		c, err := condition.Compile(src)
		if err != nil {
			var errs condition.Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("Compile(%q): %T %v, want Errors", src, err, err)
			}
			last := 0
			for _, e := range errs {
				if e.Offset < last || e.Offset > len(src) || e.Message == "" {
					t.Errorf("Compile(%q): %#v", src, e)
				}
				last = e.Offset
			}
			return
		}
		if _, err := c.Eval(&condition.Vars{}); err != nil && !strings.HasPrefix(err.Error(), "condition: ") {
			t.Errorf("%q: Eval: %v", src, err)
		}
		last := time.Duration(0)
		for _, d := range c.Latencies() {
			if d <= last {
				t.Errorf("%q: Latencies() = %v", src, c.Latencies())
			}
			last = d
		}
	})
}
