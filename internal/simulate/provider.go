package simulate

import (
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

// provider is a model.LLM that behaves as a scenario says. It is safe for concurrent use.
type provider struct {
	world  *world
	name   string
	names  []string // by which events refer to it
	model  scenario.Model
	price  price.Price
	priced bool

	mu       sync.Mutex
	quota    quota
	inUse    float64 // real requests in progress
	requests int64   // simulated ones that belong to a call
	extra    int64   // of the policy itself, such as probes of a breaker
	answers  int64
	failures map[string]int64
	nanoUSD  int64 // of the requests of calls, in whole numbers so that the order does not matter
}

// The time until an error comes, and that until the provider's own timeout.
var (
	errorDelay   = scenario.Delay{P50: 80 * time.Millisecond, P99: 400 * time.Millisecond}
	timeoutDelay = scenario.Delay{P50: 30 * time.Second, P99: 31 * time.Second}
)

// Name implements model.LLM.
func (p *provider) Name() string { return p.name }

// play is what happens to one request.
type play struct {
	kind        string        // of its failure; "" for an answer
	wait        time.Duration // until its quota is renewed; 0 for others
	first, rest time.Duration // until the first content or the error; from there to the end
	in, out     int           // tokens
	weight      float64       // real requests that it stands for
	times       float64       // factor for its price
}

// GenerateContent implements model.LLM.
func (p *provider) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		// A call that ends at this instant cancels its other requests. Whether they are made must
		// not depend on the order of goroutines, so this one is made an instant later.
		time.Sleep(time.Nanosecond)
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		c, _ := ctx.Value(callKey{}).(*oneCall)
		play, said := p.begin(c), p.stated(c, req)
		if said.grade {
			play.in, play.out, play.rest = play.in+play.out, 0, 0
		}
		play.out += len(said.text) / 4
		out, err := p.play(ctx, play, said, streamed, yield)
		p.end(c, play, out)
		if err != nil {
			yield(nil, err)
		}
	}
}

// begin decides what happens to a request. c is nil for a request of the policy itself.
func (p *provider) begin(c *oneCall) play {
	now := time.Now()
	at := now.Sub(p.world.start)
	p.mu.Lock()
	defer p.mu.Unlock()
	play := play{in: 10, out: 10, weight: p.world.replicas, times: 1}
	draw := source(p.world.seed, p.name, math.MaxUint64, uint64(p.extra))
	if c == nil {
		p.extra++
	} else {
		p.requests++
		play.in, play.out, play.weight = c.in, c.out, p.world.each
		draw = source(p.world.seed, p.name, uint64(c.id), c.attempt(p, now))
	}
	slower, capacity := 1.0, float64(p.model.Capacity)
	failures := []*scenario.Errors{p.model.Errors}
	for _, e := range p.world.scenario.Events {
		if e.Concerns(p.names...) && p.world.scenario.In(e, at) {
			slower *= e.Slower
			capacity *= float64(e.Capacity)
			failures = append(failures, e.Errors)
			if e.Price != nil {
				play.times *= e.Price.Times
			}
		}
	}
	play.kind = failureOf(draw, failures)
	first := draw.NormFloat64() // drawn in any case, so that other draws do not depend on the kind
	play.first = max(1, time.Duration(slower*float64(p.model.FirstContent.P50)*math.Exp(first*math.Log(float64(p.model.FirstContent.P99)/float64(p.model.FirstContent.P50))/z99)))
	play.rest = time.Duration(slower * float64(play.out) / p.model.TokensPerSecond * float64(time.Second))
	if kind, wait := p.quota.refuses(now, play.weight, float64(play.in+play.out)); kind != "" {
		play.kind, play.wait = kind, (wait + time.Second - 1).Truncate(time.Second)
	} else if p.model.Capacity > 0 && p.inUse+play.weight > capacity {
		play.kind = "overloaded"
	}
	switch play.kind {
	case "", "silence":
	case "cut":
		play.rest = time.Duration(draw.Float64() * float64(play.rest))
	case "timeout":
		play.first = delay(draw, timeoutDelay)
	default:
		play.first = time.Duration(slower * float64(delay(draw, errorDelay)))
	}
	if play.kind == "" {
		p.quota.count(play.weight, float64(play.in+play.out))
	}
	p.inUse += play.weight
	return play
}

// failureOf draws how a request fails; "" if it does not.
func failureOf(draw *rand.Rand, all []*scenario.Errors) string {
	u := draw.Float64()
	for _, errs := range all {
		for _, f := range errs.Each() {
			if u -= float64(f.Share); u < 0 {
				return f.Kind
			}
		}
	}
	return ""
}

// play plays a request. It returns the share of the answer that was sent, and the error.
func (p *provider) play(ctx context.Context, play play, said stated, streamed bool, yield func(*model.LLMResponse, error) bool) (sent float64, err error) {
	if play.kind == "silence" {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	answers := play.kind == "" || play.kind == "cut"
	if err := wait(ctx, play.first); err != nil {
		return 0, err
	}
	if !answers {
		return 0, p.world.faults.of(play.kind, play.wait)
	}
	text := signature(p.name) + words(play.out) + said.text
	if streamed && !yield(&model.LLMResponse{Content: genai.NewContentFromText(text[:len(text)/2], genai.RoleModel), Partial: true}, nil) {
		return 0, nil
	}
	begin := time.Now()
	if err := wait(ctx, play.rest); err != nil {
		return time.Since(begin).Seconds() / play.rest.Seconds(), err
	}
	if play.kind == "cut" {
		return 0.5, p.world.faults.of("cut", 0)
	}
	if streamed && !yield(&model.LLMResponse{Content: genai.NewContentFromText(text[len(text)/2:], genai.RoleModel), Partial: true}, nil) {
		return 1, nil
	}
	yield(&model.LLMResponse{
		Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop, TurnComplete: true, AvgLogprobs: said.logprobs,
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{
			PromptTokenCount: int32(play.in), CandidatesTokenCount: int32(play.out), TotalTokenCount: int32(play.in + play.out),
		},
	}, nil)
	return 1, nil
}

// end counts a request that has ended, of whose answer a share was sent. An error costs
// nothing; a request that is cancelled costs its input and what was sent.
func (p *provider) end(c *oneCall, play play, sent float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse -= play.weight
	if p.inUse < play.weight/2 { // rounding
		p.inUse = 0
	}
	if play.kind != "" {
		p.failures[play.kind]++
	} else if sent == 1 {
		p.answers++
	}
	if c == nil || play.kind != "" && play.kind != "cut" {
		return
	}
	p.nanoUSD += int64(play.times * 1e9 * p.price.Cost(play.in, 0, int(sent*float64(play.out))))
}

// wait waits for d, or for the end of ctx, of which it returns the error.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
