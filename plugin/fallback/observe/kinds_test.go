package observe_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
)

// B140: what each kind of attempt counts as.
func TestMetricsOfAnAttempt(t *testing.T) {
	lost := string(stream.KindHedgeLost)
	for name, c := range map[string]struct {
		attempt call.Attempt
		want    map[string]float64
	}{
		"skipped": {
			call.Attempt{Outcome: call.Skipped, Kind: "refused", Wait: time.Second, Duration: time.Second, InputTokens: 9, Hedge: true},
			map[string]float64{"fallback.attempts{kind=refused outcome=skipped target=a}": 1},
		},
		"lost": {
			call.Attempt{Outcome: call.Failed, Kind: lost, Hedge: true},
			map[string]float64{"fallback.attempts{kind=hedge_lost outcome=failed target=a}": 1, "fallback.hedges{result=lost target=a}": 1},
		},
		"lost by the first of a hedge": {
			call.Attempt{Outcome: call.Failed, Kind: lost},
			map[string]float64{"fallback.attempts{kind=hedge_lost outcome=failed target=a}": 1},
		},
		"failed beside a slow one": {
			call.Attempt{Outcome: call.Failed, Kind: "timeout", Hedge: true},
			map[string]float64{"fallback.attempts{kind=timeout outcome=failed target=a}": 1, "fallback.hedges{result=failed target=a}": 1},
		},
		"tokens": {
			call.Attempt{Outcome: call.OK, InputTokens: 9, OutputTokens: 8, CachedTokens: 7, CachedTokensLost: 6},
			map[string]float64{
				"fallback.attempts{outcome=ok target=a}": 1, "fallback.tokens{target=a type=input}": 9, "fallback.tokens{target=a type=output}": 8,
				"fallback.tokens{target=a type=cached}": 7, "fallback.tokens{target=a type=cached_lost}": 6,
			},
		},
	} {
		meter, metrics := newMeter(t)
		c.attempt.Model = "a"
		observe.MustNew(meter, nil).Hooks().OnAttempt(t.Context(), c.attempt)
		if diff := cmp.Diff(c.want, metrics()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// B140: the kind of a fallback is that of its latest failure that tells something of a
// target; that of a skipped one counts if none failed.
func TestKindOfAFallback(t *testing.T) {
	failed := func(kind string) call.Attempt { return call.Attempt{Outcome: call.Failed, Kind: kind} }
	skipped := call.Attempt{Outcome: call.Skipped, Kind: string(stream.KindRefused)}
	for want, attempts := range map[string][]call.Attempt{
		" kind=quota":   {failed("timeout"), failed("quota"), failed(string(stream.KindHedgeLost)), failed(string(stream.KindPreview)), skipped},
		" kind=refused": {skipped, {Outcome: call.OK}},
		"":              {{Outcome: call.OK}},
	} {
		meter, metrics := newMeter(t)
		observe.MustNew(meter, nil).Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK, Metadata: call.Metadata{
			Triggered: true, OriginalModel: "a", FallbackModel: "b", ModelName: "b", Attempts: attempts,
		}})
		if series := "fallback.fallbacks{from=a" + want + " to=b}"; metrics()[series] != 1 {
			t.Errorf("there is no %s in %v", series, metrics())
		}
	}
}

// B140: a call that fails after a fallback was not answered by one.
func TestMetricsOfACall(t *testing.T) {
	for outcome, fallback := range map[call.Outcome]string{call.OK: "true", call.Failed: "false"} {
		meter, metrics := newMeter(t)
		observe.MustNew(meter, nil).Hooks().OnEnd(t.Context(), call.Result{Outcome: outcome, Duration: 2 * time.Second, FirstContent: time.Second, Metadata: call.Metadata{
			Triggered: true, OriginalModel: "a", FallbackModel: "b", ModelName: "b", Degraded: "c", CacheStatus: "stale", ExperimentID: "e", Cohort: "new",
		}})
		got := metrics()
		for series, want := range map[string]float64{
			"fallback.calls{deferred=false degraded=c fallback=" + fallback + " model=b outcome=" + string(outcome) + "}": 1,
			"fallback.call.duration{fallback=" + fallback + " outcome=" + string(outcome) + "}":                           2,
			"fallback.call.first_content{fallback=" + fallback + " outcome=" + string(outcome) + "}":                      1,
			"fallback.cache.calls{status=stale}": 1,
			"fallback.experiment.calls{cohort=new experiment=e fallback=" + fallback + " outcome=" + string(outcome) + "}": 1,
		} {
			if got[series] != want {
				t.Errorf("%s is %v, want %v; have %v", series, got[series], want, got)
			}
		}
	}
}

// B140: calls of deferred jobs, which nobody waits for, are apart.
func TestMetricsOfDeferredCalls(t *testing.T) {
	meter, metrics := newMeter(t)
	hooks := observe.MustNew(meter, nil).Hooks()
	hooks.OnEnd(caller.Deferred(t.Context()), call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: "a"}})
	const series = "fallback.calls{deferred=true fallback=false model=a outcome=ok}"
	if got := metrics(); got[series] != 1 {
		t.Errorf("there is no %s in %v", series, got)
	}
}
