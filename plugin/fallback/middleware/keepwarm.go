package middleware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// DefaultKeepWarmInterval is shorter than the 90 seconds after which Go's default
// transport closes an idle connection.
const DefaultKeepWarmInterval = time.Minute

// KeepWarmConfig says which models are kept warm, and how.
type KeepWarmConfig struct {
	// Models are the fallbacks to keep warm, each with its own layers, as the router
	// gets them. At least one.
	Models []model.LLM
	// Interval is how long a model may be without a call before it gets a small request.
	// 0 means DefaultKeepWarmInterval.
	Interval time.Duration
	// Request returns the small request. It must be safe for concurrent use. Nil means
	// Ping.
	Request func() *model.LLMRequest
	// Timeout is how long a small request may take. 0 means DefaultProbeTimeout.
	Timeout time.Duration
	// OnPing is called with the result of each small request, nil for an answer, on the
	// goroutine of that request. A bad key of a fallback shows here before the fallback
	// is needed. It must be safe for concurrent use. A panic in it is recovered and
	// logged. Optional.
	OnPing func(model string, err error)
}

// NewKeepWarm returns a middleware that keeps fallbacks warm: while calls pass through
// it, each of Models that has not answered one of them for Interval gets a small request
// in the background. Its connections stay open, and its breaker knows its health before
// it is needed. It goes around the router:
//
//	warm := middleware.MustKeepWarm(middleware.KeepWarmConfig{Models: []model.LLM{pro, gpt}})
//	m := middleware.Chain(router.MustFallback(router.Config{}, flash, pro, gpt), warm)
//
// A call starts the small requests and does not wait for them, so without calls there
// are none and no goroutine. Each has a goroutine of its own, which ends with the
// request, at the latest one second after Timeout. A model that ignores the end of its
// context keeps one until it returns; until then it gets no other small request.
//
// Small requests are in no record of a call. Their provider bills them: 60 an hour per
// model with the default. A budget around a model charges them to the tenant "".
//
// The error names every wrong field.
func NewKeepWarm(config KeepWarmConfig) (Middleware, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	config.Interval = cmp.Or(config.Interval, DefaultKeepWarmInterval)
	config.Timeout = cmp.Or(config.Timeout, DefaultProbeTimeout)
	if config.Request == nil {
		config.Request = Ping
	}
	return func(m model.LLM) model.LLM {
		check.Model("middleware: KeepWarm", m)
		k := &keepWarm{Around: stream.Around{Inner: stream.Of(m)}, config: config}
		for _, standby := range config.Models {
			k.standbys = append(k.standbys, &standbyModel{pinger: newPinger(stream.Of(standby), config.Request, config.Timeout)})
		}
		return stream.Forward(k, m)
	}, nil
}

// MustKeepWarm is NewKeepWarm, but panics on an error.
func MustKeepWarm(config KeepWarmConfig) Middleware { return check.Must(NewKeepWarm(config)) }

func (c *KeepWarmConfig) check() error {
	problems := []error{
		check.NotNegative("middleware: KeepWarmConfig.Interval", c.Interval, fmt.Sprintf("0 for %v, or more", DefaultKeepWarmInterval)),
		check.NotNegative("middleware: KeepWarmConfig.Timeout", c.Timeout, fmt.Sprintf("0 for %v, or more", DefaultProbeTimeout)),
	}
	if len(c.Models) == 0 {
		problems = append(problems, errors.New("middleware: KeepWarmConfig.Models is empty; must have one model or more"))
	}
	for i, m := range c.Models {
		if nilcheck.Model(m) {
			problems = append(problems, fmt.Errorf("middleware: KeepWarmConfig.Models[%d] is nil; must be a model", i))
		}
	}
	return errors.Join(problems...)
}

// keepWarm is the layer.
type keepWarm struct {
	stream.Around
	config   KeepWarmConfig
	standbys []*standbyModel
}

// standbyModel is a model that is kept warm.
type standbyModel struct {
	*pinger
	due  atomic.Int64 // Unix time, in nanoseconds, of the next small request
	busy atomic.Bool  // a small request is under way
}

func (k *keepWarm) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(k, ctx, req, streamed)
}

func (k *keepWarm) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	now := time.Now().UnixNano()
	for _, s := range k.standbys {
		if now >= s.due.Load() && s.busy.CompareAndSwap(false, true) {
			s.due.Store(now + int64(k.config.Interval))
			go k.warm(s)
		}
	}
	err := k.Inner.Do(ctx, req, streamed, out)
	if err == nil {
		for _, s := range k.standbys {
			if s.name == out.Model {
				s.due.Store(time.Now().UnixNano() + int64(k.config.Interval))
			}
		}
	}
	return err
}

// warm makes a small request.
func (k *keepWarm) warm(s *standbyModel) {
	out, err := s.ping()
	k.tell(s.name, err)
	out.WhenEnded(0, func() { s.busy.Store(false) })
}

// tell calls the hook.
func (k *keepWarm) tell(name string, err error) {
	if k.config.OnPing == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: KeepWarmConfig.OnPing panicked", "model", name, "panic", panics.Text(r))
		}
	}()
	k.config.OnPing(name, err)
}
