package condition

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"
)

// Comparisons in place have the same result as in CEL.
func TestComparedInPlaceAsByCEL(t *testing.T) {
	values := map[string][]any{ // of Vars
		"latency":    {time.Duration(math.MinInt64), -time.Second, time.Duration(0), time.Second, time.Second + 1, time.Duration(math.MaxInt64)},
		"confidence": {math.NaN(), math.Inf(-1), -0.5, math.Copysign(0, -1), 0.0, 0.5, math.Nextafter(0.5, 1), 1.0, float64(1 << 53), math.Nextafter(1<<53, math.Inf(1)), math.Inf(1)},
	}
	constants := map[string][]string{"latency": {"0s", "1s", "1000ms", `duration("-1s")`}, "confidence": {"0.5", "0.0", "-0.5", "0", "1", "9007199254740993", "50%"}}
	twins := map[string]string{"latency": "ttft", "confidence": "cost"}
	for name, twin := range twins {
		for _, op := range []string{"<", "<=", ">", ">=", "==", "!="} {
			for _, constant := range constants[name] {
				if strings.Trim(constant, "0123456789") == "" && strings.Contains("== !=", op) {
					continue // a double equals no int: that is a mistake
				}
				src := fmt.Sprintf("%s %s %s", name, op, constant)
				for _, src := range []string{src, strings.Replace(src, name, twin, 1), fmt.Sprintf("%s %s %s", constant, op, name)} {
					c, err := Compile(src)
					if err != nil {
						t.Fatalf("%s: %v", src, err)
					}
					for _, value := range values[name] {
						var v Vars
						switch value := value.(type) {
						case time.Duration:
							v.Latency, v.TTFT = value, value
						case float64:
							v.Confidence, v.Cost = value, value
						default:
							t.Fatalf("no value of Vars is a %T", value)
						}
						got, err := c.Eval(&v)
						want := byCEL(t, src, &v)
						if err != nil || got != want {
							t.Errorf("%s with %v: %v, %v; by CEL %v", src, value, got, err, want)
						}
					}
				}
			}
		}
	}
}

// Texts and labels; a missing label is "".
func TestTextsAreComparedInPlaceAsByCEL(t *testing.T) {
	names := []string{"error_code", "finish_reason", "tenant", "priority", "data_class", `labels["tier"]`, "labels.tier", `labels["none"]`}
	for _, name := range names {
		for _, op := range []string{"<", "<=", ">", ">=", "==", "!="} {
			for _, constant := range []string{`"gold"`, `""`, `"é"`, "'go'"} {
				for _, src := range []string{fmt.Sprintf("%s %s %s", name, op, constant), fmt.Sprintf("%s %s %s", constant, op, name)} {
					c, err := Compile(src)
					if err != nil {
						t.Fatalf("%s: %v", src, err)
					}
					for _, value := range []string{"", "go", "gold", "golden", "Gold", "é", "\xff"} {
						for _, labels := range []map[string]string{nil, {"tier": value}} {
							v := Vars{
								ErrorCode: value, ErrorKind: value, FinishReason: value, Tenant: value, Priority: value, DataClass: value, Labels: labels,
							}
							if got, err := c.Eval(&v); err != nil || got != byCEL(t, src, &v) {
								t.Errorf("%s with %q, %v: %v, %v; by CEL it is not", src, value, labels, got, err)
							}
						}
					}
				}
			}
		}
	}
}

// byCEL evaluates src with CEL alone.
func byCEL(t *testing.T, src string, v *Vars) bool {
	t.Helper()
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	checked, _, errs := check(env, expand(src))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	plain, err := env.planner.NewInterpretable(checked)
	if err != nil {
		t.Fatal(err)
	}
	out, err := program{plain}.eval((*activation)(v))
	if err != nil {
		t.Fatal(err)
	}
	return bool(out.(types.Bool))
}

// Comparisons in place do not allocate; see BenchmarkEval.
func TestComparedInPlaceWithoutAllocation(t *testing.T) {
	c, err := Compile("error || latency > 3000ms || cost > 0.05 || ttft >= 1s && confidence < 50% || labels.tier == 'gold' || tenant != ''")
	if err != nil {
		t.Fatal(err)
	}
	v := Vars{Latency: time.Second, Cost: 0.01}
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Eval(&v) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A list of constants is looked up instead of searched: the planner's optimization replaces its node.
func TestListOfConstantsIsLookedUp(t *testing.T) {
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	checked, _, errs := check(env, expand(`error_code in ["429", "503", "504"]`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	searched, err := env.planner.NewInterpretable(checked)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := env.plan(checked)
	if err != nil {
		t.Fatal(err)
	}
	if got := reflect.TypeOf(planned.root); got == reflect.TypeOf(searched) {
		t.Errorf("planned as %v, as without the optimization", got)
	}
}
