package property_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The properties hold for any script of faults over any tree. Rapid's default is
// 100 of each; a long run is
//
//	go test ./plugin_test -run TestProperty -timeout 1h -rapid.checks=100000

const (
	grace   = time.Second
	retries = 2
)

// target is one model of a tree with its layers.
type target struct {
	Script                         []act
	Retry, Breaker, Timeout, Grace bool
}

// plan is a tree and how it is called.
type plan struct {
	Targets   []target
	MidStream router.MidStream
	StopAfter int // the consumer stops after so many responses; 0 for never
	Deadline  time.Duration
	Calls     int
	Gap       time.Duration // between calls

	Hedged, Stream bool // the first two targets are a hedge; the calls are streamed
	Hooks          call.Hooks
}

var aTarget = rapid.Custom(func(t *rapid.T) target {
	return target{
		Script: rapid.SliceOfN(anAct, 1, 4).Draw(t, "script"),
		Retry:  rapid.Bool().Draw(t, "retry"), Breaker: rapid.Bool().Draw(t, "breaker"),
		Timeout: rapid.Bool().Draw(t, "timeout"), Grace: rapid.Bool().Draw(t, "grace"),
	}
})

var aPlan = rapid.Custom(func(t *rapid.T) plan {
	return plan{
		Targets:   rapid.SliceOfN(aTarget, 1, 4).Draw(t, "targets"),
		MidStream: rapid.SampledFrom([]router.MidStream{router.Restart, router.Restart, router.Resume, router.FailMidStream}).Draw(t, "mid-stream"),
		StopAfter: rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "stop after"),
		Deadline:  rapid.SampledFrom([]time.Duration{3 * time.Second, time.Minute, 10 * time.Minute}).Draw(t, "deadline"),
		Calls:     rapid.IntRange(1, 4).Draw(t, "calls"),
		Gap:       rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Minute}).Draw(t, "gap"),
	}
})

// build makes the tree of a plan.
func (p *plan) build(l *ledger) model.LLM {
	var models []model.LLM
	for i, target := range p.Targets {
		// Without a grace period a call lasts as long as its model does.
		if !target.Timeout || !target.Grace {
			target.Script = withoutDeaf(target.Script)
		}
		m := &scripted{name: string(rune('a' + i)), script: target.Script, same: p.MidStream == router.Resume, ledger: l}
		models = append(models, target.around(m))
	}
	if p.Hedged && len(models) > 1 {
		hedge := router.MustHedge(router.HedgeConfig{Delay: 2 * time.Second, MaxExtraLoad: 1}, models[0], models[1])
		models = append([]model.LLM{hedge}, models[2:]...)
	}
	return router.MustFallback(router.Config{MidStream: p.MidStream, Hooks: p.Hooks}, models...)
}

func (t *target) around(m model.LLM) model.LLM {
	var layers []middleware.Middleware
	if t.Retry {
		layers = append(layers, middleware.MustRetry(middleware.RetryConfig{MaxRetries: retries}))
	}
	if t.Breaker {
		layers = append(layers, middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2}))
	}
	if t.Timeout {
		config := middleware.TimeoutConfig{FirstContent: 5 * time.Second, Idle: 3 * time.Second, Total: 30 * time.Second}
		if t.Grace {
			config.Grace = grace
		}
		layers = append(layers, middleware.MustTimeout(config))
	}
	layers = append(layers, middleware.Attempt(middleware.AttemptConfig{RequireFinishReason: true}))
	return middleware.Chain(m, layers...)
}

// attempts is the documented bound of one call: one attempt for each target,
// and its retries; and to resume an answer, one target more.
func (p *plan) attempts() int {
	n := 0
	for _, t := range p.Targets {
		n++
		if t.Retry {
			n += retries
		}
	}
	if p.MidStream == router.Resume {
		n += 1 + retries
		if p.Hedged {
			n += 1 + retries // a hedge is one target
		}
	}
	return n
}

// B52, B53, B54, B56, B57, B59, B70, B76, B80
func TestPropertyOneWholeAnswerOrOneError(t *testing.T) {
	for _, hedged := range []bool{false, true} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("hedged=%v,stream=%v", hedged, stream), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					p := aPlan.Draw(rt, "plan")
					p.Hedged, p.Stream = hedged, stream
					if broken := p.play(t); len(broken) > 0 {
						rt.Fatalf("%s", strings.Join(broken, "\n"))
					}
				})
			})
		}
	}
}

// play makes all calls of a plan in a bubble of their own and returns which
// promises are broken.
func (p *plan) play(t *testing.T) (broken []string) {
	// The bubble ends only when no goroutine is left in it.
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		m := p.build(l)
		for range p.Calls {
			broken = append(broken, p.call(t.Context(), m, l)...)
		}
		time.Sleep(time.Hour) // for whatever might still go on
		for _, a := range l.since(0) {
			if !a.ended {
				broken = append(broken, "still running: "+a.tag)
			}
		}
	})
	return broken
}

// call makes one call and returns which promises it breaks.
func (p *plan) call(ctx context.Context, m model.LLM, l *ledger) (broken []string) {
	ctx, cancel := context.WithTimeout(ctx, p.Deadline)
	defer cancel()
	before := len(l.since(0))
	got := consumed{began: time.Now()}
	req := &model.LLMRequest{Contents: genai.Text("a question")}
	for resp, err := range m.GenerateContent(ctx, req, p.Stream) {
		got.add(resp, err)
		if got.n == p.StopAfter {
			got.stopped = true
			break
		}
	}
	ended := time.Now()
	time.Sleep(p.Gap)
	made := l.since(before)

	fail := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if took := ended.Sub(got.began); took > p.Deadline+grace {
		fail("the call took %v, its deadline is %v", took, p.Deadline)
	}
	if len(made) > p.attempts() {
		fail("%d attempts, want at most %d: %v", len(made), p.attempts(), made)
	}
	for _, a := range made {
		if a.began.After(ended) {
			fail("attempt %s began after the call", a.tag)
		}
	}
	return append(broken, got.check(p, made)...)
}

// consumed is what the consumer of one call got.
type consumed struct {
	began   time.Time
	n       int  // responses and errors
	stopped bool // by the consumer
	finals  []*model.LLMResponse
	errs    []error
	late    bool     // something came after the end
	screen  string   // the partial text since the last marker
	tags    []string // who sent the partial responses since the last marker
	broken  []string
}

func (c *consumed) add(resp *model.LLMResponse, err error) {
	c.n++
	// A model may fail after its answer, and its caller hears of it.
	c.late = c.late || len(c.errs) > 0 || len(c.finals) > 0 && err == nil
	switch {
	case err != nil:
		c.errs = append(c.errs, err)
	case resp == nil:
		c.broken = append(c.broken, "neither a response nor an error")
	case !resp.Partial:
		c.finals = append(c.finals, resp)
	case resp.CustomMetadata[call.KeyRestart] == true:
		c.screen, c.tags = "", nil
	default:
		c.screen += llmtest.TextOf(resp.Content)
		if tag := resp.ModelVersion; tag != "" && !slices.Contains(c.tags, tag) {
			c.tags = append(c.tags, tag)
		}
	}
}

// check returns which promises about the responses are broken.
func (c *consumed) check(p *plan, made []attempt) []string {
	fail := func(format string, args ...any) { c.broken = append(c.broken, fmt.Sprintf(format, args...)) }
	if c.late {
		fail("something came after the end: %v, %v", c.finals, c.errs)
	}
	failsAfter := func(a attempt) bool {
		return a.does == callsFails && len(c.finals) == 1 && a.tag == c.finals[0].ModelVersion
	}
	if len(c.finals)+len(c.errs) != 1 && !c.stopped && !slices.ContainsFunc(made, failsAfter) {
		fail("%d final responses and %d errors, want one of both", len(c.finals), len(c.errs))
	}
	// Resumed, an answer goes on as the text of several; it is checked as a text.
	spliced := p.MidStream == router.Resume
	if len(c.tags) > 1 && !spliced {
		fail("one answer of several attempts: %v", c.tags)
	}
	for _, err := range c.errs {
		if errors.Is(err, context.Canceled) && !errors.Is(err, modelErrors[len(modelErrors)-1]) {
			fail("a cancellation that is not the caller's: %v", err)
		}
	}
	if len(c.finals) == 0 {
		return c.broken
	}
	final := c.finals[0]
	i := slices.IndexFunc(made, func(a attempt) bool { return a.tag == final.ModelVersion })
	if i < 0 {
		fail("the final response is of nobody: %q", final.ModelVersion)
		return c.broken
	}
	from := made[i]
	if !slices.Contains([]misdeed{answers, deaf, calls, callsFails}, from.does) {
		fail("what %s sent is passed on as an answer, and it %s", from.tag, from.does)
	}
	if md, _ := call.ReadResponse(final); md.ModelName != from.model || md.ModelVersion != from.tag {
		fail("the final response says %s, %s; it is of %s", md.ModelName, md.ModelVersion, from.tag)
	}
	if len(c.tags) == 1 && c.tags[0] != from.tag && !spliced {
		fail("%s was shown and %s is final", c.tags[0], from.tag)
	}
	part := final.Content.Parts[0]
	if fc := part.FunctionCall; fc != nil {
		if fc.ID != from.tag || len(final.Content.Parts) != 1 {
			fail("the call is %q, want %q alone", fc.ID, from.tag)
		}
		return c.broken
	}
	if whole := strings.TrimSuffix(from.whole, " "); part.Text != whole || p.Stream && c.screen != whole {
		fail("final %q after %q, want %q", part.Text, c.screen, whole)
	}
	return c.broken
}
