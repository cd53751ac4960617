package turn

import (
	"context"
	"log/slog"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

func (p *Plugin) logger() *slog.Logger {
	if p.config.Logger != nil {
		return p.config.Logger
	}
	return slog.Default()
}

// tell calls OnAttempt for attempts.
func (p *Plugin) tell(ctx context.Context, attempts ...call.Attempt) {
	if hook := p.config.OnAttempt; hook != nil {
		for _, a := range attempts {
			p.contain("OnAttempt", func() { hook(ctx, a) })
		}
	}
}

// tellFallback reports the end of a call that another model answered, or no model.
func (p *Plugin) tellFallback(ctx context.Context, md call.Metadata) {
	if hook := p.config.OnFallback; hook != nil {
		p.contain("OnFallback", func() { hook(ctx, md) })
	}
	outcome := call.OK
	if md.FallbackModel == "" {
		outcome = call.Failed
	}
	p.tellEnd(ctx, outcome, md)
}

// tellEnd calls OnEnd.
func (p *Plugin) tellEnd(ctx context.Context, outcome call.Outcome, md call.Metadata) {
	hook := p.config.OnEnd
	if hook == nil {
		return
	}
	r := call.Result{Metadata: md, Outcome: outcome}
	for _, a := range md.Attempts {
		r.Duration += a.Wait + a.Duration
	}
	p.contain("OnEnd", func() { hook(ctx, r) })
}

// tellHealthy calls the hooks for a call that its model has answered: with own, or with
// the attempts in the model's own metadata.
func (p *Plugin) tellHealthy(ctx context.Context, inner call.Metadata, own call.Attempt) {
	if len(inner.Attempts) == 0 {
		p.tell(ctx, own)
		inner.ModelName, inner.Attempts = own.Model, []call.Attempt{own}
		p.tellEnd(ctx, call.OK, inner)
		return
	}
	p.tell(ctx, inner.Attempts...)
	if inner.Triggered {
		p.tellFallback(ctx, inner)
		return
	}
	p.tellEnd(ctx, call.OK, inner)
}

// contain keeps a panic of a hook from the call.
func (p *Plugin) contain(hook string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			p.logger().Error("fallback: Config."+hook+" panicked", "panic", panics.Text(r))
		}
	}()
	f()
}

// log writes the log line of a fallback. md.FallbackModel is the model that answered or
// is called next, and failed the model that it replaces.
func (p *Plugin) log(ctx Context, level slog.Level, message, failed string, md call.Metadata) {
	logger := p.logger()
	if !logger.Enabled(ctx, level) {
		return
	}
	logger.LogAttrs(ctx, level, message,
		slog.String("agent", ctx.AgentName()), slog.String("invocation", ctx.InvocationID()),
		slog.String("original_model", md.OriginalModel), slog.String("failed_model", failed), slog.String("fallback_model", md.FallbackModel),
		slog.Int("attempt", md.Attempt), slog.String("code", md.ErrorCode), slog.String("reason", md.Reason))
}

// maxWarned bounds the codes that are remembered as warned of.
const maxWarned = 64

// once remembers what was warned of.
type once struct {
	mu   sync.Mutex
	seen map[string]bool // guarded by mu
}

// first tells whether key is seen for the first time.
func (o *once) first(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[key] || len(o.seen) == maxWarned {
		return false
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	o.seen[key] = true
	return true
}

// warnOfNothing warns once per code that a configured error has no fallback.
func (p *Plugin) warnOfNothing(ctx Context, failed, code string) {
	if p.warned.first(code) {
		p.logger().WarnContext(ctx, "fallback: a configured error has nothing to fall back to; set Config.Recover or Config.FallbackModel",
			"agent", ctx.AgentName(), "model", failed, "code", code)
	}
}

// warnOfBound warns once that states were dropped because of MaxTurns.
func (p *Plugin) warnOfBound() {
	if p.warned.first("") {
		p.logger().Warn("fallback: more turns that have left their root are between two calls than Config.MaxTurns; "+
			"the least recently used start at their root again",
			"max_turns", p.config.MaxTurns, "prune_to", p.config.PruneTo)
	}
}
