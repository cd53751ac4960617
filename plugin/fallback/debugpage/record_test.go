package debugpage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// script returns random steps of a model.
func script(random *rand.Rand) (steps []llmtest.Step) {
	for range 1 + random.IntN(4) {
		switch random.IntN(5) {
		case 0:
			steps = append(steps, llmtest.Fail(llmtest.ErrUnavailable))
		case 1:
			steps = append(steps, llmtest.Fail(llmtest.ErrQuota, "half an "))
		case 2:
			steps = append(steps, llmtest.Fail(llmtest.ErrInternal))
		default:
			pause := time.Duration(random.IntN(5000)) * time.Millisecond
			text := llmtest.Text("an answer")
			steps = append(steps, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				select {
				case <-time.After(pause):
					text(ctx, req, stream, yield)
				case <-ctx.Done():
					yield(nil, ctx.Err())
				}
			})
		}
	}
	return steps
}

// B140: for 300 random scripts of faults, with breakers, retries, hedges, last resorts and callers
// that go, the page agrees with the record of each call and with their sums.
func TestAgreesWithTheRecord(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			page := debugpage.New(debugpage.Config{})
			var mu sync.Mutex // hooks of a hedge can be concurrent
			var attempts []call.Attempt
			var results []call.Result
			hooks := call.Join(page.Hooks(), call.Hooks{
				OnAttempt: func(_ context.Context, a call.Attempt) { mu.Lock(); defer mu.Unlock(); attempts = append(attempts, a) },
				OnEnd:     func(_ context.Context, r call.Result) { mu.Lock(); defer mu.Unlock(); results = append(results, r) },
			})
			a, b := llmtest.NewModel("a", script(random)...), llmtest.NewModel("b", script(random)...)
			flash := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1})(middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})(a))
			var targets []model.LLM
			if random.IntN(2) == 0 {
				targets = append(targets, router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, b))
			} else {
				targets = append(targets, flash, b)
			}
			if random.IntN(2) == 0 {
				targets = append(targets, degrade.MustTemplate(degrade.TemplateConfig{Name: "sorry", Text: "sorry"}))
			}
			m := router.MustFallback(router.Config{Hooks: hooks}, targets...)
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(8))*time.Second)
				llmtest.Consume(ctx, m, random.IntN(3))
				cancel()
			}
			synctest.Wait()
			agrees(t, read(t, page, ""), attempts, results)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// agrees compares a page with what hooks have heard in the last minutes.
func agrees(t *testing.T, s state, attempts []call.Attempt, results []call.Result) {
	t.Helper()
	type counts struct{ ok, failed, stopped, skipped int }
	want, got := map[string]counts{}, map[string]counts{}
	for _, a := range attempts {
		c := want[a.Model]
		switch {
		case a.Outcome == call.OK:
			c.ok++
		case a.Outcome == call.Skipped:
			c.skipped++
		case a.Kind == "hedge_lost", a.Kind == "preview", a.Kind == "canceled":
			c.stopped++
		default:
			c.failed++
		}
		want[a.Model] = c
	}
	for _, target := range s.Targets {
		w := target.Windows[2]
		got[target.Name] = counts{w.OK, w.Failed, w.Stopped, w.Skipped}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(counts{})); diff != "" {
		t.Errorf("attempts by target (-hooks +page):\n%s", diff)
	}
	if len(s.Latest) != len(results) {
		t.Fatalf("%d calls, want %d", len(s.Latest), len(results))
	}
	hour, sum := s.Calls[2], counts{}
	for i, r := range results {
		shown := s.Latest[len(results)-1-i]
		shown.ID = 0 // no part of the record
		if diff := cmp.Diff(recordOf(r), shown); diff != "" {
			t.Errorf("call %d (-record +page):\n%s", i+1, diff)
		}
		switch r.Outcome {
		case call.OK:
			sum.ok++
		case call.Failed:
			sum.failed++
		default:
			sum.stopped++
		}
	}
	if shown := (counts{hour.OK, hour.Failed, hour.Stopped, 0}); shown != sum || hour.Count != len(results) {
		t.Errorf("calls %+v of %d, want %+v of %d", shown, hour.Count, sum, len(results))
	}
}

// recordOf is a call as the page shows it.
func recordOf(r call.Result) ended {
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	e := ended{
		Outcome: string(r.Outcome), Model: r.ModelName, Degraded: r.Degraded, Reason: r.Reason, Original: r.OriginalModel,
		Fallback: r.Outcome == call.OK && r.Triggered && r.FallbackModel != "", Code: r.ErrorCode, Duration: millis(r.Duration), Attempts: []attempt{},
		Dropped: r.AttemptsDropped,
	}
	if e.Model == "" {
		e.Model = r.FallbackModel
	}
	for _, a := range r.Attempts {
		e.Attempts = append(e.Attempts, attempt{
			Model: a.Model, Outcome: string(a.Outcome), Code: a.Code, Kind: a.Kind, Reason: a.Reason, Message: a.Message, HTTPStatus: a.HTTPStatus,
			Wait: millis(a.Wait), Duration: millis(a.Duration), First: millis(a.FirstContent), Input: a.InputTokens, Output: a.OutputTokens, Cost: a.Cost, Hedge: a.Hedge,
		})
	}
	return e
}

// 100,000 calls of 10,000 targets and tenants with long names keep at most 10 MB.
func TestMemoryIsBounded(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	page := debugpage.New(debugpage.Config{ShowTenants: true})
	hooks := page.Hooks()
	padding := string(slices.Repeat([]byte("x"), 256<<10))
	for i := range 100_000 {
		text := fmt.Sprint("model-", i%10_000)
		if i > 99_800 { // as a provider's text can be: a part of a large response, which must not be kept
			text = (text + " " + padding)[:100]
		}
		ctx := call.With(context.Background(), call.Info{Tenant: text, Invocation: text})
		a := call.Attempt{Model: text, Outcome: call.Failed, Kind: "server", Code: text, Reason: text, Message: text, Duration: time.Duration(i) * time.Microsecond}
		attempts := []call.Attempt{a}
		if i > 99_800 {
			attempts = slices.Repeat(attempts, call.MaxAttempts)
		}
		hooks.OnAttempt(ctx, a)
		hooks.OnEnd(ctx, call.Result{Outcome: call.Failed, Metadata: call.Metadata{ModelName: text, OriginalModel: text, Reason: text, Attempts: attempts}})
	}
	got := heap() - before
	t.Logf("%d bytes", got)
	if got > 10<<20 {
		t.Errorf("the page keeps %d bytes, want at most 10 MiB", got)
	}
	s := read(t, page, "")
	if len(s.Targets) != 65 || len(s.Latest) != 100 {
		t.Errorf("%d targets and %d calls, want 64 targets, the others, and 100 calls", len(s.Targets), len(s.Latest))
	}
	if n := s.target(t, "other targets").Windows[2].Count + s.Targets[0].Windows[2].Count; n < 90_000 || s.Calls[2].Count != 100_000 {
		t.Errorf("%d attempts at other targets, %d calls", n, s.Calls[2].Count)
	}
	if w := get(t, page, "/"); w.Body.Len() > 4<<20 {
		t.Errorf("the page has %d bytes", w.Body.Len())
	}
	runtime.KeepAlive(page)
}

// A watched target without statistics of its own does not look as if it was never called.
func TestCrowdedOutTargetsSaySo(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	page.Watch(inspected{&inspect.Node{Layer: "model", Name: "late"}})
	try := func(name string) {
		page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: name, Outcome: call.OK})
	}
	for i := range 64 {
		try(fmt.Sprint("m", i))
	}
	const note = "Calls of this one are counted as “other targets”."
	if strings.Contains(get(t, page, "/").Body.String(), note) || read(t, page, "").target(t, "late").CountedAs != "" {
		t.Error("the page says it before it is so")
	}
	try("late")
	if got := strings.Count(get(t, page, "/").Body.String(), note); got != 1 || read(t, page, "").target(t, "late").CountedAs != "other targets" {
		t.Errorf("the page says it %d times; want it of late alone", got)
	}
}

// A target that has been idle for an hour makes room for a new one.
func TestIdleTargetsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		try := func(name string) {
			page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: name, Outcome: call.OK})
		}
		for i := range 64 {
			try(fmt.Sprint("m", i))
		}
		try("late")
		if s := read(t, page, ""); s.target(t, "other targets").Windows[0].Count != 1 {
			t.Errorf("%+v", s.Targets)
		}
		time.Sleep(59 * time.Minute)
		for i := range 64 {
			if i != 7 {
				try(fmt.Sprint("m", i))
			}
		}
		time.Sleep(time.Minute)
		try("later")
		s := read(t, page, "")
		s.target(t, "later")
		if slices.ContainsFunc(s.Targets, func(t target) bool { return t.Name == "m7" }) {
			t.Error("m7 has been idle for an hour, but is still there")
		}
	})
}

func TestLatestCallsAndFilters(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	end := func(n int, r call.Result) {
		page.Hooks().OnEnd(call.With(t.Context(), call.Info{Tenant: fmt.Sprint("t", n%10), Invocation: fmt.Sprint("i", n)}), r)
	}
	ok := call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: "a"}}
	fellBack := call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: "b", Triggered: true, FallbackModel: "b", OriginalModel: "a"}}
	degraded := call.Result{Outcome: call.OK, Metadata: call.Metadata{Degraded: "sorry", Triggered: true, FallbackModel: "sorry"}}
	end(0, call.Result{Outcome: call.Failed})
	end(1, fellBack)
	end(2, call.Result{Outcome: call.Cancelled})
	end(3, degraded)
	for n := 4; n < 200; n++ { // pushes the first out of the latest 100
		end(n, ok)
	}
	end(200, fellBack)
	tenant := read(t, page, "&invocation=i150").Latest[0].Tenant
	for _, c := range []struct {
		query string
		count int
		first string
	}{
		{"", 100, "i200"},
		{"&outcome=ok", 100, "i200"},
		{"&outcome=failed", 1, "i0"},
		{"&outcome=fallback", 3, "i200"},
		{"&outcome=degraded", 1, "i3"},
		{"&outcome=cancelled", 1, "i2"},
		{"&invocation=i42", 0, ""},
		{"&invocation=i1", 1, "i1"},
		{"&invocation=i150", 1, "i150"},
		{"&tenant=" + tenant, 11, "i200"},
		{"&tenant=" + tenant + "&outcome=failed", 1, "i0"},
		{"&tenant=t0", 0, ""},
	} {
		latest := read(t, page, c.query).Latest
		if len(latest) != c.count || c.count > 0 && latest[0].Invocation != c.first {
			t.Errorf("%s: %d calls, %+v; want %d, the first %s", c.query, len(latest), latest[:min(len(latest), 1)], c.count, c.first)
		}
	}
}

// Others may change what they got from the same hook.
func TestRecordIsACopy(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	attempts := []call.Attempt{{Model: "a", Outcome: call.Failed}, {Model: "b", Outcome: call.OK}}
	page.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK, Metadata: call.Metadata{Attempts: attempts}})
	attempts[0].Model, attempts[1].Model = "x", "y"
	if got := read(t, page, "").Latest[0].Attempts; got[0].Model != "a" || got[1].Model != "b" {
		t.Errorf("the page has %+v", got)
	}
}

// A page is used by many calls, clients and watchers at once.
func TestConcurrentUse(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	m, o := flashAndPro(page)
	var calls, clients sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 4 {
		clients.Go(func() { // ends with ctx
			for ctx.Err() == nil {
				html(t, page, "")
				read(t, page, "&outcome=failed")
			}
		})
	}
	for i := range 8 {
		calls.Go(func() {
			for n := range 200 {
				o.set(n%3 == 0)
				ask(t, call.With(t.Context(), call.Info{Tenant: fmt.Sprint(i)}), m)
				page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: fmt.Sprint(i, n), Outcome: call.OK})
				page.Watch(m)
			}
		})
	}
	calls.Wait()
	cancel()
	clients.Wait()
	s := read(t, page, "")
	if s.Calls[2].Count != 1600 || len(s.Models) != 1 {
		t.Errorf("%d calls and %d models, want 1600 and 1", s.Calls[2].Count, len(s.Models))
	}
}
