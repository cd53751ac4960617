package middleware

import (
	"context"
	"iter"
	"log/slog"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/ledger"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Middleware returns the layer that charges attempts at one model to b. It goes
// innermost, directly around Attempt or the model, so that every attempt passes
// it. Every model with a price needs it, including fallbacks.
//
// An attempt is charged the Cost of the latest usage that it reported, in a final
// response (also a rejected one) or before it was cut off. Without a usage, or with
// one of 0 tokens, it is charged its projected price: the provider also bills attempts
// cut off by a timeout, the caller or a hedge. It is charged nothing if, before any
// content, the provider was not reached or returned an error status, which is not
// billed (https://ai.google.dev/gemini-api/docs/billing).
func (b *Budget) Middleware() Middleware {
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Budget", m)
		return stream.Forward(&charged{Around: stream.Around{Inner: stream.Of(m)}, budget: b, tariff: b.tariff(m.Name()), named: b.tariff}, m)
	}
}

// tariff returns the configured tariff of a model.
func (b *Budget) tariff(name string) Tariff {
	t := Tariff{Price: func(req *model.LLMRequest) (float64, bool) { return b.config.Price(name, req) }}
	if b.config.Cost != nil {
		t.Cost = func(usage *genai.GenerateContentResponseUsageMetadata) float64 { return b.config.Cost(name, usage) }
	}
	return t
}

// Tariff has the prices of one model: BudgetConfig.Price and Cost without the name. In
// the zero value the price is unknown.
type Tariff struct {
	Price func(req *model.LLMRequest) (projected float64, ok bool)
	Cost  func(usage *genai.GenerateContentResponseUsageMetadata) float64
}

// MiddlewareAt is Middleware with a tariff of its own instead of the configured one,
// for prices that change while the budget stays. An attempt keeps the tariff that it
// began with.
func (b *Budget) MiddlewareAt(t Tariff) Middleware {
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Budget", m)
		return stream.Forward(&charged{Around: stream.Around{Inner: stream.Of(m)}, budget: b, tariff: t}, m)
	}
}

// charged is the layer around one model.
type charged struct {
	stream.Around
	budget *Budget
	tariff Tariff
	named  func(model string) Tariff // for a request that names another model; nil for the same
}

func (l *charged) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

func (l *charged) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.AsksNoModel() {
		return l.Inner.Do(ctx, req, streamed, out)
	}
	tariff := l.tariff
	if out.Chosen != "" && l.named != nil {
		tariff = l.named(out.Chosen)
	}
	projected, known := l.price(tariff, req)
	reserved, why, err := l.budget.ledger.Reserve(ctx, match.Fold(call.From(ctx).Tenant), projected, known)
	switch {
	case why != nil:
		return refusal(why, l.Name(), projected)
	case err != nil:
		return stream.Ended(ctx)
	}
	before := out.Begun()
	defer func() {
		usage := out.Usage()
		if out.Begun() == before {
			usage = nil // that of another target: no attempt was made
		}
		cost := l.cost(ctx, tariff, projected, usage, err, out.Shown)
		if earlier := out.Earlier; earlier != nil {
			cost += l.cost(ctx, tariff, projected, earlier.Usage, earlier.Err, false)
		}
		l.budget.settle(reserved, cost)
	}()
	err = l.Inner.Do(ctx, req, streamed, out)
	return err
}

// Early implements stream.Early. It reserves nothing, so that a call that does not need its
// reservation does not count as spending meanwhile.
func (l *charged) Early(ctx context.Context, req *model.LLMRequest, _ *stream.Sink) {
	projected, _ := l.price(l.tariff, req)
	go l.budget.ledger.Prepare(ctx, match.Fold(call.From(ctx).Tenant), projected) // ends with the store's answer
}

// cost returns the charge of an attempt that ended with err.
func (l *charged) cost(ctx context.Context, tariff Tariff, projected ledger.Nano, usage *genai.GenerateContentResponseUsageMetadata, err error, shown bool) ledger.Nano {
	if usage != nil && tariff.Cost != nil {
		if cost, ok := l.usageCost(tariff, usage); ok {
			return cost
		}
		return projected
	}
	if err != nil && usage == nil && !shown && isUnbilled(stream.VerdictOf(ctx, err)) {
		return 0
	}
	return projected
}

// isUnbilled reports whether a failure before any content cost nothing.
func isUnbilled(v failure.Verdict) bool {
	return v.HTTPStatus >= 400 || v.Kind == failure.KindNetwork || v.Kind == KindRefused
}

// price calls Tariff.Price.
func (l *charged) price(tariff Tariff, req *model.LLMRequest) (ledger.Nano, bool) {
	if tariff.Price == nil {
		return 0, false
	}
	return l.amount("Price", func() (float64, bool) { return tariff.Price(req) })
}

// usageCost calls Tariff.Cost.
func (l *charged) usageCost(tariff Tariff, usage *genai.GenerateContentResponseUsageMetadata) (ledger.Nano, bool) {
	return l.amount("Cost", func() (float64, bool) { return tariff.Cost(usage), true })
}

// amount calls a hook, which may panic or return an invalid amount.
func (l *charged) amount(hook string, ask func() (float64, bool)) (amount ledger.Nano, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: the "+hook+" of a budget panicked", "model", l.Name(), "panic", panics.Text(r))
			amount, ok = 0, false
		}
	}()
	dollars, known := ask()
	if !known {
		return 0, false
	}
	if amount, ok = ledger.ToNano(dollars); !ok {
		slog.Error("middleware: the "+hook+" of a budget returned what is no amount", "model", l.Name(), "returned", dollars)
	}
	return amount, ok
}
