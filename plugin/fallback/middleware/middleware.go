package middleware

import (
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Middleware wraps one model in another. It is applied once per target: what it
// keeps (a breaker's state, a limit's tokens) belongs to the model it returns,
// which is safe for concurrent use if the model within is.
//
// One of your own may stand between those of this package. To the layers around
// it, it is then the model: each call to it is one attempt on record whatever is
// tried within, and a router that has nothing left does not reach a breaker
// behind it. Put it innermost, or around the whole, if that matters.
type Middleware func(model.LLM) model.LLM

// Chain applies layers to m in reading order: the first is outermost.
//
//	middleware.Chain(gemini, retry, breaker, timeout) // retry(breaker(timeout(gemini)))
//
// It panics if m or a layer is nil, or a layer returns nil: that is a mistake of
// the program, found when it starts.
func Chain(m model.LLM, layers ...Middleware) model.LLM {
	checkModel("Chain", m)
	for i := len(layers) - 1; i >= 0; i-- {
		if layers[i] == nil {
			panic(fmt.Sprintf("middleware: Chain: layers[%d] is nil; allowed: a middleware", i))
		}
		if m = layers[i](m); nilcheck.Model(m) {
			panic(fmt.Sprintf("middleware: Chain: layers[%d] returned nil; allowed: a model", i))
		}
	}
	return m
}

// KindRefused is the kind of a call that was not made: a breaker is open, a
// limit or a budget is used up.
const KindRefused failure.Kind = "refused"

// RefusedError says that a layer did not let a call through to its model. It is
// a verdict to fall back: another target may be free.
type RefusedError struct {
	By     string    // who refused, such as "breaker", "limit" or "budget"
	Model  string    // the target that was not called
	Reason string    // why, in a few words
	Until  time.Time // when the layer expects to let calls through again; zero if it cannot tell
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("middleware: %s refused %s: %s", e.By, e.Model, e.Reason)
}

// Verdict says what the refusal means; package failure looks for it.
func (e *RefusedError) Verdict() failure.Verdict {
	return failure.Verdict{
		Action: failure.Fallback, Kind: KindRefused, Scope: failure.ScopeModel, Code: e.By, Message: e.Error(), Reason: e.Reason,
	}
}

// must is what every Must function does.
func must(m Middleware, err error) Middleware {
	if err != nil {
		panic(err)
	}
	return m
}

// checkModel refuses to wrap no model: that is a mistake of the program, found
// when it starts.
func checkModel(layer string, m model.LLM) {
	if nilcheck.Model(m) {
		panic("middleware: " + layer + ": the model is nil")
	}
}
