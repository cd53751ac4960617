package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// B55
func TestTimeout(t *testing.T) {
	limits := middleware.TimeoutConfig{FirstContent: 2 * time.Second, Idle: 4 * time.Second, Total: time.Minute}
	empty := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for yield(&model.LLMResponse{Partial: true, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{}}, nil) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
	stall := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil) {
			silence(ctx, req, stream, yield)
		}
	}
	polls := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil)
		for ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
		}
		yield(nil, ctx.Err())
	}
	for _, test := range []struct {
		name     string
		step     llmtest.Step
		streamed bool
		phase    string // of the error; empty for an answer
		least    time.Duration
		most     time.Duration
	}{
		{"silence", silence, true, "first content", 2 * time.Second, 2 * time.Second},
		{"silence, unary", silence, false, "first content", 2 * time.Second, 2 * time.Second},
		{"only empty chunks", empty, true, "first content", 2 * time.Second, 2 * time.Second},
		{"a stall", stall, true, "idle", 4 * time.Second, 4500 * time.Millisecond},
		{"a stall of a model that asks but does not listen", polls, true, "idle", 4 * time.Second, 4600 * time.Millisecond},
		{"slow but moving", words(10, 1900*time.Millisecond), true, "", 19 * time.Second, 19 * time.Second},
		{"moving just within idle", after(time.Second, words(5, 900*time.Millisecond)), true, "", 5500 * time.Millisecond, 5500 * time.Millisecond},
		{"never ending", words(1000, time.Second), true, "total", time.Minute, time.Minute},
		{"in time", after(time.Second, llmtest.Text("hi")), false, "", time.Second, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				got := ask(t.Context(), middleware.MustTimeout(limits)(llmtest.NewModel("flash", test.step)), test.streamed)
				took := time.Since(started)
				if took < test.least || took > test.most {
					t.Errorf("it took %v, want %v to %v", took, test.least, test.most)
				}
				var timeout *failure.TimeoutError
				errors.As(got.err, &timeout)
				switch {
				case test.phase == "" && (got.err != nil || got.final == nil):
					t.Errorf("%+v, want an answer", got)
				case test.phase != "" && (timeout == nil || timeout.Phase != test.phase):
					t.Errorf("error %v, want a timeout of %q", got.err, test.phase)
				case test.phase != "" && failure.Classify(got.err).Action != failure.Fallback:
					t.Errorf("verdict %+v, want a fallback", failure.Classify(got.err))
				}
			})
		})
	}
}

// B55: the time that the consumer takes is not the model's, whoever listens when.
func TestTheConsumersTimeIsNotTheModels(t *testing.T) {
	hold := func(listen func(ctx context.Context)) llmtest.Step {
		return func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			listen(ctx)
			yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil)
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			yield(&model.LLMResponse{Content: genai.NewContentFromText("whole", genai.RoleModel)}, nil)
		}
	}
	for name, listen := range map[string]func(ctx context.Context){
		"nobody listens":    func(context.Context) {},
		"the model listens": func(ctx context.Context) { go func() { <-ctx.Done() }() },
		"it begins to, meanwhile": func(ctx context.Context) {
			go func() {
				time.Sleep(time.Second)
				<-ctx.Done()
			}()
		},
		"it asks, meanwhile": func(ctx context.Context) {
			go func() {
				for ctx.Err() == nil {
					time.Sleep(time.Second)
				}
			}()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := middleware.MustTimeout(middleware.TimeoutConfig{Idle: 2 * time.Second})(llmtest.NewModel("flash", hold(listen)))
			for _, err := range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				time.Sleep(10 * time.Second)
			}
			time.Sleep(time.Minute) // for who still listens
		})
	}
}

// B39
func TestTheCallersCancellationIsNotATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m := middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 2 * time.Second})(llmtest.NewModel("flash", silence))
		got := ask(ctx, m, true)
		var timeout *failure.TimeoutError
		if errors.As(got.err, &timeout) || !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the caller's deadline", got.err)
		}
	})
}

// A model that ignores its context is left behind after the grace.
func TestGraceContainsAModelThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(time.Hour)
			yield(&model.LLMResponse{Content: genai.NewContentFromText("late", genai.RoleModel)}, nil)
		})
		m := middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 2 * time.Second, Grace: time.Second})(deaf)
		mustNotHang(t, 3*time.Second, func() {
			got := ask(t.Context(), m, true)
			var timeout *failure.TimeoutError
			if !errors.As(got.err, &timeout) || !strings.Contains(got.err.Error(), "ignores its cancellation") {
				t.Errorf("error %v, want a timeout that tells of the model", got.err)
			}
		})
		time.Sleep(2 * time.Hour) // the bubble would report a goroutine that is left
	})
}

func TestGracePassesStreamsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second}
		for name, step := range map[string]llmtest.Step{"words": words(5, time.Second), "error": llmtest.Fail(llmtest.ErrUnavailable, "half ")} {
			plain := ask(t.Context(), llmtest.NewModel("flash", step), true)
			got := ask(t.Context(), middleware.MustTimeout(config)(llmtest.NewModel("flash", step)), true)
			if got.text != plain.text || got.partials != plain.partials || (got.err == nil) != (plain.err == nil) {
				t.Errorf("%s: %+v, want %+v", name, got, plain)
			}
		}
	})
}

// B56
func TestConsumerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, grace := range []time.Duration{0, time.Second} {
			closed := false
			m := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: grace})(llmtest.NewModel("flash",
				func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					defer func() { closed = true }()
					words(10, time.Second)(ctx, req, stream, yield)
				}))
			for range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				break
			}
			synctest.Wait()
			time.Sleep(time.Minute)
			if !closed {
				t.Errorf("grace %v: the model's iterator was not closed", grace)
			}
		}
	})
}

func TestTimeoutConfigNamesEveryWrongField(t *testing.T) {
	_, err := middleware.NewTimeout(middleware.TimeoutConfig{FirstContent: -1, Idle: -1, Total: -1, Grace: -1})
	for _, field := range []string{"FirstContent", "Idle", "Total", "Grace"} {
		if err == nil || !strings.Contains(err.Error(), "TimeoutConfig."+field) {
			t.Errorf("error %v, want one that names %s", err, field)
		}
	}
	if _, err := middleware.NewTimeout(middleware.TimeoutConfig{}); err == nil || !strings.Contains(err.Error(), "no limit") {
		t.Errorf("error %v, want one that asks for a limit", err)
	}
}

func ExampleNewTimeout() {
	limited, err := middleware.NewTimeout(middleware.TimeoutConfig{FirstContent: 10 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range limited(llmtest.NewModel("flash", silence)).GenerateContent(context.Background(), &model.LLMRequest{}, true) {
		fmt.Println(err)
	}
	// Output: flash: failure: attempt timed out: first content limit of 10ms passed
}

// listed is a model whose API takes no schema of a list: the engine wraps it in an object.
type listed struct{ *llmtest.Model }

func (listed) Target() provider.Target { return provider.Target{API: provider.Chat, Model: "gpt-4o"} }

// B55, B103: an answer that is shown only when it is whole, because it has to be unwrapped, is not
// cut off while it grows.
func TestWrappedAnswerIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pieces := []string{`{"resp`, `onse":`, `["a"`, `]}`}
		grows := func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			for _, piece := range pieces {
				time.Sleep(1500 * time.Millisecond)
				yield(llmtest.Chunk(piece), nil)
			}
			yield(&model.LLMResponse{Content: llmtest.Chunk(strings.Join(pieces, "")).Content, FinishReason: genai.FinishReasonStop}, nil)
		}
		stalls := func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			yield(llmtest.Chunk(pieces[0]), nil)
			silence(ctx, req, streamed, yield)
		}
		limited := middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 2 * time.Second, Idle: 2 * time.Second})(listed{llmtest.NewModel("gpt-4o", grows, stalls)})
		req := &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{
			ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}},
		}}
		var texts []string
		for resp, err := range limited.GenerateContent(t.Context(), req, true) {
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, llmtest.TextOf(resp.Content))
		}
		if len(texts) != 1 || texts[0] != `["a"]` {
			t.Errorf("the texts are %q, want only the answer", texts)
		}
		for _, err := range limited.GenerateContent(t.Context(), req, true) {
			if timeout, ok := errors.AsType[*failure.TimeoutError](err); !ok || timeout.Phase != "idle" {
				t.Errorf("a stall: %v, want a timeout of phase idle", err)
			}
		}
	})
}
