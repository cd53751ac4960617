package simulate

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// world is one run: a policy, or its primary alone, under a scenario.
type world struct {
	scenario *scenario.Scenario
	policy   *spec.Policy // with its limits divided
	build    Build        // nil for the primary alone
	seed     int
	each     float64 // real calls that a simulated one stands for
	replicas float64

	faults    faults
	start     time.Time // set when the run begins
	mu        sync.Mutex
	providers map[string]*provider // by name in the policy; guarded by mu
	records   []*record            // in order of arrival
}

// record is what a call gave.
type record struct {
	at           time.Duration // since the beginning
	first, whole time.Duration // 0 if it has failed
	outcome      outcome
	reason       string // the kind of the last failure, if no model answered
	fallback     bool   // another target than the primary answered
	cached       bool   // the cache answered
	wrong        bool   // the model that answered does not know the answer
	requests     int    // at providers
}

type outcome uint8

const (
	failed outcome = iota
	degraded
	answered // by a model or the cache
)

// callKey is the key of a *oneCall in contexts.
type callKey struct{}

// oneCall is a call as the providers see it.
type oneCall struct {
	id       int
	in, out  int // tokens
	question uint64
	hard     float64 // how hard the question is; 0 is the hardest
	mu       sync.Mutex
	record   *record                   // its requests are guarded by mu
	begun    map[*provider][]time.Time // when attempts began; guarded by mu
}

// attempt counts an attempt at a model. It returns its number: how many have begun at earlier
// instants. Those of the same instant, such as a preview and the answer, have the same number,
// because their order is that of goroutines.
func (c *oneCall) attempt(p *provider, now time.Time) (n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun == nil {
		c.begun = map[*provider][]time.Time{}
	}
	for _, at := range c.begun[p] {
		if at.Before(now) {
			n++
		}
	}
	c.begun[p] = append(c.begun[p], now)
	c.record.requests++
	return n
}

// provider returns the scripted model of a name in the policy.
func (w *world) provider(name string) model.LLM {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.providers[name]; p != nil {
		return p
	}
	r := w.policy.Resolve(name)
	primary := r.Model == w.policy.Resolve(w.policy.Primary).Model
	m := w.scenario.Of(name, primary)
	p := &provider{world: w, name: name, model: m, failures: map[string]int64{}, names: append([]string{name, r.Model, scenario.Role(primary)}, m.Tags...)}
	for _, tag := range []string{r.Provider, r.Settings.Region} {
		if tag != "" {
			p.names = append(p.names, tag)
		}
	}
	if m.Quota != nil {
		p.quota.limits = *m.Quota
	}
	p.price, p.priced = priceOf(m, r)
	w.providers[name] = p
	return p
}

// priceOf returns the price of a model before any change.
func priceOf(m scenario.Model, r spec.Resolved) (price.Price, bool) {
	switch {
	case m.Price != nil:
		return price.Price{Rates: price.Rates{Input: m.Price.Input, Output: m.Price.Output}}, true
	case r.Settings.Price != nil:
		return price.Price{Rates: price.Rates{Input: float64(r.Settings.Price.Input), Output: float64(r.Settings.Price.Output)}}, true
	}
	return price.Of(r.ID)
}

// run makes all calls. It must be called in virtual time.
func (w *world) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	llm := model.LLM(nil)
	reload := func() error { return nil }
	if w.build == nil {
		llm = w.provider(w.policy.Primary)
	} else {
		live, err := w.build(w.policy, w.provider, policy.WithRand(jitter(w.seed)), policy.WithLogger(slog.New(slog.DiscardHandler)))
		if err != nil {
			return err
		}
		defer w.close(live)
		llm = live.Model()
		reload = func() error { return w.reprice(ctx, live) }
	}
	time.Sleep(w.scenario.Begins)
	w.start = time.Now()
	var calls sync.WaitGroup
	var repriced error
	calls.Go(func() { repriced = reload() })
	w.traffic(ctx, llm, &calls)
	calls.Wait()
	return repriced
}

// settling is the virtual time that is left for what runs after the last call, such as the
// small requests of a standby.
const settling = 2 * time.Hour

func (w *world) close(live *policy.Live) {
	_ = live.Close() // of the cache: its errors do not matter any more
	time.Sleep(settling)
}

// traffic makes the calls, each on a goroutine that ends with it.
func (w *world) traffic(ctx context.Context, llm model.LLM, calls *sync.WaitGroup) {
	s := w.scenario
	arrival, content := source(w.seed, arrivals), w.contents()
	for at := time.Duration(0); at < s.Length; {
		next, rate := s.Next(at), s.Rate(at)/w.each
		gap := time.Duration(0)
		if rate > 0 {
			gap = time.Duration(arrival.ExpFloat64() / rate * float64(time.Second))
		}
		if rate <= 0 || at+gap >= next { // the exponential distribution has no memory
			at = next
			continue
		}
		at += max(gap, 1)
		time.Sleep(time.Until(w.start.Add(at)))
		r := &record{at: at}
		c, info, req, streamed := content.next(len(w.records))
		c.record = r
		w.records = append(w.records, r)
		calls.Go(func() { w.call(call.With(context.WithValue(ctx, callKey{}, c), info), llm, req, streamed, c) })
	}
}

// call makes one call and fills in its record.
func (w *world) call(ctx context.Context, llm model.LLM, req *model.LLMRequest, streamed bool, c *oneCall) {
	r := c.record
	ctx, cancel := context.WithTimeout(ctx, w.scenario.Traffic.Patience)
	defer cancel()
	begin := time.Now()
	var last *model.LLMResponse
	var wrong error
	for resp, err := range llm.GenerateContent(ctx, req, streamed) {
		if wrong = err; err != nil {
			break
		}
		if r.first == 0 && resp.Content != nil {
			r.first = max(1, time.Since(begin)) // 1: an answer of the cache takes no virtual time
		}
		last = resp
	}
	if wrong != nil || last == nil || last.Partial {
		r.first, r.outcome, r.reason = 0, failed, kindOf(wrong)
		return
	}
	r.whole, r.outcome = max(1, time.Since(begin)), answered
	md, _ := call.ReadResponse(last)
	r.cached = md.CacheStatus == call.CacheHit || md.CacheStatus == call.CacheStale
	r.wrong = md.Degraded == "" && w.answerer(md.ModelName).wrong(c)
	if md.Degraded != "" {
		r.outcome = degraded
		for _, a := range md.Attempts {
			if a.Kind != "" && a.Kind != string(stream.KindPreview) { // a preview ends whenever the call does
				r.reason = a.Kind
			}
		}
	}
	r.fallback = md.Triggered && (md.Degraded != "" || md.ModelName != w.policy.Resolve(w.policy.Primary).Model && md.ModelName == md.FallbackModel)
}

// kindOf returns the kind of a call's failure. nil means that the answer did not end.
func kindOf(err error) string {
	if err == nil {
		return string(failure.KindTruncated)
	}
	return string(failure.Classify(err).Kind)
}
