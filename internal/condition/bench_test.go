package condition_test

import (
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// A usual condition may take 300 ns and 4 allocations when every term is evaluated.
func BenchmarkEval(b *testing.B) {
	for _, bb := range []struct{ name, src string }{
		{"usual", usual},
		{"error", "error"},
		{"labels", `labels["tier"] == "gold"`},
		{"codes", `error_code in ["429", "503", "504"]`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c, err := condition.Compile(bb.src)
			if err != nil {
				b.Fatal(err)
			}
			v := condition.Vars{Latency: time.Second, Cost: 0.01, ErrorCode: "500", Labels: map[string]string{"tier": "free"}}
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := c.Eval(&v); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	long := strings.Repeat("error_code == '429' || ", 20) + "error"
	for name, src := range map[string]string{"usual": usual, "long": long} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := condition.Compile(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Goroutines that evaluate a condition share only the read-only program.
func BenchmarkEvalParallel(b *testing.B) {
	c, err := condition.Compile(usual)
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		v := condition.Vars{Latency: time.Second}
		for pb.Next() {
			_, _ = c.Eval(&v)
		}
	})
}

func TestEvalAllocations(t *testing.T) {
	c := compile(t, usual)
	v := condition.Vars{Latency: time.Second, Cost: 0.01}
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Eval(&v) }); n > 4 {
		t.Errorf("Eval of the usual condition: %v allocations, want at most 4", n)
	}
}
