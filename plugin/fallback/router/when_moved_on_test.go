package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A rule does not decide about an attempt from which the call could not move on to the rule's
// target: there is no better answer.
func TestRuleDecidesOnlyIfTheCallCanMoveOn(t *testing.T) {
	later := func(o *router.Observation) bool { return o.Moment != router.WhenFailed }
	silent := router.Rule{Latencies: []time.Duration{time.Second}}
	before, answers := on(later), on(later)
	before.Before, answers.Answers = true, true
	hedge := func(models ...model.LLM) model.LLM {
		return router.MustHedge(router.HedgeConfig{Delay: time.Hour}, models...)
	}
	flash := func() model.LLM { return llmtest.NewModel("flash", within(2*time.Second, llmtest.Text("from flash"))) }
	for _, test := range []struct {
		name  string
		names string // the model that the request names
		tree  func() model.LLM
		want  string
	}{
		{"at a latency", "pro", func() model.LLM { return fallback(flash(), router.When(silent, down("pro"))) }, "from flash"},
		{"before the attempt", "pro", func() model.LLM { return fallback(flash(), router.When(before, down("pro"))) }, "from flash"},
		{"on the answer", "pro", func() model.LLM { return fallback(flash(), router.When(answers, down("pro"))) }, "from flash"},
		{"in a hedge", "pro", func() model.LLM { return hedge(flash(), router.When(silent, down("pro"))) }, "from flash"},
		{"its target has failed beside a silent attempt", "", func() model.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Second / 2, MaxExtraLoad: 1}, flash(), router.When(silent, down("pro")))
		}, "from flash"},
		{"its target has failed beside an answer", "", func() model.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Second / 2, MaxExtraLoad: 1}, flash(), router.When(answers, down("pro")))
		}, "from flash"},
		{"its target was skipped", "", func() model.LLM {
			return fallback(openBreaker(flash(), time.Now().Add(time.Hour)), router.When(answers, says("pro")))
		}, "from flash"},
		{"a last resort, before the attempt", "", func() model.LLM {
			return fallback(fallback(flash(), sorry("s")), router.When(before, down("pro")))
		}, "sorry, s"},
		{"a last resort, on the answer", "", func() model.LLM {
			return fallback(fallback(flash(), sorry("s")), router.When(answers, down("pro")))
		}, "sorry, s"},
		{"a last resort of a group", "", func() model.LLM {
			return fallback(fallback(sorry("s"), router.When(answers, down("pro"))), down("gpt"))
		}, "sorry, s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				req := userSays("hi")
				req.Model = test.names
				got := llmtest.Collect(test.tree().GenerateContent(t.Context(), req, streamed))
				if got.Text() != test.want {
					t.Errorf("%q, %v; want %q", got.Text(), got.Err, test.want)
				}
			})
		})
	}
}

// The rule of the first model is not evaluated, also if the call comes to that model last.
func TestRuleOfTheFirstModel(t *testing.T) {
	never := on(func(*router.Observation) bool { return false })
	if got := askFor(t.Context(), fallback(router.When(never, says("flash")), down("pro")), "pro"); got.final == nil {
		t.Errorf("%s, %v; want flash's answer", got.stream, got.err)
	}
}

// absent is an optional layer that is absent from every call.
type absent struct{ stream.Layer }

func (absent) Absent(context.Context) bool { return true }

// A rule refers to the target before its own, also if an optional layer is between them.
func TestRuleAfterAnOptionalLayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := router.Rule{Latencies: []time.Duration{time.Second}}
		got := hear(t.Context(), fallback(slow("flash"), absent{stream.Of(says("flash"))}, router.When(silent, says("pro"))), false)
		if got.Final != "from pro" || got.Took != time.Second {
			t.Errorf("%q after %v, %v; want pro's answer after 1s", got.Final, got.Took, got.Err)
		}
	})
}
