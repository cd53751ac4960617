package middleware_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// panicOf returns what f panics with, as text.
func panicOf(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

// emptied is a model whose own model was forgotten.
type emptied struct{ model.LLM }

func TestNilIsFoundWhenTheProgramStarts(t *testing.T) {
	flash := llmtest.NewModel("flash", llmtest.Text("ok"))
	breaker := middleware.MustBreaker(middleware.BreakerConfig{})
	var unset middleware.Middleware
	nothing := func(model.LLM) model.LLM { return nil }
	for _, test := range []struct {
		name string
		make func()
		want string
	}{
		{"nil layer", func() { middleware.Chain(flash, breaker, nil) }, "Chain: layers[1] is nil"},
		{"nil layer in a variable", func() { middleware.Chain(flash, unset, breaker) }, "Chain: layers[0] is nil"},
		{"layer that returns nil", func() { middleware.Chain(flash, breaker, nothing) }, "Chain: layers[1] returned nil"},
		{"nil model in a chain", func() { middleware.Chain(nil) }, "Chain: the model is nil"},
		{"nil model", func() { breaker(nil) }, "Breaker: the model is nil"},
		{"nil pointer", func() { breaker((*llmtest.Model)(nil)) }, "Breaker: the model is nil"},
		{"struct around nil", func() { breaker(&emptied{}) }, "Breaker: the model is nil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := panicOf(test.make); !strings.Contains(got, test.want) {
				t.Errorf("panics with %q, want %q in it", got, test.want)
			}
		})
	}
}
