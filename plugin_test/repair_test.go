package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// refusal is an error of the shape of OpenAI's SDK.
type refusal struct {
	StatusCode int
	raw        string
}

func (e *refusal) Error() string   { return fmt.Sprintf("POST: %d", e.StatusCode) }
func (e *refusal) RawJSON() string { return e.raw }

func refuse(param, message string) llmtest.Step {
	raw, _ := json.Marshal(map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "param": param, "code": nil}})
	return llmtest.Fail(&refusal{400, string(raw)})
}

func withSettings() *model.LLMRequest {
	return &model.LLMRequest{
		Contents: genai.Text("hello"),
		Config: &genai.GenerateContentConfig{
			Temperature: genai.Ptr[float32](0.2), Seed: genai.Ptr[int32](7),
			Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather"}}}},
		},
	}
}

// answerOf makes a unary call and returns the final response.
func answerOf(t *testing.T, m model.LLM, req *model.LLMRequest) (*model.LLMResponse, error) {
	t.Helper()
	var last *model.LLMResponse
	for resp, err := range m.GenerateContent(t.Context(), req, false) {
		if err != nil {
			return nil, err
		}
		last = resp
	}
	return last, nil
}

// B126: a refused optional setting is left out, the same model is asked again at
// once, and it is not sent again for a day.
func TestRefusedSettingIsRepaired(t *testing.T) {
	var log strings.Builder
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	synctest.Test(t, func(t *testing.T) {
		first := llmtest.NewModel("custom-1", refuse("temperature", "temperature is not supported"), llmtest.Text("repaired"))
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
		m := router.MustFallback(router.Config{}, breaker(first), llmtest.NewModel("other", llmtest.Text("other")))

		req := withSettings()
		answer, err := answerOf(t, m, req)
		if err != nil || llmtest.TextOf(answer.Content) != "repaired" {
			t.Fatalf("answer %v, error %v; want the same model's", answer, err)
		}
		if md, _ := call.ReadResponse(answer); md.Triggered || md.ModelName != "custom-1" {
			t.Errorf("metadata %+v: want no fallback", md)
		}
		if req.Config.Temperature == nil {
			t.Error("the caller's request was changed")
		}
		sent := func(i int) bool { return first.Requests()[i].Config.Temperature != nil }
		if !sent(0) || sent(1) || first.Requests()[1].Config.Seed == nil {
			t.Error("want temperature in the first request alone, and the seed in both")
		}
		time.Sleep(23 * time.Hour)
		if _, err := answerOf(t, m, withSettings()); err != nil || sent(2) {
			t.Errorf("after 23 hours: temperature sent %v, error %v; want the lesson kept", sent(2), err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := answerOf(t, m, withSettings()); err != nil || !sent(3) {
			t.Errorf("after 25 hours: temperature sent %v, error %v; want it tried again", sent(3), err)
		}
	})
	if !strings.Contains(log.String(), "part=temperature") || strings.Contains(log.String(), "hello") {
		t.Errorf("log %q: want the setting named, and no prompt", log.String())
	}
}

// B126: most servers name one setting at a time, and each of them is left out.
func TestEachRefusedSettingIsRepaired(t *testing.T) {
	first := llmtest.NewModel("custom-11", refuse("temperature", "temperature is not supported"), refuse("seed", "seed is not supported"), llmtest.Text("repaired"), llmtest.Text("again"))
	m := router.MustFallback(router.Config{}, first, llmtest.NewModel("other", llmtest.Text("other")))
	for i, want := range []string{"repaired", "again"} {
		answer, err := answerOf(t, m, withSettings())
		if err != nil || llmtest.TextOf(answer.Content) != want {
			t.Fatalf("call %d: answer %v, error %v; want %s", i, answer, err, want)
		}
	}
	requests := first.Requests()
	if len(requests) != 4 {
		t.Fatalf("the model was called %d times, want 4", len(requests))
	}
	for i, req := range requests {
		if temperature, seed := req.Config.Temperature != nil, req.Config.Seed != nil; temperature != (i < 1) || seed != (i < 2) {
			t.Errorf("request %d: temperature sent %v, seed sent %v", i, temperature, seed)
		}
	}
}

// B126: one caller's value that is out of range does not take the setting from the others.
func TestRefusedValueIsNotRemembered(t *testing.T) {
	m := llmtest.NewModel("custom-13", refuse("temperature", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead."),
		llmtest.Text("repaired"), llmtest.Text("again"))
	var log strings.Builder
	source := stream.NewSource(m, stream.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		if _, err := answerOf(t, source, withSettings()); err != nil {
			t.Fatal(err)
		}
	}
	if requests := m.Requests(); len(requests) != 3 || requests[1].Config.Temperature != nil || requests[2].Config.Temperature == nil {
		t.Errorf("%d requests; want the temperature omitted in the second one only", len(requests))
	}
	if !strings.Contains(log.String(), "this call omits it") || !strings.Contains(log.String(), "part=temperature") {
		t.Errorf("the log is %q", log.String())
	}
}

// B126: a server that never stops refusing is called nine times.
func TestRepairsAreBounded(t *testing.T) {
	var steps []llmtest.Step
	for i := range 20 {
		steps = append(steps, refuse("max_tokens", fmt.Sprintf("This model supports at most %d completion tokens", 50-i)))
	}
	m := llmtest.NewModel("custom-12", steps...)
	req := withSettings()
	req.Config.MaxOutputTokens = 100
	if _, err := answerOf(t, stream.NewSource(m, stream.Options{Logger: slog.New(slog.DiscardHandler)}), req); err == nil {
		t.Error("no error")
	}
	if n := len(m.Requests()); n != 9 {
		t.Errorf("the model was called %d times, want 9", n)
	}
}

// B106: if no repair helps, the next target is asked, which is told what was left out for
// the one that answers.
func TestARefusalWithoutARepairMovesOn(t *testing.T) {
	first := llmtest.NewModel("custom-2", refuse("temperature", "not supported with this model"), refuse("tools", "not supported with this model"))
	other := llmtest.NewModel("other", llmtest.Text("other"))
	m := router.MustFallback(router.Config{}, first, other)
	answer, err := answerOf(t, m, withSettings())
	if err != nil || llmtest.TextOf(answer.Content) != "other" {
		t.Fatalf("answer %v, error %v; want the next target's", answer, err)
	}
	if n := len(first.Requests()); n != 2 {
		t.Errorf("the first target was asked %d times, want 2", n)
	}
	if c := other.Requests()[0].Config; c.Temperature == nil || c.Seed == nil {
		t.Error("what one target refuses was left out for another")
	}
	md, _ := call.ReadResponse(answer)
	if len(md.Attempts) != 3 || md.Attempt != 1 || md.Attempts[0].HTTPStatus != 400 || md.Attempts[1].HTTPStatus != 400 {
		t.Errorf("metadata %+v: want both refusals on record, of one model", md)
	}
}

// What would change the answer is never left out to please a server.
func TestNothingEssentialIsRepaired(t *testing.T) {
	for _, test := range []struct{ param, message string }{
		{"tools", "tools is not supported with this model"},
		{"messages[0].content", "unsupported image, temperature is fine"},
		{"max_output_tokens", "max_output_tokens must be at most 4096"},
	} {
		first := llmtest.NewModel("custom-3", refuse(test.param, test.message))
		m := router.MustFallback(router.Config{}, first, llmtest.NewModel("other", llmtest.Text("other")))
		_, _ = answerOf(t, m, withSettings())
		for _, req := range first.Requests()[1:] {
			if len(req.Config.Tools) == 0 {
				t.Errorf("%s: tools were left out", test.param)
			}
		}
		if test.param != "messages[0].content" && len(first.Requests()) != 1 {
			t.Errorf("%s: asked %d times, want 1", test.param, len(first.Requests()))
		}
	}
}

// B126: of calls at the same time each is repaired, not only the one that learns it
// first.
func TestConcurrentCallsAreAllRepaired(t *testing.T) {
	const calls = 8
	var arrived sync.WaitGroup
	arrived.Add(calls)
	m := stream.NewSource(refusing{func() { arrived.Done(); arrived.Wait() }}, stream.Options{Logger: slog.New(slog.DiscardHandler)})
	failed := make(chan error, calls)
	for range calls {
		go func() {
			_, err := answerOf(t, m, withSettings())
			failed <- err
		}()
	}
	for range calls {
		if err := <-failed; err != nil {
			t.Errorf("error %v, want the answer of a second attempt", err)
		}
	}
}

// refusing is a model that refuses a temperature, after wait.
type refusing struct{ wait func() }

func (r refusing) Name() string { return "custom-4" }

func (r refusing) GenerateContent(_ context.Context, req *model.LLMRequest, _ bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if req.Config.Temperature == nil {
			yield(&model.LLMResponse{Content: genai.NewContentFromText("answer", genai.RoleModel), FinishReason: genai.FinishReasonStop, TurnComplete: true}, nil)
			return
		}
		r.wait()
		yield(nil, &refusal{400, `{"error":{"message":"temperature is not supported","param":"temperature"}}`})
	}
}

// A repair that did not help is taken back: the server meant something else.
func TestRepairThatDoesNotHelpIsForgotten(t *testing.T) {
	const message = "unexpected columns of the table: temperature, height"
	first := llmtest.NewModel("custom-5", refuse("", message), refuse("", message), llmtest.Text("answer"))
	m := stream.NewSource(first, stream.Options{Logger: slog.New(slog.DiscardHandler)})
	if _, err := answerOf(t, m, withSettings()); err == nil {
		t.Fatal("no error")
	}
	answer, err := answerOf(t, m, withSettings())
	if err != nil || first.Requests()[2].Config.Temperature == nil {
		t.Errorf("answer %v, error %v: want the temperature in the next request", answer, err)
	}
}

// What is remembered is recorded only of requests that it changes.
func TestRepairOfNothingIsNotRecorded(t *testing.T) {
	first := llmtest.NewModel("custom-6", refuse("temperature", "temperature is not supported"), llmtest.Text("repaired"), llmtest.Text("plain"))
	down := llmtest.NewModel("down", llmtest.Fail(errors.New("connection refused")), llmtest.Fail(errors.New("connection refused")))
	m := router.MustFallback(router.Config{}, down, first)
	for _, want := range []string{"temperature", ""} {
		req := withSettings()
		if want == "" {
			req.Config.Temperature = nil
		}
		answer, err := answerOf(t, m, req)
		if err != nil {
			t.Fatal(err)
		}
		if md, _ := call.ReadResponse(answer); strings.Join(md.Adapted, " ") != want {
			t.Errorf("adapted %q, want %q", md.Adapted, want)
		}
	}
}

// withThoughts is a request with a thought in its history.
func withThoughts() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText("hello", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "greet", Thought: true}, {Text: "hello"}}},
		genai.NewContentFromText("again", genai.RoleUser),
	}}
}

// A refused thought says nothing of other sessions, nor of calls outside one.
func TestRefusedThoughtIsOfItsSession(t *testing.T) {
	for _, test := range []struct {
		name, first, then string
		kept              bool
	}{
		{"same session", "a", "a", false},
		{"other session", "a", "b", true},
		{"no session", "", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			thinking := llmtest.NewModel("custom-7", refuse("", "Invalid `signature` in `thinking` block"), llmtest.Text("repaired"), llmtest.Text("answer"))
			m := stream.NewSource(thinking, stream.Options{Logger: slog.New(slog.DiscardHandler)})
			for _, session := range []string{test.first, test.then} {
				ctx := call.With(t.Context(), call.Info{Session: session})
				for _, err := range m.GenerateContent(ctx, withThoughts(), false) {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			for i, want := range []bool{true, false, test.kept} {
				if got := request.HasThoughts(thinking.Requests()[i].Contents); got != want {
					t.Errorf("request %d: thoughts %v, want %v", i, got, want)
				}
			}
		})
	}
}

// A lesson about all requests outlives any number about single sessions.
func TestLessonsOfSessionsMakeRoom(t *testing.T) {
	steps := []llmtest.Step{refuse("temperature", "temperature is not supported"), llmtest.Text("repaired")}
	for range 70 {
		steps = append(steps, refuse("", "Invalid `signature` in `thinking` block"), llmtest.Text("repaired"))
	}
	m := llmtest.NewModel("custom-8", append(steps, llmtest.Text("answer"))...)
	source := stream.NewSource(m, stream.Options{Logger: slog.New(slog.DiscardHandler)})
	if _, err := answerOf(t, source, withSettings()); err != nil {
		t.Fatal(err)
	}
	for i := range 70 {
		ctx := call.With(t.Context(), call.Info{Session: fmt.Sprint(i)})
		for _, err := range source.GenerateContent(ctx, withThoughts(), false) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := answerOf(t, source, withSettings()); err != nil {
		t.Fatal(err)
	}
	if last := m.Requests()[len(m.Requests())-1]; last.Config.Temperature != nil {
		t.Error("the refused temperature was forgotten")
	}
}

// A refusal after part of an answer has been shown is no matter of the request: the
// model is not called again at once, for its answer would begin twice.
func TestRefusalInTheMiddleOfAStreamIsNotRepaired(t *testing.T) {
	refused := &refusal{400, `{"error":{"message":"temperature is not supported","param":"temperature"}}`}
	m := llmtest.NewModel("custom-9", llmtest.Fail(refused, "once upon "), llmtest.Text("again"))
	source := stream.NewSource(m, stream.Options{Logger: slog.New(slog.DiscardHandler)})
	var last error
	for _, err := range source.GenerateContent(t.Context(), withSettings(), true) {
		last = err
	}
	if last == nil || len(m.Requests()) != 1 {
		t.Errorf("error %v after %d requests, want that of the only one", last, len(m.Requests()))
	}
}

// FastAPI servers refuse a setting with 422. Other statuses are about something else.
func TestRefusalsAreOfTwoStatuses(t *testing.T) {
	for status, want := range map[int]int{400: 2, 422: 2, 403: 1, 500: 1} {
		refused := &refusal{status, `{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]}`}
		m := llmtest.NewModel("custom-10", llmtest.Fail(refused), llmtest.Text("repaired"))
		_, _ = answerOf(t, stream.NewSource(m, stream.Options{Logger: slog.New(slog.DiscardHandler)}), withSettings())
		if got := len(m.Requests()); got != want {
			t.Errorf("status %d: asked %d times, want %d", status, got, want)
		}
	}
}

// B109: retries that an agent sets for genai's client would be attempts that nobody
// counts.
func TestRetriesOfTheRequestAreRemoved(t *testing.T) {
	m := llmtest.NewModel("gemini-2.5-flash", llmtest.Text("answer"))
	req := withSettings()
	req.Config.HTTPOptions = &genai.HTTPOptions{RetryOptions: &genai.HTTPRetryOptions{}}
	if _, err := answerOf(t, stream.NewSource(m, stream.Options{}), req); err != nil {
		t.Fatal(err)
	}
	if m.Requests()[0].Config.HTTPOptions.RetryOptions != nil || req.Config.HTTPOptions.RetryOptions == nil {
		t.Error("want the retries removed from the attempt's copy alone")
	}
}
