package middleware_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

func TestRequestsPerMinuteSpacesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 60})(flash)
		started := time.Now()
		for i := range 70 {
			if err := generate(t.Context(), m); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			want := time.Duration(max(i-59, 0)) * time.Second
			if got := time.Since(started).Truncate(time.Millisecond); got != want {
				t.Fatalf("call %d came after %v, want %v", i, got, want)
			}
		}
	})
}

// B77
func TestCallThatWouldWaitInVainIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 2})(flash)
		calls(t, m, flash, 2)
		started := time.Now()
		err := generate(t.Context(), m)
		want := &middleware.RefusedError{
			By: "limit", Model: "flash", Reason: "the rate is used up for longer than a call may wait", Until: started.Add(30 * time.Second),
		}
		if diff := cmp.Diff(want, refusedBy(err, "limit")); diff != "" {
			t.Errorf("refusal (-want +got):\n%s", diff)
		}
		if v := failure.Classify(err); v.Action != failure.Fallback {
			t.Errorf("the refusal means %s, want a fallback", v.Action)
		}
		if waited := time.Since(started); waited != 0 {
			t.Errorf("refused after %v, want at once", waited)
		}

		equal := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 2, MaxWait: 30 * time.Second})(flash)
		calls(t, equal, flash, 2)
		if err := generate(t.Context(), equal); refusedBy(err, "limit") == nil || time.Since(started) != 0 {
			t.Errorf("with a turn at the end of MaxWait: %v after %v, want a refusal at once", err, time.Since(started))
		}

		patient := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 2, MaxWait: time.Hour})(flash)
		calls(t, patient, flash, 2)
		hurried, cancel := context.WithTimeout(t.Context(), 29*time.Second)
		defer cancel()
		if err := generate(hurried, patient); refusedBy(err, "limit") == nil || time.Since(started) != 0 {
			t.Errorf("with a deadline before its turn: %v after %v, want a refusal at once", err, time.Since(started))
		}
	})
}

func TestTokensPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60})(flash)
		started := time.Now()
		for i, want := range []time.Duration{0, 0, 5 * time.Second, 10 * time.Second} {
			text := strings.Repeat("word", []int{55, 5, 5, 5}[i])
			if err := <-send(t.Context(), m, text, ""); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			if got := time.Since(started).Truncate(time.Millisecond); got != want {
				t.Errorf("call %d came after %v, want %v", i, got, want)
			}
		}
	})
}

func TestProvidersCountTakesTheEstimatesPlace(t *testing.T) {
	tests := []struct {
		name      string
		estimated int
		counted   int32
		next      int // tokens of the next call
		want      time.Duration
	}{
		{"more", 10, 40, 30, 10 * time.Second},
		{"less", 60, 20, 40, 0},
		{"less, and the rest is not free", 60, 20, 41, time.Second},
		{"much more", 10, 1000, 20, time.Minute - 30*time.Second},
		{"unknown", 60, 0, 10, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse {
					return &model.LLMResponse{
						Content: genai.NewContentFromText("ok", genai.RoleModel), FinishReason: genai.FinishReasonStop,
						UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: tt.counted},
					}
				}))
				m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60, MaxWait: time.Hour})(flash)
				_ = say(t.Context(), m, strings.Repeat("word", tt.estimated), "")
				started := time.Now()
				_ = say(t.Context(), m, strings.Repeat("word", tt.next), "")
				if got := time.Since(started).Truncate(time.Millisecond); got != tt.want {
					t.Errorf("the next call waited for %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// taps counts the responses it sees.
type taps int

func (n *taps) Answered(_ *stream.Sink, _ *model.LLMResponse, t stream.Ticket) bool {
	*n += taps(t[0])
	return false
}

func TestLimitLeavesTheTapsAroundIt(t *testing.T) {
	m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60})(llmtest.NewModel("flash", llmtest.Text("ok")))
	out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
	var seen taps
	out.Enter(&seen, stream.Ticket{7})
	for range 2 {
		_ = stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, out)
	}
	if seen != 14 {
		t.Errorf("the tap saw %d times 7 for 2 calls, want 14", seen)
	}
	if out.Leave() {
		t.Error("another tap than the first was the last to enter")
	}
}

func TestRequestLargerThanTheBucketIsRefused(t *testing.T) {
	cyclic := map[string]any{}
	cyclic["again"] = cyclic
	part := func(p *genai.Part) []*genai.Content { return []*genai.Content{{Parts: []*genai.Part{nil, p}}} }
	hundred := strings.Repeat("word", 100)
	tests := []struct {
		name  string
		req   model.LLMRequest
		large bool
	}{
		{"empty", model.LLMRequest{}, false},
		{"text that fits", model.LLMRequest{Contents: part(genai.NewPartFromText(hundred))}, false},
		{"text", model.LLMRequest{Contents: part(genai.NewPartFromText(hundred + "!"))}, true},
		{"two contents", model.LLMRequest{Contents: append(part(genai.NewPartFromText(hundred)), nil, genai.NewContentFromText("!", genai.RoleUser))}, true},
		{"system instruction", model.LLMRequest{Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(hundred+"!", genai.RoleUser)}}, true},
		{"function call", model.LLMRequest{Contents: part(genai.NewPartFromFunctionCall("f", map[string]any{"q": []any{hundred}}))}, true},
		{"function response", model.LLMRequest{Contents: part(genai.NewPartFromFunctionResponse("f", map[string]any{"a": map[string]any{"b": hundred}}))}, true},
		{"numbers that fit", model.LLMRequest{Contents: part(genai.NewPartFromFunctionCall("f", map[string]any{"abcd": 1.5, "efgh": true}))}, false},
		{"value within itself", model.LLMRequest{Contents: part(genai.NewPartFromFunctionCall("f", cyclic))}, true},
		{"image", model.LLMRequest{Contents: part(genai.NewPartFromBytes(make([]byte, 10), "image/png"))}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 100})(llmtest.NewModel("flash", llmtest.Text("ok")))
				started := time.Now()
				var err error
				for _, e := range m.GenerateContent(t.Context(), &tt.req, false) {
					err = e
				}
				if refused := refusedBy(err, "limit"); (refused != nil) != tt.large {
					t.Errorf("refusal = %v, want one: %v", refused, tt.large)
				}
				if waited := time.Since(started); waited != 0 {
					t.Errorf("it took %v, want no wait", waited)
				}
			})
		})
	}
}

// B80
func TestPlaceIsGivenBackHoweverACallEnds(t *testing.T) {
	panicking := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }
	ends := map[string]func(t *testing.T, around func(model.LLM) model.LLM){
		"answer": func(t *testing.T, around func(model.LLM) model.LLM) {
			_ = generate(t.Context(), around(llmtest.NewModel("flash", llmtest.Text("ok"))))
		},
		"error": func(t *testing.T, around func(model.LLM) model.LLM) {
			_ = generate(t.Context(), around(llmtest.NewModel("flash", down)))
		},
		"model panics": func(t *testing.T, around func(model.LLM) model.LLM) {
			_ = generate(t.Context(), around(llmtest.NewModel("flash", panicking)))
		},
		"consumer stops": func(t *testing.T, around func(model.LLM) model.LLM) {
			for range around(llmtest.NewModel("flash", llmtest.Text("a long answer"))).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				break
			}
		},
		"consumer panics": func(t *testing.T, around func(model.LLM) model.LLM) {
			defer func() { _ = recover() }()
			for range around(llmtest.NewModel("flash", llmtest.Text("a long answer"))).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				panic("consumer")
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			limit := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1, MaxWait: time.Nanosecond})
			var m model.LLM
			end(t, func(flash model.LLM) model.LLM {
				m = limit(flash)
				return m
			})
			if err := generate(t.Context(), m); refusedBy(err, "limit") != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

func TestWaitIsRecordedWithTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"), down)
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1, MaxWait: time.Hour})(flash)
		calls(t, m, flash, 1)
		out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
		_ = stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, out)
		attempts, _ := out.Attempts()
		if len(attempts) != 1 || attempts[0].Wait.Truncate(time.Millisecond) != time.Minute {
			t.Errorf("attempts = %+v, want one that waited for a minute", attempts)
		}
	})
}

func TestLimitConfigErrorsNameEveryField(t *testing.T) {
	_, err := middleware.NewLimit(middleware.LimitConfig{RequestsPerMinute: -1, TokensPerMinute: -1, MaxConcurrent: -1, MaxQueue: -1, MaxWait: -1, Priorities: map[string]int{"paid": 1, "Paid": 2, "batch": -1}})
	want := []string{
		"middleware: LimitConfig.RequestsPerMinute: -1 is negative; must be 0 for no limit, or more",
		"middleware: LimitConfig.TokensPerMinute: -1 is negative; must be 0 for no limit, or more",
		"middleware: LimitConfig.MaxConcurrent: -1 is negative; must be 0 for no limit, or more",
		"middleware: LimitConfig.MaxQueue: -1 is negative; must be 0 for 100, or more",
		"middleware: LimitConfig.MaxWait: -1ns is negative; must be 0 for 10s, or more",
		`middleware: LimitConfig.Priorities["paid"]: is the same name as "Paid", because case does not matter; remove one of them`,
	}
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if _, err := middleware.NewLimit(middleware.LimitConfig{Adaptive: true}); err == nil || !strings.Contains(err.Error(), "no limit is set") {
		t.Errorf("without any limit: %v", err)
	}
}

func ExampleNewLimit() {
	limit, err := middleware.NewLimit(middleware.LimitConfig{
		RequestsPerMinute: 2,
		MaxWait:           5 * time.Second,
	})
	if err != nil {
		panic(err)
	}
	m := middleware.Chain(llmtest.NewModel("flash", llmtest.Text("ok")), limit)
	for range 3 {
		fmt.Println(generate(context.Background(), m))
	}
	// Output:
	// <nil>
	// <nil>
	// middleware: limit refused flash: the rate is used up for longer than a call may wait
}
