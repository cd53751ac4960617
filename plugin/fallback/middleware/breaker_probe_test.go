package middleware_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

const probeText = "are you there?"

func probeRequest() *model.LLMRequest {
	return &model.LLMRequest{Contents: genai.Text(probeText)}
}

// kinds returns, for each request that a model has got, "probe", "forced" or "call".
func kinds(m *llmtest.Model) (all []string) {
	for _, req := range m.Requests() {
		kind := "call"
		switch {
		case len(req.Contents) == 0:
			kind = "forced"
		case llmtest.TextOf(req.Contents[0]) == probeText:
			kind = "probe"
		}
		all = append(all, kind)
	}
	return all
}

// states collects the states that a breaker enters.
type states struct {
	mu  sync.Mutex
	all []middleware.BreakerState
}

func (s *states) note(_ string, _, to middleware.BreakerState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, to)
}

const (
	closed   = middleware.BreakerClosed
	open     = middleware.BreakerOpen
	halfOpen = middleware.BreakerHalfOpen
)

// B72
func TestSuccessesToClose(t *testing.T) {
	ok, bad := llmtest.Text("ok"), llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"})
	for _, test := range []struct {
		name   string
		needed int
		probes []llmtest.Step
		want   []middleware.BreakerState
	}{
		{"one by default", 0, []llmtest.Step{ok}, []middleware.BreakerState{open, halfOpen, closed}},
		{"one", 1, []llmtest.Step{ok}, []middleware.BreakerState{open, halfOpen, closed}},
		{"three", 3, []llmtest.Step{ok, ok, ok}, []middleware.BreakerState{open, halfOpen, closed}},
		{"too few", 3, []llmtest.Step{ok, ok}, []middleware.BreakerState{open, halfOpen}},
		{"a failure among them", 3, []llmtest.Step{ok, ok, down}, []middleware.BreakerState{open, halfOpen, open}},
		{"one that does not count among them", 3, []llmtest.Step{ok, bad, ok, bad, ok}, []middleware.BreakerState{open, halfOpen, closed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told states
				flash := llmtest.NewModel("flash", append([]llmtest.Step{down}, test.probes...)...)
				m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, SuccessesToClose: test.needed, OnStateChange: told.note})(flash)
				calls(t, m, flash, 1)
				time.Sleep(middleware.DefaultOpenFor)
				if got := calls(t, m, flash, len(test.probes)); got != len(test.probes) {
					t.Errorf("%d of %d calls passed as probes, want all", got, len(test.probes))
				}
				if diff := cmp.Diff(test.want, told.all); diff != "" {
					t.Errorf("states (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// B72
func TestSuccessesInARowStartAgainAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := llmtest.Text("ok")
		flash := llmtest.NewModel("flash", down, ok, down, ok, down)
		var told states
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, SuccessesToClose: 2, OnStateChange: told.note})(flash)
		for range 3 {
			calls(t, m, flash, 3)
			time.Sleep(middleware.DefaultOpenFor)
		}
		want := []middleware.BreakerState{open, halfOpen, open, halfOpen, open}
		if diff := cmp.Diff(want, told.all); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

// B72: one at a time, also when several successes are needed.
func TestOneProbeAtATimeUntilClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running, most := 0, 0
		var mu sync.Mutex
		slow := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			llmtest.Text("ok")(ctx, req, stream, yield)
		}
		flash := llmtest.NewModel("flash", down, slow)
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, SuccessesToClose: 3})(flash)
		calls(t, m, flash, 1)
		time.Sleep(middleware.DefaultOpenFor)
		for range 3 {
			for range 10 {
				go generate(t.Context(), m)
			}
			time.Sleep(time.Second + time.Millisecond)
		}
		synctest.Wait()
		if got := len(flash.Requests()) - 1; got != 3 || most != 1 {
			t.Errorf("%d probes, at most %d at once; want 3, one after the other", got, most)
		}
		for range 10 {
			go generate(t.Context(), m)
		}
		synctest.Wait()
		if got := len(flash.Requests()) - 4; got != 10 {
			t.Errorf("%d of 10 calls reached the model after three successes, want all", got)
		}
		time.Sleep(time.Second)
	})
}

// B73: a forced success counts like a probe's.
func TestForcedSuccessCountsAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told states
		flash := llmtest.NewModel("flash", down, llmtest.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, SuccessesToClose: 2, OnStateChange: told.note})(flash)
		calls(t, m, flash, 1)
		for range 2 {
			if err := force(t, m); err != nil {
				t.Fatalf("forced call: %v", err)
			}
		}
		if diff := cmp.Diff([]middleware.BreakerState{open, halfOpen, closed}, told.all); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

// B72, B75: with a probe of the breaker's own, no call finds out that the target is
// still down, and calls return to it once it serves again.
func TestOwnProbeSparesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recovered := time.Now().Add(5 * time.Minute)
		flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(100 * time.Millisecond)
			if time.Now().Before(recovered) {
				down(ctx, req, stream, yield)
				return
			}
			llmtest.Text("from flash")(ctx, req, stream, yield)
		})
		var told states
		breaker := middleware.MustBreaker(middleware.BreakerConfig{
			ConsecutiveFailures: 1, SuccessesToClose: 3, Probe: probeRequest, OnStateChange: told.note,
		})
		m := router.MustFallback(router.Config{}, breaker(flash), llmtest.NewModel("pro", llmtest.Text("from pro")))
		var back time.Time
		for range 6 * 60 {
			got := ask(t.Context(), m, true)
			if got.err != nil {
				t.Fatalf("a call failed: %v", got.err)
			}
			if back.IsZero() && got.text == "from flash" {
				back = time.Now()
			}
			time.Sleep(time.Second)
		}
		var calls, probes int
		for i, kind := range kinds(flash) {
			switch {
			case kind == "probe":
				probes++
			case i == 0:
			case back.IsZero():
				t.Fatal("flash was never used again")
			default:
				calls++
			}
		}
		if late := back.Sub(recovered); late < 0 || late > middleware.DefaultOpenFor+2*time.Second {
			t.Errorf("flash was used again %v after its recovery, want within OpenFor and the probes", late)
		}
		if probes < 11 || probes > 14 || calls < 20 {
			t.Errorf("%d probes and %d calls afterwards; want about one probe per OpenFor, then 3 successes, then calls", probes, calls)
		}
		synctest.Wait()
		if n := len(told.all); n < 3 || told.all[n-1] != closed || told.all[n-2] != halfOpen {
			t.Errorf("states %v, want the last to be half open and closed", told.all)
		}
	})
}

// B80: an idle process has no goroutine and sends nothing.
func TestIdleBreakerSendsNoProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", down)
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, Probe: probeRequest})(flash)
		calls(t, m, flash, 1)
		time.Sleep(24 * time.Hour)
		if got := kinds(flash); len(got) != 1 {
			t.Errorf("requests %v in a day without calls, want the call that failed alone", got)
		}
		if refusedBy(generate(t.Context(), m), "breaker") == nil {
			t.Error("the first call after OpenFor passed, want it refused: the probe is the breaker's own")
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"call", "probe"}, kinds(flash)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// B72: calls pass neither beside the breaker's own probe nor between two of them, however
// long they take.
func TestNoCallPassesBesideOwnProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", down, after(10*time.Second, llmtest.Text("ok")))
		m := middleware.MustBreaker(middleware.BreakerConfig{
			ConsecutiveFailures: 1, OpenFor: time.Second, SuccessesToClose: 4, Probe: probeRequest, ProbeTimeout: 11 * time.Second,
		})(flash)
		calls(t, m, flash, 1)
		time.Sleep(time.Second)
		for range 39 {
			for range 10 {
				go func() {
					if refusedBy(generate(t.Context(), m), "breaker") == nil {
						t.Error("a call passed beside the probe")
					}
				}()
			}
			time.Sleep(time.Second)
		}
		if diff := cmp.Diff([]string{"call", "probe", "probe", "probe", "probe"}, kinds(flash)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Second)
		if got := calls(t, m, flash, 3); got != 3 {
			t.Errorf("%d of 3 calls reached the model after the probe, want all", got)
		}
	})
}

// B72, B80: what a probe's request meets.
func TestOwnProbeEnds(t *testing.T) {
	exit := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { runtime.Goexit() }
	crash := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }
	for _, test := range []struct {
		name    string
		probe   llmtest.Step
		request func() *model.LLMRequest
		after   time.Duration // when it has ended
		want    middleware.BreakerState
		next    string // who makes the next probe, if the breaker is not closed
	}{
		{"answer", llmtest.Text("ok"), probeRequest, 0, closed, ""},
		{"failure", down, probeRequest, 0, open, "probe"},
		{"no end", silence, probeRequest, 5 * time.Second, open, "probe"},
		{"deaf", deafFor(20 * time.Second), probeRequest, 6 * time.Second, open, "probe"},
		{"deaf for longer than OpenFor", deafFor(time.Hour), probeRequest, 6 * time.Second, open, "call"},
		{"invalid", llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"}), probeRequest, 0, halfOpen, "call"},
		{"bad key", llmtest.Fail(genai.APIError{Code: 401, Status: "UNAUTHENTICATED"}), probeRequest, 0, halfOpen, "call"},
		{"model panics", crash, probeRequest, 0, halfOpen, "call"},
		{"model ends its goroutine", exit, probeRequest, 0, halfOpen, "call"},
		{"no request", nil, func() *model.LLMRequest { return nil }, 0, halfOpen, "call"},
		{"request panics", nil, func() *model.LLMRequest { panic("request") }, 0, halfOpen, "call"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told states
				steps := []llmtest.Step{down}
				if test.probe != nil {
					steps = append(steps, test.probe)
				}
				flash := llmtest.NewModel("flash", append(steps, llmtest.Text("ok"))...)
				m := middleware.MustBreaker(middleware.BreakerConfig{
					ConsecutiveFailures: 1, Probe: test.request, ProbeTimeout: 5 * time.Second, OnStateChange: told.note,
				})(flash)
				calls(t, m, flash, 1)
				time.Sleep(middleware.DefaultOpenFor)
				if refusedBy(generate(t.Context(), m), "breaker") == nil {
					t.Fatal("the call that starts the probe passed")
				}
				time.Sleep(test.after)
				synctest.Wait()
				if got := told.all[len(told.all)-1]; got != test.want {
					t.Errorf("the breaker is %s %v after the probe began, want %s", got, test.after, test.want)
				}
				if test.want == open {
					time.Sleep(middleware.DefaultOpenFor)
				}
				if test.next != "" {
					_ = generate(t.Context(), m)
					synctest.Wait()
					if all := kinds(flash); all[len(all)-1] != test.next {
						t.Errorf("requests %v, want the next to be a %s", all, test.next)
					}
				}
				if got := calls(t, m, flash, 3); got != 3 {
					t.Errorf("%d of 3 calls reached the model in the end, want all", got)
				}
				time.Sleep(time.Hour) // until deaf models have returned
			})
		})
	}
}

// B72: after a call has been the probe in its stead, the breaker probes by itself again.
func TestOwnProbesGoOn(t *testing.T) {
	invalid := llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"})
	for _, test := range []struct {
		name  string
		steps []llmtest.Step
		probe func(t *testing.T, m model.LLM) // makes a call the probe
		want  []string
	}{
		{"a call after a probe that says nothing", []llmtest.Step{down, invalid, down}, func(t *testing.T, m model.LLM) {
			_ = generate(t.Context(), m)
			synctest.Wait()
			_ = generate(t.Context(), m)
		}, []string{"call", "probe", "call", "probe"}},
		{"a forced call", []llmtest.Step{down}, func(t *testing.T, m model.LLM) {
			if err := force(t, m); refusedBy(err, "breaker") != nil {
				t.Error("the forced call was refused")
			}
		}, []string{"call", "forced", "probe"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", test.steps...)
				m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, Probe: probeRequest})(flash)
				calls(t, m, flash, 1)
				time.Sleep(middleware.DefaultOpenFor)
				test.probe(t, m)
				synctest.Wait()
				time.Sleep(middleware.DefaultOpenFor)
				_ = generate(t.Context(), m)
				synctest.Wait()
				if diff := cmp.Diff(test.want, kinds(flash)); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A probe of the breaker's own is in nobody's record, and has no caller.
func TestOwnProbeHasNoCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var callers []call.Info
		flash := llmtest.NewModel("flash", down, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			callers = append(callers, call.From(ctx))
			llmtest.Text("ok")(ctx, req, stream, yield)
		})
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, Probe: probeRequest})
		var told []string
		m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
			told = append(told, a.Model+" "+string(a.Outcome))
		}}}, breaker(flash), llmtest.NewModel("pro", llmtest.Text("ok")))
		ctx := call.With(t.Context(), call.Info{User: "ada", Tenant: "acme"})
		ask(ctx, m, false)
		time.Sleep(middleware.DefaultOpenFor)
		ctx, cancel := context.WithCancel(ctx)
		ask(ctx, m, false)
		cancel()
		synctest.Wait()
		if len(callers) != 1 || callers[0].User != "" || callers[0].Tenant != "" {
			t.Errorf("callers of the probe %+v, want one without a name", callers)
		}
		if diff := cmp.Diff([]string{"flash failed", "pro ok", "flash skipped", "pro ok"}, told); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

// B121: Retry does not wait for a breaker that refuses the retry whatever its time.
func TestRetryKnowsThatTheProbeIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", down)
		m := middleware.Chain(flash,
			middleware.MustRetry(middleware.RetryConfig{MaxRetries: 3}),
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Millisecond, Probe: probeRequest}),
		)
		mustNotHang(t, 0, func() { _ = generate(t.Context(), m) })
		if got := kinds(flash); len(got) != 1 {
			t.Errorf("requests %v, want one call", got)
		}
	})
}

// B121: the same while it is half open, between two of its probes.
func TestBreakerThatProbesItselfRefusesAnyRetry(t *testing.T) {
	for name, probe := range map[string]func() *model.LLMRequest{"its own": probeRequest, "a call": nil} {
		synctest.Test(t, func(t *testing.T) {
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, SuccessesToClose: 2, Probe: probe})(llmtest.NewModel("flash", down, llmtest.Text("ok")))
			breaker, ok := stream.Find[stream.Breaker](m)
			if !ok {
				t.Fatal("no breaker")
			}
			want := probe != nil
			_ = generate(t.Context(), m) // opens it
			if soon, late := breaker.Refuses(time.Now()), breaker.Refuses(time.Now().Add(time.Hour)); !soon || late != want {
				t.Errorf("%s, open: refuses now %t, in an hour %t, want true, %t", name, soon, late, want)
			}
			if err := force(t, m); err != nil { // half open, one success is missing
				t.Fatal(err)
			}
			if soon, late := breaker.Refuses(time.Now()), breaker.Refuses(time.Now().Add(time.Hour)); soon != want || late != want {
				t.Errorf("%s, half open: refuses now %t, in an hour %t, want %t", name, soon, late, want)
			}
		})
	}
}

func ExampleBreakerConfig_probe() {
	breaker := middleware.MustBreaker(middleware.BreakerConfig{
		SuccessesToClose: 2,
		Probe:            middleware.Ping,
		OnStateChange: func(model string, from, to middleware.BreakerState) {
			fmt.Println(model, from, to)
		},
	})
	m := breaker(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)))
	for range middleware.DefaultConsecutiveFailures {
		_ = generate(context.Background(), m)
	}
	// Output:
	// flash closed open
}
