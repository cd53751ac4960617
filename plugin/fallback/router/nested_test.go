package router_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B73: a group whose breakers are open gives way to the outer router's next
// target before it forces one of its own.
func TestGroupForcesNothingWhileAnotherTargetIsLeft(t *testing.T) {
	now := time.Now()
	x, y := llmtest.NewModel("x", llmtest.Text("forced")), llmtest.NewModel("y", llmtest.Text("forced"))
	group := router.MustFallback(router.Config{}, openBreaker(x, now.Add(time.Minute)), openBreaker(y, now.Add(time.Second)))
	m := router.MustFallback(router.Config{}, group, llmtest.NewModel("z", llmtest.Text("z")))
	if got := ask(t.Context(), m, true); got.stream != "z[z]" || len(x.Requests())+len(y.Requests()) > 0 {
		t.Errorf("the consumer saw %q after %d forced calls, want z at once", got.stream, len(x.Requests())+len(y.Requests()))
	}
	alone := router.MustFallback(router.Config{}, group, openBreaker(llmtest.NewModel("z", llmtest.Text("z")), now.Add(time.Hour)))
	if got := ask(t.Context(), alone, true); got.stream != "forced[forced]" || len(y.Requests()) != 1 {
		t.Errorf("the consumer saw %q (%v), want the member that recovers first", got.stream, got.err)
	}
}

// B73: a target that is forbidden does not keep an open one from being tried.
func TestTheOnlyLegalTargetIsForced(t *testing.T) {
	m := router.MustFallback(router.Config{Guards: []guard.Guard{except("us", "not in this region")}},
		openBreaker(llmtest.NewModel("eu", llmtest.Text("eu")), time.Now().Add(time.Minute)), llmtest.NewModel("us", llmtest.Text("us")))
	if got := ask(t.Context(), m, true); got.stream != "eu[eu]" {
		t.Errorf("the consumer saw %q (%v), want the only legal target", got.stream, got.err)
	}
}

// B73: a target that is forbidden within a group does not keep an open one from being tried.
func TestTheOnlyLegalMemberOfAGroupIsForced(t *testing.T) {
	eu, us := openBreaker(llmtest.NewModel("eu", llmtest.Text("eu")), time.Now().Add(time.Minute)), llmtest.NewModel("us", llmtest.Text("us"))
	for name, group := range map[string]model.LLM{
		"fallback":                  router.MustFallback(router.Config{}, eu, us),
		"fallback, forbidden first": router.MustFallback(router.Config{}, us, eu),
		"hedge":                     router.MustHedge(router.HedgeConfig{}, eu, us),
	} {
		guards := []guard.Guard{except("us", "not in this region"), except("asia", "not in this region")}
		m := router.MustFallback(router.Config{Guards: guards}, group, llmtest.NewModel("asia", llmtest.Text("asia")))
		if got := ask(t.Context(), m, true); got.stream != "eu[eu]" {
			t.Errorf("%s: the consumer saw %q (%v), want the only legal target", name, got.stream, got.err)
		}
	}
}

// B79: guards are asked for each member of a group, and not for the group.
func TestGuardsReachIntoGroups(t *testing.T) {
	models := func() (eu, us *llmtest.Model) {
		return llmtest.NewModel("eu", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("us", llmtest.Text("us"))
	}
	groups := map[string]func(a, b model.LLM) model.LLM{
		"fallback": func(a, b model.LLM) model.LLM { return router.MustFallback(router.Config{}, a, b) },
		"hedge":    func(a, b model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, a, b) },
		"described": func(a, b model.LLM) model.LLM {
			return router.Describe(router.MustFallback(router.Config{}, a, b), router.Traits{Provider: "p"})
		},
		"split": func(a, b model.LLM) model.LLM {
			return router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Cohort: "a", Weight: 1, Model: a}, {Cohort: "b", Weight: 1, Model: b}}})
		},
	}
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			var asked []string
			only := func(allowed string) router.Config {
				return router.Config{Guards: []guard.Guard{func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
					asked = append(asked, t.Name)
					if t.Name != allowed {
						return nil, errors.New("not in this region")
					}
					return req, nil
				}}}
			}
			eu, us := models()
			for _, user := range []string{"a", "b", "c", "d", "e", "f"} { // both arms of the split
				ask(call.With(t.Context(), call.Info{User: user}), router.MustFallback(only("eu"), group(eu, us)), true)
			}
			if n := len(us.Requests()); n > 0 {
				t.Errorf("us was asked %d times, want never; guards asked for %v", n, asked)
			}
			if name == "split" {
				return
			}
			eu, us = models()
			if got := ask(t.Context(), router.MustFallback(only("us"), group(eu, us)), true); got.stream != "us[us]" || len(eu.Requests()) > 0 {
				t.Errorf("the consumer saw %q (%v), want us although the group is called eu", got.stream, got.err)
			}
		})
	}
}

// A wait is spared while any router around has another target.
func TestSkipWaitCountsTheOuterRoutersTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := genai.APIError{Code: 429, Details: []map[string]any{{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}}}
		patient := middleware.MustRetry(middleware.RetryConfig{SkipWait: time.Second})
		inner := router.MustFallback(router.Config{}, patient(llmtest.NewModel("x", llmtest.Fail(busy))))
		started := time.Now()
		got := ask(t.Context(), router.MustFallback(router.Config{}, inner, llmtest.NewModel("z", llmtest.Text("z"))), true)
		if took := time.Since(started); got.stream != "z[z]" || took > 0 {
			t.Errorf("the consumer saw %q after %v, want z at once", got.stream, took)
		}
	})
}

func refuse(text string) llmtest.Step {
	return llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{ErrorCode: "SAFETY", ErrorMessage: text, FinishReason: genai.FinishReasonSafety}
	})
}

func TestRefusals(t *testing.T) {
	malformed := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{ErrorCode: "MALFORMED_FUNCTION_CALL", FinishReason: genai.FinishReasonMalformedFunctionCall}
	})
	for _, test := range []struct {
		name          string
		config        router.Config
		first, second llmtest.Step
		want, model   string
		attempts      []string
	}{
		{"after another bad response", router.Config{}, malformed, refuse("no"), "[SAFETY]", "b", []string{"a failed", "b failed"}},
		{"before a failure", router.Config{FallbackOnContentPolicy: true}, refuse("no"), llmtest.Fail(llmtest.ErrUnavailable), "[SAFETY]", "a", nil},
		{"after part of an answer", router.Config{}, llmtest.Fail(llmtest.ErrUnavailable, "half "), refuse("no"), "half |[SAFETY]", "b", []string{"a failed", "b failed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t.Context(), router.MustFallback(test.config, llmtest.NewModel("a", test.first), llmtest.NewModel("b", test.second)), true)
			if got.stream != test.want || got.err != nil || got.metadata().ModelName != test.model {
				t.Fatalf("the consumer saw %q (%v) by %q, want %q by %q", got.stream, got.err, got.metadata().ModelName, test.want, test.model)
			}
			var attempts []string
			for _, a := range got.metadata().Attempts {
				attempts = append(attempts, a.Model+" "+string(a.Outcome))
			}
			if diff := cmp.Diff(test.attempts, attempts); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetadataCountsModelsThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2})
		m := router.MustFallback(router.Config{},
			retry(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))),
			openBreaker(llmtest.NewModel("b", llmtest.Text("b")), time.Now().Add(time.Minute)),
			retry(llmtest.NewModel("c", llmtest.Fail(llmtest.ErrInternal), llmtest.Text("c"))))
		md := ask(t.Context(), m, true).metadata()
		if md.Attempt != 2 || md.ErrorCode != "500" || len(md.Attempts) != 6 || md.Attempts[5].Outcome != call.OK {
			t.Errorf("metadata %+v, want two models that failed, the latest with 500, in five records and the answer", md)
		}
	})
}

// A turn that stays with another model says so in each of its answers.
func TestStickyAnswersTellOfTheFallback(t *testing.T) {
	m := router.MustFallback(router.Config{}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Text("b")))
	ctx := inTurn(t.Context(), "t1")
	ask(ctx, m, false)
	md := ask(ctx, m, false).metadata()
	if !md.Triggered || md.OriginalModel != "a" || md.FallbackModel != "b" || md.Attempts[0].Outcome != call.Skipped {
		t.Errorf("metadata %+v, want b in place of a, which was not asked", md)
	}
}

func TestVersionIsOfTheModelThatAnswers(t *testing.T) {
	half := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		_ = yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true, ModelVersion: "a-1"}, nil) &&
			yield(nil, llmtest.ErrUnavailable)
	}
	got := ask(t.Context(), router.MustFallback(router.Config{}, llmtest.NewModel("a", half), llmtest.NewModel("b", llmtest.Text("b"))), true)
	if got.metadata().ModelVersion != "" {
		t.Errorf("version %q of b, want none", got.metadata().ModelVersion)
	}
}

// B53: what restarts further in is one answer to a continuation.
func TestResumeAroundARestart(t *testing.T) {
	inner := router.MustFallback(router.Config{},
		llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "one ", "two ")), llmtest.NewModel("b", llmtest.Text("one two three four")))
	m := router.MustFallback(router.Config{MidStream: router.Resume}, llmtest.NewModel("x", llmtest.Fail(llmtest.ErrUnavailable, "one ")), inner)
	if got := ask(t.Context(), m, true); got.stream != "one two three four[one two three four]" || got.err != nil {
		t.Errorf("the consumer saw %q (%v), want one text", got.stream, got.err)
	}
}

// B53
func TestResumeOfACallThatIsNotStreamed(t *testing.T) {
	// A model may send partial responses all the same.
	m := router.MustFallback(router.Config{MidStream: router.Resume},
		llmtest.NewModel("a", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			_ = yield(chunk("one "), nil) && yield(nil, llmtest.ErrUnavailable)
		}), llmtest.NewModel("b", llmtest.Text("one two")))
	if got := ask(t.Context(), m, false); got.stream != "one two[one two]" {
		t.Errorf("the consumer saw %q (%v), want one text", got.stream, got.err)
	}
}

// B39: a layer alone gives the caller's own error too.
func TestLayersGiveTheCallersOwnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	for name, layer := range map[string]middleware.Middleware{
		"retry": middleware.MustRetry(middleware.RetryConfig{}), "breaker": middleware.MustBreaker(middleware.BreakerConfig{}),
		"timeout": middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour}),
	} {
		if got := ask(ctx, layer(llmtest.NewModel("a", llmtest.Fail(errors.New("unexpected EOF")))), false); !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want the caller's deadline", name, got.err)
		}
	}
}

// A retry that gives up passes every cause on.
func TestRetryKeepsTheCausesOfAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := router.MustFallback(router.Config{}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Fail(llmtest.ErrInternal)))
		got := ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1})(group), false)
		var all *router.AllFailedError
		if !errors.As(got.err, &all) || !strings.Contains(got.err.Error(), "2. b:") {
			t.Errorf("error %v, want the causes of both", got.err)
		}
	})
}

// The record of an attempt that was left behind is closed.
func TestAbandonedModelWritesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := llmtest.NewModel("a", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(3 * time.Second)
			yield(nil, llmtest.ErrUnavailable)
		})
		contained := middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: time.Second, Grace: time.Second})
		late := llmtest.NewModel("b", func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(5 * time.Second)
			llmtest.Text("b")(ctx, req, s, yield)
		})
		md := ask(t.Context(), router.MustFallback(router.Config{}, contained(deaf), late), true).metadata()
		if md.Attempt != 1 || len(md.Attempts) != 2 {
			t.Errorf("metadata %+v, want a once, and b", md)
		}
	})
}

// B80: a panic on the goroutine of a Grace is an error too.
func TestPanicUnderGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := middleware.Chain(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)),
			middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second}),
			middleware.MustRetry(middleware.RetryConfig{Rand: func() float64 { panic("boom") }}))
		if got := ask(t.Context(), m, false); got.err == nil || !strings.Contains(got.err.Error(), "panicked") {
			t.Errorf("error %v, want the panic", got.err)
		}
	})
}

// B55: a slow consumer is not taken for a stalled model.
func TestSlowConsumerIsNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, grace := range []time.Duration{0, time.Second} {
			m := middleware.MustTimeout(middleware.TimeoutConfig{Idle: time.Second, Grace: grace})(llmtest.NewModel("a", llmtest.Text("one two three")))
			words := 0
			for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				if err != nil {
					t.Errorf("grace %v: %v", grace, err)
					break
				}
				if resp.Partial {
					words++
					time.Sleep(3 * time.Second)
				}
			}
			if words != 3 {
				t.Errorf("grace %v: %d words, want 3", grace, words)
			}
		}
	})
}

// B52, B53: a group restarts or continues what is cut off as the outer router says.
func TestGroupCutMidStreamDoesAsTheOuterRouterSays(t *testing.T) {
	for mode, want := range map[router.MidStream]string{
		router.Restart:       "one two |one two three[one two three]",
		router.FailMidStream: "one two ",
		router.Resume:        "one two three[one two three]",
	} {
		group := fallback(llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable, "one ", "two ")), llmtest.NewModel("second", llmtest.Text("one two three")))
		m := router.MustFallback(router.Config{MidStream: mode}, group, llmtest.NewModel("third", llmtest.Text("other")))
		if got := ask(t.Context(), m, true); got.stream != want || (got.err == nil) != (mode != router.FailMidStream) {
			t.Errorf("%v: the consumer saw %q (%v), want %q", mode, got.stream, got.err, want)
		}
	}
}
