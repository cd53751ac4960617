package middleware

import (
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
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
	check.Model("middleware: Chain", m)
	for i := len(layers) - 1; i >= 0; i-- {
		if layers[i] == nil {
			panic(fmt.Sprintf("middleware: Chain: layers[%d] is nil; must be a middleware", i))
		}
		if m = layers[i](m); nilcheck.Model(m) {
			panic(fmt.Sprintf("middleware: Chain: layers[%d] returned nil; must be a model", i))
		}
	}
	return m
}

// KindRefused is the kind of a call that was not made: a breaker is open, a
// limit or a budget is used up, the model cannot take the request.
const KindRefused = stream.KindRefused

// RefusedError says that a layer did not let a call through to its model. It is
// a verdict to fall back: another target may be free.
type RefusedError = stream.RefusedError
