package router

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/quantile"
	"github.com/adk-fallback/adk-fallback/internal/share"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Defaults and fixed figures of a hedge.
//
// Waiting for the 95th percentile and bounding the extra load to about 5 % follows
// Dean and Barroso, "The Tail at Scale", CACM 56(2), 2013:
// https://research.google/pubs/the-tail-at-scale/
const (
	// DefaultHedgeDelay is the delay until MinHedgeSamples of the first model's times
	// to first content are known.
	DefaultHedgeDelay = 2 * time.Second
	// DefaultMinHedgeDelay is the smallest measured delay: less is network noise, not
	// a slow model.
	DefaultMinHedgeDelay = quantile.Noise
	// DefaultMaxExtraLoad is the share of calls that may be hedged.
	DefaultMaxExtraLoad = 0.05
	// MinHedgeSamples is how many calls a 95th percentile needs: of 20, one is slower.
	MinHedgeSamples = quantile.MinSamples
	// HedgeWindow is how many calls are remembered, for their times to first content
	// and for the hedges that they allow.
	HedgeWindow = quantile.Window
)

// KindHedgeLost is the kind of an attempt that was cancelled because another
// model of its hedge had content first.
const KindHedgeLost = stream.KindHedgeLost

// HedgeConfig says when a second model is called. The zero value measures the delay.
type HedgeConfig struct {
	// Delay is the time without content after which the next model is called too. 0
	// means the 95th percentile of the first model's times to first content over the
	// latest [HedgeWindow] calls, or [DefaultHedgeDelay] until [MinHedgeSamples] are
	// known. Streamed and unary calls are measured separately.
	Delay time.Duration
	// MinDelay is the smallest measured Delay. 0 means [DefaultMinHedgeDelay].
	MinDelay time.Duration
	// MaxExtraLoad is the share of calls that may be hedged, in (0, 1]: of n calls in
	// a row, at most 1 + MaxExtraLoad × (n + HedgeWindow), and possibly the first. 0
	// means [DefaultMaxExtraLoad].
	MaxExtraLoad float64
}

// NewHedge returns a model that calls the first of models and, when that is slow, the
// next one too. The first model with content answers; the others are cancelled.
//
// The next model is called
//
//   - when the delay has passed since the latest one was called, if the bound on
//     extra load allows it, and
//   - at once when all called models have failed, or a rule has moved on from them
//     (see [When]). That is a fallback and adds no load, so it is not bounded. After
//     a verdict to fail no further model is called.
//
// A model that fails after its first content is not replaced: put the hedge into a
// Fallback, which restarts answers. Last resorts (package degrade) do not race: they
// are called when all other models have failed. When all fail, the error is an
// [*AllFailedError]. A request that names one of the models starts there.
//
// Cancelled attempts are recorded with [KindHedgeLost] and charged by the layers
// around their models (a limit, a budget). Each model gets a copy of the request and
// its own goroutine, which ends when the model returns. A model that ignores its
// cancelled context is abandoned, so it delays nobody.
//
// There must be two or more models, with different names. The model is safe for
// concurrent use if its models are.
func NewHedge(config HedgeConfig, models ...model.LLM) (model.LLM, error) {
	layers, errs := group.Check("router: NewHedge", models)
	if len(models) == 1 {
		errs = append(errs, errors.New("router: NewHedge: 1 model; must be 2 or more"))
	}
	if err := errors.Join(append(errs, config.check()...)...); err != nil {
		return nil, err
	}
	return stream.Forward(newHedge(config, layers), models[0]), nil
}

// MustHedge is NewHedge, but panics on an error.
func MustHedge(config HedgeConfig, models ...model.LLM) model.LLM {
	return check.Must(NewHedge(config, models...))
}

func (c HedgeConfig) check() (errs []error) {
	if c.Delay < 0 {
		errs = append(errs, fmt.Errorf("router: HedgeConfig.Delay: %v is negative; must be 0 (measured) or more", c.Delay))
	}
	if c.MinDelay < 0 {
		errs = append(errs, fmt.Errorf("router: HedgeConfig.MinDelay: %v is negative; must be 0 (default: %v) or more", c.MinDelay, DefaultMinHedgeDelay))
	}
	if !(c.MaxExtraLoad >= 0 && c.MaxExtraLoad <= 1) { // also NaN
		errs = append(errs, fmt.Errorf("router: HedgeConfig.MaxExtraLoad: %v is out of range; must be 0 (default: %v) or up to 1", c.MaxExtraLoad, DefaultMaxExtraLoad))
	}
	return errs
}

// hedge is the layer. Its calls share the budget and the measurements.
type hedge struct {
	name    string
	layers  []stream.Layer // steps
	racing  []stream.Layer // layers without the last resorts
	resorts []stream.Layer // layers that are or hold last resorts
	ruled   bool           // rules concern a model
	config  HedgeConfig
	budget  *share.Budget
	unary   quantile.Latencies // times to the whole answer
	stream  quantile.Latencies // times to the first content
	warned  atomic.Bool        // of a model name that no target has
}

func newHedge(config HedgeConfig, layers []stream.Layer) *hedge {
	if config.MinDelay == 0 {
		config.MinDelay = DefaultMinHedgeDelay
	}
	if config.MaxExtraLoad == 0 {
		config.MaxExtraLoad = DefaultMaxExtraLoad
	}
	h := &hedge{name: layers[0].Name(), config: config, budget: share.New(config.MaxExtraLoad, config.MaxExtraLoad*HedgeWindow, 1)}
	h.layers, h.ruled = stepsOf(layers)
	for _, layer := range h.layers {
		last := group.IsLastResort(layer)
		if !last {
			h.racing = append(h.racing, layer)
		}
		if last || group.HasLastResort(layer) {
			h.resorts = append(h.resorts, layer)
		}
	}
	return h
}

// Name implements model.LLM.
func (h *hedge) Name() string { return h.name }

// GenerateContent implements model.LLM.
func (h *hedge) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(h, ctx, req, streamed)
}

// Members implements group.Group.
func (h *hedge) Members() []stream.Layer { return h.layers }

// First implements stream.Leader.
func (h *hedge) First(ctx context.Context) (context.Context, stream.Layer) {
	return ctx, h.layers[0]
}

// Do implements stream.Layer.
func (h *hedge) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Root == "" {
		out.Root = h.name
	}
	outer := out.Orders
	defer func() { out.Orders = outer }()
	if rules, _ := out.Rules.(*course); rules != nil || h.ruled {
		out.Rules = rules.within()
	}
	var err error = &middleware.RefusedError{By: "router", Model: h.name, Reason: "none of its models may answer now"}
	if outer.LastResorts != stream.LastResortsOnly && len(h.racing) > 0 {
		out.LastResorts = stream.LastResortsLater
		var closed bool
		if err, closed = h.race(ctx, req, streamed, out); err == nil || closed || ctx.Err() != nil {
			return err
		}
	}
	if outer.LastResorts == stream.LastResortsLater {
		return err
	}
	return group.AskLastResorts(ctx, h.resorts, out, err, func(l stream.Layer) error { return l.Do(ctx, req, streamed, out) })
}

// race calls all models but the last resorts. closed reports whether no other model
// may be called.
func (h *hedge) race(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) (err error, closed bool) {
	h.budget.Earn()
	r := &race{hedge: h, req: req, streamed: streamed, out: out, items: make(chan stream.Item)}
	defer r.end(ctx)
	r.first, _ = group.Choose(h.racing, out, &h.warned)
	r.chosen = out.Chosen
	return r.run(ctx), r.closed
}

// delay returns how long a model may be without content.
func (h *hedge) delay(stream bool) time.Duration {
	if h.config.Delay > 0 {
		return h.config.Delay
	}
	if measured, ok := h.latencies(stream).P95(); ok {
		return max(measured, h.config.MinDelay)
	}
	return max(DefaultHedgeDelay, h.config.MinDelay)
}

func (h *hedge) latencies(stream bool) *quantile.Latencies {
	if stream {
		return &h.stream
	}
	return &h.unary
}
