package middleware

import (
	"context"
	"iter"
	"log/slog"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/ledger"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Middleware returns the layer that charges attempts at one model to b. It goes
// innermost, directly around Attempt or the model, so that every attempt passes
// it, and around each model with a price, so that no fallback goes round it.
//
// An attempt is charged what Cost makes of the latest usage that it has reported,
// in its final response, also a refused one, or before it was cut off. Without one,
// or with one that counts no token, it is charged its projected price: an attempt
// that was cut off, by a timeout, the caller or the other side of a hedge, has been
// paid for up to there. It is charged nothing if, before any content, the provider
// failed it with an error status, which is not billed
// (https://ai.google.dev/gemini-api/docs/billing), or was not reached.
func (b *Budget) Middleware() Middleware {
	return func(m model.LLM) model.LLM {
		checkModel("Budget", m)
		return stream.Forward(&charged{Around: stream.Around{Inner: stream.Of(m)}, budget: b, tariff: b.tariff(m.Name()), named: b.tariff}, m)
	}
}

// tariff returns what the configuration says of a model.
func (b *Budget) tariff(name string) Tariff {
	t := Tariff{Price: func(req *model.LLMRequest) (float64, bool) { return b.config.Price(name, req) }}
	if b.config.Cost != nil {
		t.Cost = func(usage *genai.GenerateContentResponseUsageMetadata) float64 { return b.config.Cost(name, usage) }
	}
	return t
}

// Tariff is what attempts at one model cost: BudgetConfig.Price and Cost without
// the name. The zero value knows no price.
type Tariff struct {
	Price func(req *model.LLMRequest) (projected float64, ok bool)
	Cost  func(usage *genai.GenerateContentResponseUsageMetadata) float64
}

// MiddlewareAt is Middleware for a model whose tariff is not the one of its name
// in the configuration: prices that change while the budget stays. Each attempt
// ends at the tariff at which it began.
func (b *Budget) MiddlewareAt(t Tariff) Middleware {
	return func(m model.LLM) model.LLM {
		checkModel("Budget", m)
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
	account, why := l.budget.ledger.Reserve(call.From(ctx).Tenant, projected, known)
	if why != nil {
		return refusal(why, l.Name(), projected)
	}
	var err error // nil if the attempt ends in a panic
	defer func() {
		cost := l.cost(ctx, tariff, projected, out.Usage(), err, out.Shown)
		if earlier := out.Earlier; earlier != nil {
			cost += l.cost(ctx, tariff, projected, earlier.Usage, earlier.Err, false)
		}
		l.budget.settle(account, projected, cost)
	}()
	err = l.Inner.Do(ctx, req, streamed, out)
	return err
}

// cost returns what an attempt that ended with err is charged.
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

// isUnbilled tells whether a failure before any content cost nothing.
func isUnbilled(v failure.Verdict) bool {
	return v.HTTPStatus >= 400 || v.Kind == failure.KindNetwork || v.Kind == KindRefused
}

// price asks Tariff.Price.
func (l *charged) price(tariff Tariff, req *model.LLMRequest) (ledger.Nano, bool) {
	if tariff.Price == nil {
		return 0, false
	}
	return l.amount("Price", func() (float64, bool) { return tariff.Price(req) })
}

// usageCost asks Tariff.Cost.
func (l *charged) usageCost(tariff Tariff, usage *genai.GenerateContentResponseUsageMetadata) (ledger.Nano, bool) {
	return l.amount("Cost", func() (float64, bool) { return tariff.Cost(usage), true })
}

// amount asks a hook, which may panic or return what is no amount.
func (l *charged) amount(hook string, ask func() (float64, bool)) (amount ledger.Nano, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: the "+hook+" of a budget panicked", "model", l.Name(), "panic", r)
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
