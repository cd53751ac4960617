package observe_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func TestFeedback(t *testing.T) {
	meter, metrics := newMeter(t)
	o := observe.MustNew(meter, nil)
	split := router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Cohort: "old", Weight: 1, Model: llmtest.NewModel("pro", llmtest.Text("hello"))}}})
	m := router.MustFallback(router.Config{Hooks: o.Hooks()}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)), split)
	var md call.Metadata
	for resp, err := range m.GenerateContent(call.With(t.Context(), call.Info{Invocation: "i-1"}), &model.LLMRequest{Contents: genai.Text("hi")}, false) {
		if err != nil {
			t.Fatal(err)
		}
		md, _ = call.ReadResponse(resp)
	}

	if err := o.Feedback(t.Context(), "i-1", 1); err != nil {
		t.Error(err)
	}
	if err := o.FeedbackOn(t.Context(), md, -0.5); err != nil { // of a stored answer
		t.Error(err)
	}
	const series = "fallback.feedback{cohort=old experiment=e kind=overloaded model=pro}"
	if got := metrics()[series]; got != 0.5 {
		t.Errorf("%s is %v, want 0.5; have %v", series, got, metrics())
	}
	if err := o.Feedback(t.Context(), "i-2", 1); !errors.Is(err, observe.ErrUnknownInvocation) {
		t.Errorf("the error for an unknown invocation is %v", err)
	}
	o.Hooks().OnEnd(call.With(t.Context(), call.Info{Invocation: "i-3"}), call.Result{Outcome: call.Failed})
	if err := o.Feedback(t.Context(), "i-3", 1); !errors.Is(err, observe.ErrUnknownInvocation) {
		t.Errorf("the error for an invocation without an answer is %v", err)
	}
	for _, score := range []float64{-1.1, 2, math.NaN(), math.Inf(1)} {
		if err := o.Feedback(t.Context(), "i-1", score); err == nil {
			t.Errorf("score %v is accepted", score)
		}
	}
}

func TestFeedbackForgetsTheOldest(t *testing.T) {
	meter, _ := newMeter(t)
	o := observe.MustNew(meter, nil)
	end := func(i int) {
		o.Hooks().OnEnd(call.With(t.Context(), call.Info{Invocation: fmt.Sprint(i)}), call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: "a"}})
	}
	for i := range observe.MaxFeedback + 10 {
		end(i)
		end(i) // a second call of the invocation takes no more room
	}
	for i, known := range map[int]bool{9: false, 10: true, observe.MaxFeedback + 9: true} {
		if err := o.Feedback(t.Context(), fmt.Sprint(i), 1); (err == nil) != known {
			t.Errorf("invocation %d: %v, want known: %v", i, err, known)
		}
	}
}
