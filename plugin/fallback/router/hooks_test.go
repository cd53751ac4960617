package router_test

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
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// hearing has what hooks are told. It needs no lock, because hooks run on the
// caller's goroutine: with -race, a test fails when they do not.
type hearing struct{ attempts, fallbacks []string }

// config returns a configuration with hooks that add who, the router, to what they
// are told.
func (h *hearing) config(who string) router.Config {
	return router.Config{
		Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
			h.attempts = append(h.attempts, fmt.Sprint(who, ": ", a.Model, " ", a.Outcome, " ", a.Kind))
		},
			OnFallback: func(_ context.Context, md call.Metadata) {
				h.fallbacks = append(h.fallbacks, fmt.Sprintf("%s: %s to %s, %s after %d of %d", who, md.OriginalModel, md.FallbackModel, md.ErrorCode, md.Attempt, len(md.Attempts)))
			}},
	}
}

// B125: hooks see each attempt and each fallback once, in their order, on the
// goroutine of the caller.
func TestHooks(t *testing.T) {
	quota, down := llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrUnavailable)
	for _, test := range []struct {
		name      string
		tree      func(h *hearing) model.LLM
		attempts  []string
		fallbacks []string
	}{
		{
			"the first answers",
			func(h *hearing) model.LLM {
				return router.MustFallback(h.config("r"), llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b")))
			},
			[]string{"r: a ok "}, nil,
		},
		{
			"the first answers in two responses",
			func(h *hearing) model.LLM {
				part := &model.LLMResponse{Content: chunk("a").Content, FinishReason: genai.FinishReasonStop}
				return router.MustFallback(h.config("r"), llmtest.NewModel("a", send(part, part)), llmtest.NewModel("b", llmtest.Text("b")))
			},
			[]string{"r: a ok "}, nil,
		},
		{
			"another answers",
			func(h *hearing) model.LLM {
				return router.MustFallback(h.config("r"), llmtest.NewModel("a", quota), llmtest.NewModel("b", llmtest.Text("b")))
			},
			[]string{"r: a failed rate_limit", "r: b ok "}, []string{"r: a to b, 429 after 1 of 2"},
		},
		{
			"nobody answers",
			func(h *hearing) model.LLM {
				return router.MustFallback(h.config("r"), llmtest.NewModel("a", quota), llmtest.NewModel("b", down))
			},
			[]string{"r: a failed rate_limit", "r: b failed overloaded"}, []string{"r: a to , 503 after 2 of 2"},
		},
		{
			"a refusal is the answer",
			func(h *hearing) model.LLM {
				return router.MustFallback(h.config("r"), llmtest.NewModel("a", quota), llmtest.NewModel("b", refuse("no")))
			},
			[]string{"r: a failed rate_limit", "r: b failed content"}, []string{"r: a to , SAFETY after 2 of 2"},
		},
		{
			"an answer of last resort",
			func(h *hearing) model.LLM {
				return router.MustFallback(h.config("r"), llmtest.NewModel("a", quota), sorry("s"))
			},
			[]string{"r: a failed rate_limit", "r: s ok "}, []string{"r: a to s, 429 after 1 of 2"},
		},
		{
			"nested, the inner answers",
			func(h *hearing) model.LLM {
				inner := router.MustFallback(h.config("in"), llmtest.NewModel("a", quota), llmtest.NewModel("b", llmtest.Text("b")))
				return router.MustFallback(h.config("out"), inner, llmtest.NewModel("c", llmtest.Text("c")))
			},
			[]string{"in: a failed rate_limit", "out: a failed rate_limit", "in: b ok ", "out: b ok "},
			[]string{"in: a to b, 429 after 1 of 2", "out: a to b, 429 after 1 of 2"},
		},
		{
			"nested, the outer answers",
			func(h *hearing) model.LLM {
				inner := router.MustFallback(h.config("in"), llmtest.NewModel("a", quota), llmtest.NewModel("b", down), sorry("s"))
				return router.MustFallback(h.config("out"), inner, llmtest.NewModel("c", llmtest.Text("c")))
			},
			[]string{"in: a failed rate_limit", "out: a failed rate_limit", "in: b failed overloaded", "out: b failed overloaded", "out: c ok "},
			[]string{"in: a to , 503 after 2 of 3", "out: a to c, 503 after 2 of 3"},
		},
		{
			"nested, asked twice",
			func(h *hearing) model.LLM {
				inner := router.MustFallback(h.config("in"), llmtest.NewModel("a", quota), sorry("s"))
				return router.MustFallback(h.config("out"), inner, llmtest.NewModel("c", down))
			},
			[]string{"in: a failed rate_limit", "out: a failed rate_limit", "out: c failed overloaded", "in: s ok ", "out: s ok "},
			[]string{"in: a to s, 503 after 2 of 3", "out: a to s, 503 after 2 of 3"},
		},
		{
			"asked again by a retry, and then the first answers",
			func(h *hearing) model.LLM {
				inner := router.MustFallback(h.config("r"), llmtest.NewModel("a", down, llmtest.Text("a")), llmtest.NewModel("b", down))
				return middleware.MustRetry(middleware.RetryConfig{})(inner)
			},
			[]string{"r: a failed overloaded", "r: b failed overloaded", "r: a ok "}, nil,
		},
		{
			"a hedge",
			func(h *hearing) model.LLM {
				hedge := router.MustHedge(router.HedgeConfig{Delay: time.Second}, llmtest.NewModel("a", within(time.Minute, llmtest.Text("a"))), llmtest.NewModel("b", llmtest.Text("b")))
				return router.MustFallback(h.config("r"), hedge, llmtest.NewModel("c", llmtest.Text("c")))
			},
			[]string{"r: a failed hedge_lost", "r: b ok "}, []string{"r: a to b, hedge_lost after 1 of 2"},
		},
		{
			"routers in a hedge: who loses has not fallen back",
			func(h *hearing) model.LLM {
				x := router.MustFallback(h.config("x"), llmtest.NewModel("a", within(time.Minute, llmtest.Text("a"))), llmtest.NewModel("b", llmtest.Text("b")))
				y := router.MustFallback(h.config("y"), llmtest.NewModel("c", quota), llmtest.NewModel("d", llmtest.Text("d")))
				return router.MustHedge(router.HedgeConfig{Delay: time.Second}, x, y)
			},
			[]string{"y: c failed rate_limit", "x: a failed hedge_lost", "y: d ok "}, []string{"y: c to d, 429 after 1 of 3"},
		},
		{
			"a model that is left behind",
			func(h *hearing) model.LLM {
				grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Second, Grace: time.Second})
				return router.MustFallback(h.config("r"), grace(llmtest.NewModel("a", deaf(time.Minute, quota))), llmtest.NewModel("b", within(2*time.Minute, llmtest.Text("b"))))
			},
			[]string{"r: a failed timeout", "r: b ok "}, []string{"r: a to b, timeout after 1 of 2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				h := &hearing{}
				ask(t.Context(), test.tree(h), streamed)
				if diff := cmp.Diff(test.attempts, h.attempts); diff != "" {
					t.Errorf("streamed %v: OnAttempt (-want +got):\n%s", streamed, diff)
				}
				if diff := cmp.Diff(test.fallbacks, h.fallbacks); diff != "" {
					t.Errorf("streamed %v: OnFallback (-want +got):\n%s", streamed, diff)
				}
			})
		})
	}
}

// B125: a call that its caller has cancelled, or stopped, has not fallen back.
func TestCancelledCallHasNotFallenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		h := &hearing{}
		ctx, cancel := context.WithCancel(t.Context())
		m := router.MustFallback(h.config("r"), llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)),
			llmtest.NewModel("b", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				cancel()
				yield(nil, ctx.Err())
			}))
		if got := ask(ctx, m, streamed); got.err != context.Canceled || len(h.attempts) != 2 || len(h.fallbacks) > 0 {
			t.Errorf("error %v; told %q and %q, want two attempts and no fallback", got.err, h.attempts, h.fallbacks)
		}
		if !streamed {
			return
		}
		h = &hearing{}
		m = router.MustFallback(h.config("r"), llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Text("one two")))
		for range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
			break
		}
		if len(h.fallbacks) > 0 {
			t.Errorf("told %q of a call that was stopped", h.fallbacks)
		}
	})
}

// B125, B80: a panic in a hook goes no further.
func TestHookThatPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		n := 0
		m := router.MustFallback(router.Config{
			Hooks: call.Hooks{OnAttempt: func(context.Context, call.Attempt) { n++; panic("boom") },
				OnFallback: func(context.Context, call.Metadata) { n++; panic("boom") }},
		}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), router.MustHedge(router.HedgeConfig{Delay: time.Second},
			llmtest.NewModel("b", within(time.Minute, llmtest.Text("b"))), llmtest.NewModel("c", llmtest.Text("c"))))
		var got seen
		if text := logged(t, func() { got = ask(t.Context(), m, streamed) }); got.stream != "c[c]" && got.stream != "[c]" || text == "" {
			t.Errorf("the consumer saw %q (%v); logged %q", got.stream, got.err, text)
		}
		if n != 4 {
			t.Errorf("the hooks were called %d times, want 4: two failures, the answer, the fallback", n)
		}
	})
}

// B125: a hook may call models itself, and knows whose call it is told of.
func TestHookThatCallsAModel(t *testing.T) {
	var m model.LLM
	var told []string
	m = router.MustFallback(router.Config{Hooks: call.Hooks{OnFallback: func(ctx context.Context, _ call.Metadata) {
		told = append(told, call.From(ctx).Invocation)
		if len(told) == 1 {
			ask(inTurn(ctx, "of the hook"), m, false)
		}
	}}}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Text("b")))
	ask(inTurn(t.Context(), "t1"), m, false)
	if diff := cmp.Diff([]string{"t1", "of the hook"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// B140: the time of a call ends with its answer, whatever its caller does with it: ADK runs
// tools meanwhile.
func TestTimeOfACallThatIsHeld(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var ended call.Result
			slow := llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				time.Sleep(2 * time.Second)
				llmtest.Text("hello")(ctx, req, stream, yield)
			})
			m := router.MustFallback(router.Config{Hooks: call.Hooks{OnEnd: func(_ context.Context, r call.Result) { ended = r }}}, slow)
			for resp := range m.GenerateContent(t.Context(), &model.LLMRequest{}, streamed) {
				if !resp.Partial {
					time.Sleep(time.Hour) // a tool
				}
			}
			if ended.Duration != 2*time.Second || ended.FirstContent != 2*time.Second {
				t.Errorf("streamed %v: the call took %v, its first content %v; want 2s each", streamed, ended.Duration, ended.FirstContent)
			}
		})
	}
}

// B40: a server may quote the prompt in its error. Records do not.
func TestRecordsHaveNoQuotedPrompt(t *testing.T) {
	const prompt = "My daughter Anna has had a fever since Tuesday."
	quoting := genai.APIError{Code: 500, Status: "INTERNAL", Message: "cannot read " + prompt}
	var seen []string
	hooks := call.Hooks{
		OnAttempt: func(_ context.Context, a call.Attempt) { seen = append(seen, a.Message, a.Reason) },
		OnEnd:     func(_ context.Context, r call.Result) { seen = append(seen, fmt.Sprint(r)) },
	}
	m := router.MustFallback(router.Config{Hooks: hooks}, llmtest.NewModel("flash", llmtest.Fail(quoting)), llmtest.NewModel("pro", llmtest.Text("x")))
	for resp, err := range m.GenerateContent(t.Context(), userSays(prompt), false) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fmt.Sprint(resp.CustomMetadata))
	}
	if all := strings.Join(seen, "\n"); strings.Contains(all, "daughter Anna") || !strings.Contains(all, "cannot read …") {
		t.Errorf("records: %s", all)
	}
}
