package property_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// forest makes random trees of routers, and notes what becomes of their models.
type forest struct {
	t      *rapid.T
	models int
	asked  map[string]bool // by name
	failed map[string]bool
	fatal  bool // a verdict to fail was given
	well   int  // models that would answer
}

// leaf is a model with one fault, or an answer of last resort.
func (f *forest) leaf() model.LLM {
	f.models++
	name := fmt.Sprint("m", f.models)
	switch fault := rapid.IntRange(0, 9).Draw(f.t, name); fault {
	case 0:
		return degrade.MustTemplate(degrade.TemplateConfig{Name: name, Text: "sorry"})
	case 1, 2, 3:
		return f.model(name, llmtest.Text("an answer"), false, false)
	case 4:
		return f.model(name, llmtest.Fail(genai.APIError{Code: 401, Status: "UNAUTHENTICATED", Message: "API key not valid."}), true, true)
	default:
		return f.model(name, llmtest.Fail(llmtest.ErrUnavailable), true, false)
	}
}

func (f *forest) model(name string, step llmtest.Step, fails, fatal bool) model.LLM {
	if !fails {
		f.well++
	}
	return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		f.asked[name], f.failed[name] = true, fails
		f.fatal = f.fatal || fatal
		step(ctx, req, streamed, yield)
	})
}

// tree is a leaf, or a router over trees.
func (f *forest) tree(depth int) model.LLM {
	kind := rapid.IntRange(0, 4).Draw(f.t, "kind")
	if depth == 0 || kind == 0 {
		return f.leaf()
	}
	var members []model.LLM
	for range rapid.IntRange(2, 3).Draw(f.t, "members") {
		members = append(members, f.tree(depth-1))
	}
	switch kind {
	case 1:
		return router.MustHedge(router.HedgeConfig{}, members...)
	case 2:
		return middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second})(router.MustFallback(router.Config{}, members...))
	}
	return router.MustFallback(router.Config{}, members...)
}

// B110, B111, B114: over any tree, one final response or one error; a verdict to fail
// is the end; an answer of last resort comes when every model has failed; metadata
// names a model that was asked.
func TestPropertyTreesOfRouters(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &forest{t: rt, asked: map[string]bool{}, failed: map[string]bool{}}
		m := router.MustFallback(router.Config{}, f.tree(3))
		streamed := rapid.Bool().Draw(rt, "streamed")
		var finals []*model.LLMResponse
		var errs []error
		synctest.Test(t, func(t *testing.T) {
			for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, streamed) {
				if err != nil {
					errs = append(errs, err)
				} else if !resp.Partial {
					finals = append(finals, resp)
				}
			}
		})
		if len(finals)+len(errs) != 1 {
			rt.Fatalf("%d final responses and %v, want one of both", len(finals), errs)
		}
		if len(errs) == 1 {
			if v := failure.Classify(errs[0]); (v.Action == failure.Fail) != f.fatal {
				rt.Fatalf("the error means %s (%v); a verdict to fail was given: %v", v.Action, errs[0], f.fatal)
			}
			return
		}
		if f.fatal {
			rt.Fatalf("an answer after a verdict to fail: %v", finals[0].CustomMetadata)
		}
		md, _ := call.ReadResponse(finals[0])
		if md.Degraded == "" {
			if !f.asked[md.ModelName] || f.failed[md.ModelName] {
				rt.Fatalf("metadata names %q; asked %v, failed %v", md.ModelName, f.asked, f.failed)
			}
			return
		}
		if f.well > 0 {
			rt.Fatalf("degraded although %d models are well", f.well)
		}
	})
}
