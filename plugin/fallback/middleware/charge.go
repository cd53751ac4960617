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
// An attempt is charged the Cost of the latest usage that it reported, in a final response
// (also a rejected one) or before it was cut off. It is charged before the consumer gets the
// response; a usage after that can only raise the charge. Without a usage, or with one of 0
// tokens, it is charged its projected price: the provider also bills attempts cut off by a
// timeout, the caller or a hedge. It is charged nothing if, before any content, the provider
// was not reached, returned an error status (not billed,
// https://ai.google.dev/gemini-api/docs/billing) or refused the call: no credential, no
// credit, a limit, no capacity.
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
	b := &bill{charged: l, ctx: ctx, tariff: tariff, projected: projected, reserved: reserved, before: out.Begun()}
	out.Enter(b, stream.Ticket{})
	defer func() { // also when a consumer panics
		out.Leave()
		b.pay(b.due(out, err))
	}()
	err = l.Inner.Do(ctx, req, streamed, out)
	return err
}

// bill is the charge of a call.
type bill struct {
	*charged
	ctx       context.Context
	tariff    Tariff
	projected ledger.Nano
	reserved  ledger.Reservation
	before    int64 // the number of the attempt before
	paid      ledger.Nano
}

// Answered implements stream.Tap. A call is charged before the consumer gets the answer: ADK
// runs tools and other agents while it holds the answer, and their calls may need what is left
// of the reservation.
func (b *bill) Answered(out *stream.Sink, _ *model.LLMResponse, _ stream.Ticket) (enough bool) {
	if out.Usage() == nil {
		return false // it may follow
	}
	b.pay(b.due(out, nil))
	return true
}

// due returns the charge of a call that ended with err.
func (b *bill) due(out *stream.Sink, err error) ledger.Nano {
	usage := out.Usage()
	if out.Begun() == b.before {
		usage = nil // that of another target: no attempt was made
	}
	cost := b.cost(b.ctx, b.tariff, b.projected, usage, err, out.Shown)
	for _, earlier := range out.Earlier {
		cost += b.cost(b.ctx, b.tariff, b.projected, earlier.Usage, earlier.Err, false)
	}
	return cost
}

// pay ends the reservation, and charges cost, less what was paid already.
func (b *bill) pay(cost ledger.Nano) {
	b.budget.settle(b.reserved, max(cost-b.paid, 0))
	b.reserved, b.paid = b.reserved.Settled(), max(cost, b.paid)
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
	switch v.Kind {
	case failure.KindNetwork, KindRefused,
		// Also without a status, as from an SDK that finds no credential.
		failure.KindAuth, failure.KindBilling, failure.KindLocation, failure.KindModel,
		failure.KindZeroQuota, failure.KindQuota, failure.KindRateLimit, failure.KindCapacity, failure.KindOverloaded:
		return true
	}
	return v.HTTPStatus >= 400
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
