package observe_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
)

func TestOverhead(t *testing.T) {
	failed := call.Attempt{Outcome: call.Failed, Wait: time.Second, Duration: 2 * time.Second}
	answered := call.Attempt{Outcome: call.OK, Duration: 4 * time.Second}
	for name, c := range map[string]struct {
		change func(*call.Result)
		want   float64 // s; 0 for no overhead
	}{
		"a call":                    {func(*call.Result) {}, 3},
		"a failed call":             {func(r *call.Result) { r.Outcome = call.Failed }, 3},
		"a cancelled call":          {func(r *call.Result) { r.Outcome = call.Cancelled }, 0},
		"a hedge":                   {func(r *call.Result) { r.Attempts[1].Hedge = true }, 0},
		"a preview":                 {func(r *call.Result) { r.Attempts[0].Kind = string(stream.KindPreview) }, 0},
		"attempts that are dropped": {func(r *call.Result) { r.AttemptsDropped = 1 }, 0},
		"a result of the plugin":    {func(r *call.Result) { r.Duration = 7 * time.Second }, 0},
	} {
		meter, metrics := newMeter(t)
		r := call.Result{Outcome: call.OK, Duration: 10 * time.Second, Metadata: call.Metadata{Attempts: []call.Attempt{failed, answered}}}
		c.change(&r)
		observe.MustNew(meter, nil).Hooks().OnEnd(t.Context(), r)
		got, ok := metrics()["fallback.call.overhead{}"]
		if got != c.want || ok != (c.want > 0) {
			t.Errorf("%s: the overhead is %v s (present: %v), want %v", name, got, ok, c.want)
		}
	}
}
