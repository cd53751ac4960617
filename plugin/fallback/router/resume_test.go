package router_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B53
func TestResume(t *testing.T) {
	const answer = "one two three four"
	cut := func(step llmtest.Step) model.LLM { return llmtest.NewModel("first", step) }
	half := llmtest.Fail(llmtest.ErrUnavailable, "one ", "two ")
	rest := llmtest.Text("three four")
	refusing := func(next llmtest.Step) llmtest.Step {
		return func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			if req.Contents[len(req.Contents)-1].Role == genai.RoleModel {
				yield(nil, genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "prefill is not supported"})
				return
			}
			next(ctx, req, s, yield)
		}
	}
	for _, test := range []struct {
		name   string
		first  llmtest.Step
		second llmtest.Step
		traits router.Traits
		tools  bool
		want   string
		err    error
	}{
		{"continued by prefill", half, rest, router.Traits{Prefill: true}, false, "one two three four[" + answer + "]", nil},
		{"replayed", half, llmtest.Text(answer), router.Traits{}, false, "one two three four[" + answer + "]", nil},
		{"replayed because of tools", half, llmtest.Text(answer), router.Traits{Prefill: true}, true, "one two three four[" + answer + "]", nil},
		{"compared because of tools", half, rest, router.Traits{Prefill: true}, true, "one two ", router.ErrDiverged},
		{"replayed because prefill is refused", half, refusing(llmtest.Text(answer)), router.Traits{Prefill: true}, false, "one two three four[" + answer + "]", nil},
		{"another text", half, llmtest.Text("one other text"), router.Traits{}, false, "one two ", router.ErrDiverged},
		{"a shorter text", half, llmtest.Text("one"), router.Traits{}, false, "one two ", router.ErrDiverged},
		{"failure before content", llmtest.Fail(llmtest.ErrQuota), llmtest.Text(answer), router.Traits{}, false, "one two three four[" + answer + "]", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := router.MustFallback(router.Config{MidStream: router.Resume}, cut(test.first), router.Describe(llmtest.NewModel("second", test.second), test.traits))
			req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("count", genai.RoleUser)}}
			if test.tools {
				req.Tools = map[string]any{"lookup": nil}
			}
			got := collect(m.GenerateContent(t.Context(), req, true))
			if got.stream != test.want || !errors.Is(got.err, test.err) {
				t.Errorf("the consumer saw %q with error %v, want %q with %v", got.stream, got.err, test.want, test.err)
			}
		})
	}
}

// B53: the third continues where the second was cut off too.
func TestResumeTwice(t *testing.T) {
	m := router.MustFallback(router.Config{MidStream: router.Resume},
		llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable, "one ")),
		llmtest.NewModel("second", llmtest.Fail(llmtest.ErrUnavailable, "one ", "two ")),
		llmtest.NewModel("third", llmtest.Text("one two three")))
	if got := ask(t.Context(), m, true); got.stream != "one two three[one two three]" {
		t.Errorf("the consumer saw %q (%v), want one whole answer", got.stream, got.err)
	}
}

// B52, B53: a router inside an application's own model restarts its answer.
func TestRestartInsideAnApplicationsModel(t *testing.T) {
	inner := func(first ...string) model.LLM {
		return wrapped{router.MustFallback(router.Config{}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, first...)), llmtest.NewModel("b", llmtest.Text("one two three")))}
	}
	cut := llmtest.NewModel("cut", llmtest.Fail(llmtest.ErrUnavailable, "one "))
	for _, test := range []struct {
		name   string
		mode   router.MidStream
		models []model.LLM
		want   string
		err    error
	}{
		{"restart", router.Restart, []model.LLM{inner("one ")}, "one |one two three[one two three]", nil},
		{"resume", router.Resume, []model.LLM{inner("one ", "two ")}, "one two three[one two three]", nil},
		{"resume after another target", router.Resume, []model.LLM{cut, inner("one ", "two ")}, "one two three[one two three]", nil},
		{"resume after another target, nothing added", router.Resume, []model.LLM{cut, inner("on")}, "one two three[one two three]", nil},
		{"resume with another text", router.Resume, []model.LLM{inner("two ")}, "two ", router.ErrDiverged},
		{"fail", router.FailMidStream, []model.LLM{inner("one ")}, "one ", failure.ErrTruncated},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t.Context(), router.MustFallback(router.Config{MidStream: test.mode}, test.models...), true)
			if got.stream != test.want || !errors.Is(got.err, test.err) {
				t.Errorf("the consumer saw %q (%v), want %q (%v)", got.stream, got.err, test.want, test.err)
			}
		})
	}
}

// B53: a model may send its answer in several responses, such as a text and a function call.
func TestResumePassesOnWhatFollowsTheAnswer(t *testing.T) {
	text := &model.LLMResponse{Content: genai.NewContentFromText("one two", genai.RoleModel)}
	call := &model.LLMResponse{Content: genai.NewContentFromFunctionCall("lookup", nil, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	m := router.MustFallback(router.Config{MidStream: router.Resume}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "one ")), llmtest.NewModel("b", send(text, call)))
	if got := ask(t.Context(), m, true); got.stream != "one two[one two][]" || got.err != nil || len(got.final.Content.Parts) != 1 || got.final.Content.Parts[0].FunctionCall == nil {
		t.Errorf("the consumer saw %q (%v), want the text and then the call", got.stream, got.err)
	}
}
