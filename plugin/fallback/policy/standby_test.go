package policy_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// said returns the last text of each request to m so far.
func said(m *llmtest.Model) (texts []string) {
	for _, req := range m.Requests() {
		texts = append(texts, llmtest.TextOf(req.Contents[len(req.Contents)-1]))
	}
	return texts
}

const ping = "Reply with OK."

// B72: with probe, the breaker tries the model by itself, with a request of its own that no
// tenant pays for; calls are refused until it has closed.
func TestProbe(t *testing.T) {
	fails := llmtest.Fail(llmtest.ErrUnavailable)
	dear := using("OK", 1_000_000) // a dollar
	for _, test := range []struct {
		name, breaker string
		a             []llmtest.Step
		want          []string // requests to a, until it answers again
		answers       int      // the first call after the backoff that a answers, from 0; -1 for none
	}{
		{"by a call", "", []llmtest.Step{fails, llmtest.Text("a")}, []string{"hello", "hello", "hello", "hello"}, 0},
		{"by itself", "probe: true", []llmtest.Step{fails, llmtest.Text("OK"), llmtest.Text("a")}, []string{"hello", ping, "hello", "hello"}, 1},
		{"twice", "probe: true, successes_to_close: 2", []llmtest.Step{fails, dear, dear, llmtest.Text("a")}, []string{"hello", ping, ping, "hello", "hello"}, 1},
		{"too slow", "probe: true, probe_timeout: 1s", []llmtest.Step{fails, silent}, []string{"hello", ping}, -1},
	} {
		for _, streamed := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, " ", streamed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := llmtest.NewModel("a", test.a...)
					keys := strings.TrimSuffix("failure_threshold: 1, backoff: 10s, "+test.breaker, ", ")
					m := build(t, "primary: a\nfallbacks: [{name: b}]\ncompliance: {rules: [{data_classes: [pii], targets: [a, b]}]}\ncircuit_breaker: {"+keys+"}\nbudgets: {usd_per_day: 0.50}"+priced, models(a, llmtest.NewModel("b", llmtest.Text("b"))))
					ctx := call.With(t.Context(), call.Info{DataClass: "pii"})
					ask(ctx, m, streamed)
					time.Sleep(11 * time.Second)
					first := -1
					for i := range 3 {
						r := ask(ctx, m, streamed)
						if r.err != nil {
							t.Fatal(r.err)
						}
						if r.text == "a" && first < 0 {
							first = i
						}
						time.Sleep(time.Second)
					}
					if first != test.answers {
						t.Errorf("a answers call %d after the backoff, want %d", first, test.answers)
					}
					if got := said(a); !slices.Equal(got, test.want) {
						t.Errorf("requests to a: %q, want %q", got, test.want)
					}
				})
			})
		}
	}
}

// The breaker's state, and that it probes by itself, survive a reload.
func TestProbeAfterAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\nfallbacks: [{name: b}]\ncircuit_breaker: {failure_threshold: 1, backoff: 10s, probe: true}\n"
		a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("OK"), llmtest.Text("a"))
		l := live(t, text, models(a, llmtest.NewModel("b", llmtest.Text("b"))))
		ask(t.Context(), l.Model(), false)
		if err := l.Replace(t.Context(), parsed(t, text+"notice: {text: another answers}\nmodels: {a: {tier: t}, b: {tier: t}}")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second)
		ask(t.Context(), l.Model(), false) // still open
		time.Sleep(2 * time.Second)
		ask(t.Context(), l.Model(), false) // starts the probe
		synctest.Wait()
		if r := ask(t.Context(), l.Model(), false); r.text != "a" {
			t.Errorf("%q (%v) answers after the probe, want a", r.text, r.err)
		}
		if got, want := said(a), []string{"hello", ping, "hello"}; !slices.Equal(got, want) {
			t.Errorf("requests to a: %q, want %q", got, want)
		}
	})
}

// warm_standby sends small requests to the fallbacks that calls do not reach, and to no
// other model.
func TestWarmStandby(t *testing.T) {
	for _, test := range []struct {
		name, keys string
		want       map[string]int // small requests by model, in calls at 0, 10, 20 … 120 seconds
	}{
		{"those that are named", "warm_standby: {models: [b, 'd*'], interval: 30s}", map[string]int{"b": 5, "d": 5}},
		{"none of an application's, unless named", "warm_standby: {interval: 30s}", nil},
		{"another interval", "warm_standby: {models: [b], interval: 1m}", map[string]int{"b": 3}},
		{"no last resort", "warm_standby: {models: ['*'], interval: 1m}", map[string]int{"b": 3, "c": 3, "d": 3}},
		{"a flag that is off for all", "warm_standby: {models: [b, c], interval: 1m}\nflags: {f: {targets: [b], default: false}}", map[string]int{"c": 3}},
		{"a flag that is on for some", "warm_standby: {models: [b], interval: 1m}\nflags: {f: {targets: [b], rollout: 0.01%}}", map[string]int{"b": 3}},
		{"a rule for some data", "warm_standby: {models: [b], interval: 1m}\ncompliance: {rules: [{data_classes: [pii], targets: [a]}]}", map[string]int{"b": 3}},
		{"a rule for all data", "warm_standby: {models: [b, c], interval: 1m}\ncompliance: {rules: [{targets: [a, c]}]}", map[string]int{"c": 3}},
		{"the target of a hedge", "warm_standby: {models: [b], interval: 1m}\nhedge: {target: b, delay: 1m}", map[string]int{"b": 3}},
		{"an arm with a share", "warm_standby: {models: [b, e], interval: 1m}\nexperiments: {x: {target: b, arms: [{model: b, share: 50%}, {model: e, share: 50%}]}}", map[string]int{"b": 3, "e": 3}},
		{"no arm without a share", "warm_standby: {models: [b, e], interval: 1m}\nexperiments: {x: {target: b, arms: [{model: b, share: 100%}, {model: e, share: 0%}]}}", map[string]int{"b": 3}},
		{"the other arm of a share that moves", "warm_standby: {models: [b, e], interval: 1m}\nexperiments: {x: {target: b, arms: [{model: b, share: 100%}, {model: e, share: 0%}], adaptive: {}}}", map[string]int{"b": 3, "e": 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given, all := policy.Models{}, map[string]*llmtest.Model{}
				for _, name := range []string{"a", "b", "c", "d", "e"} {
					all[name] = llmtest.NewModel(name, using(name, 1_000_000))
					given[name] = all[name]
				}
				// A budget that a single small request would use up; rules for answers that it does not meet.
				text := "primary: a\nfallbacks: [{name: b}, {name: c}, {name: d}, {name: template-response}]\nbudgets: {usd_per_day: 0.01}\nretry: {max_attempts: 3}\nvalidate: {function: f}\n" +
					"models: {'*': {price: {input: 0, output: 1}}, a: {price: {input: 0, output: 0}}, e: {price: {input: 0, output: 0}}}\n" + test.keys
				judged := map[string]bool{}
				l := live(t, text, given, policy.Validators{"f": func(_ context.Context, req *model.LLMRequest, _ *model.LLMResponse) error {
					judged[llmtest.TextOf(req.Contents[0])] = true
					return nil
				}})
				for range 13 {
					if r := ask(t.Context(), l.Model(), false); r.text != "a" {
						t.Fatalf("%q (%v), want a", r.text, r.err)
					}
					time.Sleep(10 * time.Second)
				}
				for name, m := range all {
					got := said(m)
					if name == "a" {
						if len(got) != 13 || slices.Contains(got, ping) {
							t.Errorf("requests to the primary: %q, want the 13 calls", got)
						}
						continue
					}
					if n := len(got); n != test.want[name] || slices.Contains(got, "hello") {
						t.Errorf("requests to %s: %q, want %d small ones", name, got, test.want[name])
					}
				}
				if judged[ping] || !judged["hello"] {
					t.Errorf("judged: %v, want the calls alone", judged)
				}
			})
		})
	}
}

// A fallback that does not answer is known to its breaker before a call needs it, and is
// logged without what it said.
func TestWarmStandbyTellsTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a := llmtest.NewModel("a", llmtest.Text("a"), llmtest.Text("a"), llmtest.Text("a"), llmtest.Fail(llmtest.ErrUnavailable))
		b := llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable))
		m := build(t, "primary: a\nfallbacks: [{name: b}, {name: c}]\nwarm_standby: {models: [b], interval: 1s}\ncircuit_breaker: {failure_threshold: 2, backoff: 1h}",
			models(a, b, llmtest.NewModel("c", llmtest.Text("c"))), policy.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		var last result
		for range 4 {
			last = ask(t.Context(), m, true)
			time.Sleep(2 * time.Second)
		}
		if got := said(b); last.text != "c" || !slices.Equal(got, []string{ping, ping}) {
			t.Errorf("%q answers (%v), requests to b: %q; want c, because b's breaker is open after two small requests", last.text, last.err, got)
		}
		if text := log.String(); strings.Count(text, "did not answer a small request") != 2 || strings.Contains(text, "overloaded.") {
			t.Errorf("log: %s", text)
		}
	})
}

// After a reload there is one small request per interval again, and nothing runs on: the
// bubble of this test ends only if every goroutine has.
func TestWarmStandbyAndReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\nfallbacks: [{name: b}, {name: c}]\nwarm_standby: {models: [%s], interval: 1m, timeout: 5s}\n"
		took := make(chan time.Duration, 1)
		b := llmtest.NewModel("b", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			started := time.Now()
			silent(ctx, req, stream, yield)
			took <- time.Since(started)
		}, llmtest.Text("OK"))
		c := llmtest.NewModel("c", llmtest.Text("OK"))
		l := live(t, fmt.Sprintf(text, "b"), models(llmtest.NewModel("a", llmtest.Text("a")), b, c))
		ask(t.Context(), l.Model(), false) // b hangs
		if err := l.Replace(t.Context(), parsed(t, fmt.Sprintf(text, "c"))); err != nil {
			t.Fatal(err)
		}
		for range 12 {
			ask(t.Context(), l.Model(), false)
			time.Sleep(10 * time.Second)
		}
		if nb, nc := len(b.Asked()), len(c.Asked()); nb != 1 || nc != 2 {
			t.Errorf("%d small requests to b and %d to c, want 1 before the reload and 2 after it", nb, nc)
		}
		if d := <-took; d != 5*time.Second {
			t.Errorf("the small request that hangs took %v, want its timeout of 5s", d)
		}
		if err := l.Replace(t.Context(), parsed(t, "primary: a\nfallbacks: [{name: b}, {name: c}]")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		ask(t.Context(), l.Model(), false)
		if nb, nc := len(b.Asked()), len(c.Asked()); nb != 1 || nc != 2 {
			t.Errorf("%d small requests to b and %d to c, want no more without the section", nb, nc)
		}
	})
}
