package router_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func resuming(models ...model.LLM) model.LLM {
	return router.MustFallback(router.Config{MidStream: router.Resume}, models...)
}

func prefilling(name string, steps ...llmtest.Step) model.LLM {
	return router.Describe(llmtest.NewModel(name, steps...), router.Traits{Prefill: true})
}

// B120: the text goes on, whatever the models that follow make of it.
func TestResumedText(t *testing.T) {
	down := llmtest.ErrUnavailable
	cut := llmtest.Fail(down, "one ", "two ")
	thinks := send(&model.LLMResponse{Content: &genai.Content{Parts: []*genai.Part{{Text: "hm", Thought: true}}}, Partial: true})
	for _, test := range []struct {
		name   string
		models []model.LLM
		want   string
		err    string
	}{
		{"another text, then the next", []model.LLM{llmtest.NewModel("a", cut), llmtest.NewModel("b", llmtest.Text("one other")), llmtest.NewModel("c", llmtest.Text("one two three"))}, "one two three[one two three]", ""},
		{"who can continue comes first", []model.LLM{llmtest.NewModel("a", cut), llmtest.NewModel("b", llmtest.Text("one two x")), prefilling("c", llmtest.Text("three"))}, "one two three[one two three]", ""},
		{"another text after more of this one", []model.LLM{llmtest.NewModel("a", cut), llmtest.NewModel("b", pieces("x", "one two three ", "x")), llmtest.NewModel("c", llmtest.Text("one two three x y"))}, "one two three x", "does not continue"},
		{"all are other texts, and the first is asked once more", []model.LLM{llmtest.NewModel("a", cut, llmtest.Text("one two three")), llmtest.NewModel("b", llmtest.Text("other"))}, "one two three[one two three]", ""},
		{"one model alone is asked once more", []model.LLM{llmtest.NewModel("a", cut, llmtest.Text("one two three"))}, "one two three[one two three]", ""},
		{"and not twice", []model.LLM{llmtest.NewModel("a", cut, llmtest.Fail(down), llmtest.Text("one two three"))}, "one two ", "overloaded"},
		{"restated in pieces", []model.LLM{llmtest.NewModel("a", cut), prefilling("b", pieces("one two three", "o", "ne t", "wo", " th", "ree"))}, "one two three[one two three]", ""},
		{"restated in part, then it goes on", []model.LLM{llmtest.NewModel("a", cut), prefilling("b", pieces("one three", "one ", "three"))}, "one two one three[one two one three]", ""},
		{"restated only in the final response", []model.LLM{llmtest.NewModel("a", cut), prefilling("b", pieces("one two three"))}, "one two three[one two three]", ""},
		{"no prefill after thoughts alone", []model.LLM{llmtest.NewModel("a", thinks), prefilling("b", llmtest.Text("one"))}, "hmone[one]", ""},
		{"refuses to continue, then replays", []model.LLM{llmtest.NewModel("a", cut), prefilling("b", llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "no prefill"}), llmtest.Text("one two three"))}, "one two three[one two three]", ""},
		{"cut again in the middle of a replay", []model.LLM{llmtest.NewModel("a", cut), llmtest.NewModel("b", llmtest.Fail(down, "one ")), llmtest.NewModel("c", llmtest.Text("one two three"))}, "one two three[one two three]", ""},
		{"a healthy model whose final text differs is its own", []model.LLM{llmtest.NewModel("a", pieces("one two", "one ", "two "))}, "one two [one two]", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t.Context(), resuming(test.models...), true)
			if got.stream != test.want || (got.err != nil) != (test.err != "") || got.err != nil && !strings.Contains(got.err.Error(), test.err) {
				t.Errorf("the consumer saw %q (%v), want %q (%v)", got.stream, got.err, test.want, test.err)
			}
		})
	}
}

// B120: a retry within a replay is compared from its start, before anything new was
// shown and after.
func TestRetryWithinAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, b := range map[string][]llmtest.Step{
			"before anything new": {llmtest.Fail(llmtest.ErrUnavailable, "one "), llmtest.Text("one two three four")},
			"after":               {llmtest.Fail(llmtest.ErrUnavailable, "one ", "two ", "three "), llmtest.Text("one two three four")},
		} {
			m := resuming(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "one ", "two ")), middleware.MustRetry(middleware.RetryConfig{})(llmtest.NewModel("b", b...)))
			if got := ask(t.Context(), m, true); got.stream != "one two three four[one two three four]" || got.err != nil {
				t.Errorf("%s: the consumer saw %q (%v), want one text", name, got.stream, got.err)
			}
		}
	})
}

// B120: parts keep their order, each model is named on its first partial response,
// and the final response counts what all of them have cost.
func TestResumedResponses(t *testing.T) {
	usage := func(prompt, answer, thoughts int32) *genai.GenerateContentResponseUsageMetadata {
		return &genai.GenerateContentResponseUsageMetadata{
			PromptTokenCount: prompt, CachedContentTokenCount: 1, ToolUsePromptTokenCount: 2, CandidatesTokenCount: answer, ThoughtsTokenCount: thoughts,
			TotalTokenCount: prompt + answer + thoughts + 2,
		}
	}
	text := func(s string) *genai.Part { return &genai.Part{Text: s} }
	thought, image := &genai.Part{Text: "hm", Thought: true}, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png"}}
	parts := func(partial bool, u *genai.GenerateContentResponseUsageMetadata, version string, parts ...*genai.Part) *model.LLMResponse {
		return &model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: parts}, Partial: partial, UsageMetadata: u, ModelVersion: version}
	}
	a := llmtest.NewModel("a", send(parts(true, nil, "a-1", text("one ")), parts(true, usage(10, 20, 30), "a-1", text("two "))))
	whole := parts(false, usage(1, 2, 3), "b-1", thought, text("one two three"), image, text(" four"))
	whole.FinishReason = genai.FinishReasonStop
	b := llmtest.NewModel("b", send(parts(true, nil, "b-1", thought, text("one two th"), image, text("r")), parts(true, nil, "b-1", text("ee"), image, text(" four")), whole))

	var got []string
	var final *model.LLMResponse
	for resp, err := range resuming(a, b).GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, true) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprint(resp.ModelVersion, " ", resp.CustomMetadata[call.KeyModelName], ":")
		for _, part := range resp.Content.Parts {
			switch {
			case part.InlineData != nil:
				line += " image"
			case part.Thought:
				line += " (" + part.Text + ")"
			default:
				line += fmt.Sprintf(" %q", part.Text)
			}
		}
		got, final = append(got, line), resp
	}
	if diff := cmp.Diff([]string{
		`a-1 a: "one "`, `a-1 <nil>: "two "`,
		`b-1 b: (hm) "th" image "r"`, `b-1 <nil>: "ee" image " four"`,
		`b-1 b: (hm) "one two three" image " four"`,
	}, got); diff != "" {
		t.Errorf("responses (-want +got):\n%s", diff)
	}
	want := usage(11, 22, 33)
	want.CachedContentTokenCount, want.ToolUsePromptTokenCount, want.TotalTokenCount = 2, 4, 70
	if diff := cmp.Diff(want, final.UsageMetadata); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	// B123
	md, _ := call.ReadResponse(final)
	if cut := md.Attempts[0]; cut.InputTokens != 12 || cut.OutputTokens != 50 {
		t.Errorf("the record has %d and %d tokens of the model that was cut off, want 12 and 50", cut.InputTokens, cut.OutputTokens)
	}
}

// B120: resuming is linear: four times the chunks allocate about four times as much.
func TestResumeIsLinear(t *testing.T) {
	for name, second := range map[string]func(step llmtest.Step) model.LLM{
		"replayed": func(step llmtest.Step) model.LLM { return llmtest.NewModel("b", step) },
		"restated": func(step llmtest.Step) model.LLM { return prefilling("b", step) },
	} {
		bytes := func(chunks int) uint64 {
			stream := func(n int, err error) llmtest.Step {
				return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
					for range n {
						if !yield(chunk("word "), nil) {
							return
						}
					}
					if err != nil {
						yield(nil, err)
						return
					}
					yield(&model.LLMResponse{Content: chunk(strings.Repeat("word ", n)).Content, FinishReason: genai.FinishReasonStop}, nil)
				}
			}
			m := resuming(llmtest.NewModel("a", stream(chunks/2, llmtest.ErrUnavailable)), second(stream(chunks, nil)))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for _, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, true) {
				if err != nil {
					t.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		if few, many := bytes(500), bytes(2000); many > 6*few {
			t.Errorf("%s: %d bytes for 2,000 chunks, %d for 500; want at most 6 times as many", name, many, few)
		}
	}
}

// B120: the usage of a resumed answer covers every attempt at it, also those that a
// layer within the router has made.
func TestResumedUsageOfAttemptsWithinATarget(t *testing.T) {
	whole := counted("one two three", 7)
	whole.Partial, whole.FinishReason = false, genai.FinishReasonStop
	cut := func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		if yield(counted("one ", 10), nil) {
			yield(nil, llmtest.ErrUnavailable)
		}
	}
	down := llmtest.Fail(llmtest.ErrUnavailable)
	retry := middleware.MustRetry(middleware.RetryConfig{BaseDelay: 1, MaxDelay: 1})
	grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Second})
	for name, m := range map[string]model.LLM{
		"two targets":                      resuming(llmtest.NewModel("a", cut), llmtest.NewModel("b", send(whole))),
		"a retry":                          resuming(retry(llmtest.NewModel("a", cut, send(whole)))),
		"a retry, with a grace":            resuming(retry(grace(llmtest.NewModel("a", cut, send(whole))))),
		"a group":                          resuming(fallback(llmtest.NewModel("a", cut), llmtest.NewModel("b", send(whole)))),
		"a group whose last sends nothing": resuming(fallback(llmtest.NewModel("a", cut), llmtest.NewModel("b", down)), llmtest.NewModel("c", send(whole))),
		"a group, one of it sends nothing": resuming(fallback(llmtest.NewModel("a", cut), llmtest.NewModel("b", down), llmtest.NewModel("c", send(whole)))),
	} {
		t.Run(name, func(t *testing.T) {
			var got int32
			for resp, err := range m.GenerateContent(t.Context(), userSays("hi"), true) {
				if err != nil {
					t.Fatal(err)
				}
				if !resp.Partial {
					got = resp.UsageMetadata.PromptTokenCount
				}
			}
			if got != 17 {
				t.Errorf("the answer tells %d tokens, want 17: 10 of the attempt that was cut off, and its own 7", got)
			}
		})
	}
}
