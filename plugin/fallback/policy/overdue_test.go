package policy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A text that was shown when the time of a call is over is taken back before the
// answer of last resort. B52, B87
func TestLastResortTakesBackWhatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			if yield(&model.LLMResponse{Content: genai.NewContentFromText("half a", genai.RoleModel), Partial: true}, nil) {
				<-ctx.Done()
				yield(nil, ctx.Err())
			}
		}
		m := build(t, "primary: a\nfallbacks: [{name: template-response}]\ntimeouts: {total: 1s}\ndegrade: {template: sorry}", models(llmtest.NewModel("a", half)))
		var got []string
		for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hello")}, true) {
			if err != nil {
				t.Fatal(err)
			}
			switch restart, _ := resp.CustomMetadata[call.KeyRestart].(bool); {
			case restart:
				got = append(got, "restart")
			case resp.Partial:
				got = append(got, "partial "+resp.Content.Parts[0].Text)
			default:
				got = append(got, "final "+resp.Content.Parts[0].Text)
			}
		}
		if diff := cmp.Diff([]string{"partial half a", "restart", "partial sorry", "final sorry"}, got); diff != "" {
			t.Errorf("responses (-want +got):\n%s", diff)
		}
	})
}

// A call whose time is over says so, and what took it; it is no attempt. B55
func TestErrorOfACallWhoseTimeIsOver(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b}, {name: c}]\nflags: {f: {targets: [b], default: false}}\ntimeouts: {total: 2s}\n"
	const want = "policy: the time for the whole call is over: timeouts.total of 2s passed; a: The model is overloaded.; b: flag f is off; c: total limit passed"
	synctest.Test(t, func(t *testing.T) {
		m := build(t, text, models(llmtest.NewModel("a", after(time.Second, llmtest.Fail(llmtest.ErrUnavailable))), llmtest.NewModel("b"), llmtest.NewModel("c", silent)))
		got := ask(t.Context(), m, false)
		if late := (*failure.TimeoutError)(nil); !errors.As(got.err, &late) || *late != (failure.TimeoutError{Phase: "total", Limit: 2 * time.Second}) || !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the time limit of 2s and an exceeded deadline", got.err)
		}
		if v := failure.Classify(got.err); v.Kind != failure.KindTimeout || v.Scope != failure.ScopeRequest {
			t.Errorf("verdict %+v, want a timeout that no model is to blame for", v)
		}
		if got.err.Error() != want || got.took != 2*time.Second {
			t.Errorf("after %v: %v\nwant after 2s: %s", got.took, got.err, want)
		}
		// What an outer router has tried before is its own to tell.
		outer := router.MustFallback(router.Config{}, llmtest.NewModel("before", llmtest.Fail(llmtest.ErrUnavailable)), m)
		if got := ask(t.Context(), outer, false); !strings.HasSuffix(got.err.Error(), want) {
			t.Errorf("%v, want it to end with %s", got.err, want)
		}
	})
}

// The record of a call is bounded; its first attempt, which always stays, may be an
// outer router's.
func TestErrorOfALongCallWhoseTimeIsOver(t *testing.T) {
	const n = call.MaxAttempts + 4
	text, given := "primary: m0\nfallbacks: [", named()
	for i := range n {
		name, step := fmt.Sprint("m", i), llmtest.Fail(llmtest.ErrUnavailable)
		if i == n-1 {
			step = silent
		}
		given[name] = llmtest.NewModel(name, step)
		if i > 0 {
			text += "{name: " + name + "}, "
		}
	}
	synctest.Test(t, func(t *testing.T) {
		m := build(t, text+"]\nretry: {max_attempts: 1}\ntimeouts: {total: 200s}\n", given)
		outer := router.MustFallback(router.Config{}, llmtest.NewModel("before", llmtest.Fail(llmtest.ErrUnavailable)), m)
		got := ask(t.Context(), outer, false)
		_, own, _ := strings.Cut(got.err.Error(), "passed")
		if own == "" || strings.Contains(own, "before") {
			t.Errorf("%v, want the policy to list its own attempts alone", got.err)
		}
	})
}
