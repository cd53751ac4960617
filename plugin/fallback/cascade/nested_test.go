package cascade_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// cascade is one whose judge has that confidence.
func pair(confidence float64, cheap, strong model.LLM) model.LLM {
	return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(confidence)}}, cheap, strong)
}

func TestCascadeInOtherRouters(t *testing.T) {
	cheap := func() model.LLM { return llmtest.NewModel("flash", llmtest.Text("cheap")) }
	strong := func() model.LLM { return llmtest.NewModel("pro", llmtest.Text("strong")) }
	down := func(name string) model.LLM { return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrQuota)) }
	next := func() model.LLM { return llmtest.NewModel("gpt", llmtest.Text("next")) }
	template := degrade.Template("sorry")
	in := func(midway router.MidStream, models ...model.LLM) model.LLM {
		return router.MustFallback(router.Config{MidStream: midway}, models...)
	}
	for name, test := range map[string]struct {
		m    model.LLM
		want string
		by   string
	}{
		"fallback, accepted":                 {in("", pair(1, cheap(), strong()), next()), "cheap[cheap]", "flash"},
		"fallback, rejected":                 {in("", pair(0, cheap(), strong()), next()), "cheap|strong[strong]", "pro"},
		"fallback, strong is down":           {in("", pair(0, cheap(), down("pro")), next()), "cheap|next[next]", "gpt"},
		"fallback, both are down":            {in("", pair(0, down("flash"), down("pro")), next()), "next[next]", "gpt"},
		"fallback, alone":                    {in("", pair(0, cheap(), down("pro"))), "cheap|[cheap]", "flash"},
		"fallback that fails midway":         {in(router.FailMidStream, pair(0, cheap(), strong()), next()), "strong[strong]", "pro"},
		"fallback that resumes":              {in(router.Resume, pair(0, cheap(), strong()), next()), "strong[strong]", "pro"},
		"fallback, second target":            {in("", down("gpt"), pair(0, cheap(), strong())), "cheap|strong[strong]", "pro"},
		"before a last resort":               {in("", pair(0, down("flash"), down("pro")), template), "sorry[sorry]", "template-response"},
		"its last resort comes last":         {in("", pair(0, down("flash"), in("", down("pro"), template)), next()), "next[next]", "gpt"},
		"its last resort comes":              {in("", pair(0, down("flash"), in("", down("pro"), template)), down("gpt")), "sorry[sorry]", "template-response"},
		"its own last resort, alone":         {pair(0, down("flash"), in("", down("pro"), template)), "sorry[sorry]", "template-response"},
		"a fallback within, cheap":           {pair(0.9, in("", down("lite"), cheap()), strong()), "cheap[cheap]", "flash"},
		"a fallback within that restarts":    {pair(0.9, in("", llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable, "half ")), cheap()), strong()), "half |cheap[cheap]", "flash"},
		"a fallback within that is rejected": {pair(0, in("", llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable, "half ")), cheap()), strong()), "half |cheap|strong[strong]", "pro"},
		"a fallback within, strong":          {pair(0, cheap(), in("", down("gpt"), strong())), "cheap|strong[strong]", "pro"},
		"a cascade within":                   {pair(0, pair(0, cheap(), llmtest.NewModel("mid", llmtest.Text("middle"))), strong()), "cheap|middle|strong[strong]", "pro"},
		"split": {router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Cohort: "a", Weight: 1, Model: pair(0, cheap(), strong())}}}),
			"cheap|strong[strong]", "pro"},
		"hedge": {router.MustHedge(router.HedgeConfig{Delay: time.Hour}, pair(0, cheap(), strong()), next()), "cheap|strong[strong]", "pro"},
		"the models of a verdict are no last resort of a failure before others": {in("", cascade.MustNew(cascade.Config{
			Judges: []cascade.Judge{sure(0).DegradeBelow(0.5, template)}}, down("flash"), down("pro")), next()), "next[next]", "gpt"},
		"a cascade in the place of an answer": {cascade.MustNew(cascade.Config{
			Judges: []cascade.Judge{sure(0).DegradeBelow(0.5, pair(0, llmtest.NewModel("lite", llmtest.Text("little")), strong()))}}, cheap(), llmtest.NewModel("max", llmtest.Text("max"))),
			"cheap|little|strong[strong]", "pro"},
		"a verdict within a fallback": {in("", cascade.MustNew(cascade.Config{
			Judges: []cascade.Judge{sure(0).DegradeBelow(0.5, template)}}, cheap(), strong()), next()), "cheap|sorry[sorry]", "template-response"},
	} {
		t.Run(name, func(t *testing.T) {
			got := llmtest.Ask(t.Context(), test.m, true)
			if got.Stream != test.want || got.Err != nil || got.Metadata().ModelName != test.by {
				t.Errorf("the consumer saw %q (%v) by %q, want %q by %q", got.Stream, got.Err, got.Metadata().ModelName, test.want, test.by)
			}
		})
	}
}

// B79: the guards of an enclosing router run for each model of a cascade, its judge and
// the models of its verdicts included.
func TestGuardsReachIntoACascade(t *testing.T) {
	record := func() (model.LLM, *[]string) {
		var asked []string
		grader := llmtest.NewModel("grader", llmtest.Text("0.1"))
		rag := llmtest.NewModel("rag", llmtest.Fail(llmtest.ErrInternal))
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(grader, "").DegradeBelow(0.2, rag)}},
			llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong")))
		spy := func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
			asked = append(asked, t.Name)
			return req, nil
		}
		return router.MustFallback(router.Config{Guards: []guard.Guard{spy}}, m), &asked
	}
	m, asked := record()
	llmtest.Ask(t.Context(), m, true)
	if diff := cmp.Diff([]string{"flash", "grader", "rag", "pro"}, *asked); diff != "" {
		t.Errorf("guarded (-want +got):\n%s", diff)
	}

	for forbidden, want := range map[string]string{
		"flash":  "strong[strong]",
		"grader": "cheap|strong[strong]",
		"pro":    "cheap|[cheap]", // stands
	} {
		grader := llmtest.NewModel("grader", llmtest.Text("0.1"))
		flash, pro := llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))
		allowed := func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
			if t.Name == forbidden {
				return nil, errors.New("not in this region")
			}
			return req, nil
		}
		m := router.MustFallback(router.Config{Guards: []guard.Guard{allowed}},
			cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(grader, "")}}, flash, pro))
		got := llmtest.Ask(t.Context(), m, true)
		if got.Stream != want {
			t.Errorf("without %s the consumer saw %q (%v), want %q", forbidden, got.Stream, got.Err, want)
		}
		for _, m := range []*llmtest.Model{flash, grader, pro} {
			if m.Name() == forbidden && len(m.Requests()) > 0 {
				t.Errorf("%s is called although a guard refuses it", forbidden)
			}
		}
	}
}

// B76, B123: a cascade that loses a hedge has every attempt on record once. A judge that
// the loss cuts off may be on record too: the hedge does not wait for it.
func TestCascadeThatLosesAHedge(t *testing.T) {
	slow := func(name, text string, tokens int32) model.LLM {
		return llmtest.NewModel(name, llmtest.Within(2*time.Second, llmtest.Send(whole(text, tokens))))
	}
	for name, test := range map[string]struct {
		other time.Duration // until the other model answers
		want  []string
	}{
		"while the cheap model is at work":  {time.Second, []string{"flash failed 0", "gpt ok 0"}},
		"while the judge is at work":        {3 * time.Second, []string{"flash failed 3", "gpt ok 0"}},
		"while the strong model is at work": {5 * time.Second, []string{"flash failed 3", "gpt ok 0", "grader ok 5", "pro failed 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			llmtest.InBubble(t, func(t *testing.T, streamed bool) {
				config := cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(slow("grader", "0.1", 5), "")}, Hold: true}
				var list []string
				m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
					list = append(list, fmt.Sprint(a.Model, " ", a.Outcome, " ", a.InputTokens))
				}}}, router.MustHedge(router.HedgeConfig{Delay: time.Millisecond, MaxExtraLoad: 1},
					cascade.MustNew(config, slow("flash", "cheap", 3), slow("pro", "strong", 11)), llmtest.NewModel("gpt", llmtest.Within(test.other, llmtest.Text("next")))))
				got := llmtest.Ask(t.Context(), m, streamed)
				time.Sleep(time.Hour)
				for _, want := range test.want {
					if n := strings.Count("\n"+strings.Join(list, "\n")+"\n", "\n"+want+"\n"); n != 1 {
						t.Errorf("%d times %q on record %q, want once", n, want, list)
					}
				}
				list = slices.DeleteFunc(list, func(line string) bool { return line == "grader failed 0" })
				if len(list) != len(test.want) || got.Metadata().ModelName != "gpt" {
					t.Errorf("record %q by %q (%v), want %q", list, got.Metadata().ModelName, got.Err, test.want)
				}
			})
		})
	}
}

// B76: a cascade that answers after its judge wins a hedge, and the judge's attempt is
// not taken for one in progress.
func TestCascadeThatWinsAHedge(t *testing.T) {
	llmtest.InBubble(t, func(t *testing.T, streamed bool) {
		config := cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(llmtest.NewModel("grader", llmtest.Text("0.9")), "")}}
		var list []string
		m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { list = append(list, a.Model+" "+string(a.Outcome)) }}},
			router.MustHedge(router.HedgeConfig{Delay: time.Second},
				cascade.MustNew(config, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))), llmtest.NewModel("gpt", llmtest.Text("next"))))
		got := llmtest.Ask(t.Context(), m, streamed)
		if diff := cmp.Diff([]string{"grader ok", "flash ok"}, list); diff != "" || got.Err != nil {
			t.Errorf("error %v; record (-want +got):\n%s", got.Err, diff)
		}
	})
}

// B72: an open breaker of the strong model refuses it; the answer stands.
func TestCascadeWithAnOpenBreaker(t *testing.T) {
	pro := llmtest.NewModel("pro", llmtest.Text("forced"))
	got := llmtest.Ask(t.Context(), pair(0, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.OpenBreaker(pro, time.Now().Add(time.Minute))), true)
	if got.Stream != "cheap|[cheap]" || got.Metadata().Degraded != "flash" || len(pro.Requests()) > 0 {
		t.Errorf("the consumer saw %q (%v) after %d calls of pro, want the cheap answer", got.Stream, got.Err, len(pro.Requests()))
	}
}

// B86: a cache around a cascade keeps the cheap model's answers, but none that stands.
func TestCacheAroundACascade(t *testing.T) {
	for confidence, want := range map[float64]int{0: 2, 1: 1} {
		cheap := llmtest.NewModel("flash", llmtest.Text("cheap"))
		c := cache.MustNew(cache.Config{TTL: time.Hour})
		defer func() { _ = c.Close() }()
		m := middleware.Chain(pair(confidence, cheap, llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota))), c.Middleware())
		for range 2 {
			llmtest.Ask(t.Context(), m, false)
		}
		if calls := len(cheap.Requests()); calls != want {
			t.Errorf("with confidence %v the cheap model is called %d times, want %d", confidence, calls, want)
		}
	}
}

// Layers around the cheap model that count answers hear of a rejected one.
func TestCascadeTellsThoseWithin(t *testing.T) {
	for confidence, want := range map[float64]int{0: 1, 1: 0} {
		told := 0
		llmtest.Ask(t.Context(), pair(confidence, &reviewed{llmtest.NewModel("flash", llmtest.Text("cheap")), func() { told++ }}, llmtest.NewModel("pro", llmtest.Text("strong"))), true)
		if told != want {
			t.Errorf("with confidence %v told %d times, want %d", confidence, told, want)
		}
	}
}

// reviewed is a layer that hears of rejected answers.
type reviewed struct {
	*llmtest.Model
	rejected func()
}

func (r *reviewed) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	review.Of(ctx).OnReject(r.rejected)
	return stream.Of(r.Model).Do(ctx, req, streamed, out)
}
