package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// told is what the metadata of an answer says of its turn.
type told struct {
	Model, Original, Code string
	Attempt               int
}

func tell(s seen) told {
	md := s.metadata()
	return told{md.ModelName, md.OriginalModel, md.ErrorCode, md.Attempt}
}

// B113: each call of a turn tells why the turn has left its root, and counts the
// models that failed in it.
func TestTurnKeepsItsCause(t *testing.T) {
	quota, down, ok := llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("ok")
	for _, test := range []struct {
		name    string
		a, b, c []llmtest.Step
		tree    func(a, b, c model.LLM) model.LLM
		want    []told
	}{
		{
			"it stays", []llmtest.Step{quota}, []llmtest.Step{ok}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM { return fallback(a, b, c) },
			[]told{{"b", "a", "429", 1}, {"b", "a", "429", 1}, {"b", "a", "429", 1}},
		},
		{
			"after two", []llmtest.Step{quota}, []llmtest.Step{down}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM { return fallback(a, b, c) },
			[]told{{"c", "a", "503", 2}, {"c", "a", "503", 2}},
		},
		{
			"the choice fails too", []llmtest.Step{quota}, []llmtest.Step{ok, down}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM { return fallback(a, b, c) },
			[]told{{"b", "a", "429", 1}, {"c", "a", "503", 2}, {"c", "a", "503", 2}},
		},
		{
			"it comes back to the root", []llmtest.Step{quota, ok}, []llmtest.Step{ok, down}, []llmtest.Step{down},
			func(a, b, c model.LLM) model.LLM { return fallback(a, b, c) },
			[]told{{"b", "a", "429", 1}, {"a", "", "", 0}, {"a", "", "", 0}},
		},
		{
			"the same model fails again", []llmtest.Step{quota}, []llmtest.Step{ok, down, ok}, []llmtest.Step{down},
			func(a, b, c model.LLM) model.LLM { return fallback(a, b, c) },
			[]told{{"b", "a", "429", 1}, {"", "", "", 0}, {"b", "a", "429", 1}},
		},
		{
			"in a group", []llmtest.Step{quota}, []llmtest.Step{down}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM { return fallback(a, fallback(b, c)) },
			[]told{{"c", "a", "503", 2}, {"c", "a", "503", 2}},
		},
		{
			"the group is the first", []llmtest.Step{quota}, []llmtest.Step{down}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM { return fallback(fallback(a, b), c) },
			[]told{{"c", "a", "503", 2}, {"c", "a", "503", 2}},
		},
		{
			"the group's choice fails", []llmtest.Step{quota}, []llmtest.Step{ok, down}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM { return fallback(fallback(a, b), c) },
			[]told{{"b", "a", "429", 1}, {"c", "a", "429", 2}, {"c", "a", "429", 2}},
		},
		{
			"what the outer router knows", []llmtest.Step{quota}, []llmtest.Step{ok, down, ok}, []llmtest.Step{ok, down},
			func(a, b, c model.LLM) model.LLM { return fallback(fallback(a, b), c) },
			// c leaves the turn to the group, which stays with b.
			[]told{{"b", "a", "429", 1}, {"c", "a", "429", 2}, {"b", "a", "503", 3}},
		},
		{
			"in a hedge", []llmtest.Step{quota}, []llmtest.Step{down}, []llmtest.Step{ok},
			func(a, b, c model.LLM) model.LLM {
				return fallback(a, router.MustHedge(router.HedgeConfig{}, b, c))
			},
			[]told{{"c", "a", "503", 2}, {"c", "a", "503", 2}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.tree(llmtest.NewModel("a", test.a...), llmtest.NewModel("b", test.b...), llmtest.NewModel("c", test.c...))
			ctx := inTurn(t.Context(), "t1")
			var got []told
			for range test.want {
				got = append(got, tell(ask(ctx, m, true)))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if fresh := tell(ask(inTurn(t.Context(), "t2"), m, true)); fresh.Model == "" {
				t.Error("the next turn has no answer")
			}
		})
	}
}

// B113: the loser of a hedge has not failed.
func TestLoserOfAHedgeIsNoCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := llmtest.NewModel("slow", within(time.Minute, llmtest.Text("slow")))
		hedge := router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1}, slow, llmtest.NewModel("fast", llmtest.Text("fast")))
		alone := tell(ask(inTurn(t.Context(), "t0"), hedge, true))
		m := fallback(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), hedge)
		ctx := inTurn(t.Context(), "t1")
		got := []told{alone, tell(ask(ctx, m, true)), tell(ask(ctx, m, true))}
		want := []told{{"fast", "slow", "hedge_lost", 1}, {"fast", "a", "429", 1}, {"fast", "a", "429", 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// B113: a turn that is idle for longer than StayFor begins at the first target again.
func TestTurnStaysForItsTime(t *testing.T) {
	for _, test := range []struct {
		stayFor time.Duration
		gaps    []time.Duration
		want    []string
	}{
		{0, []time.Duration{9 * time.Minute, 9 * time.Minute, 10 * time.Minute}, []string{"b", "b", "b", "a"}},
		{time.Hour, []time.Duration{30 * time.Minute, 59 * time.Minute, time.Hour}, []string{"b", "b", "b", "a"}},
		{time.Second, []time.Duration{time.Second, 0}, []string{"b", "a", "a"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, b := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b"))
			m := router.MustFallback(router.Config{StayFor: test.stayFor}, a, b)
			ctx := inTurn(t.Context(), "t1")
			got := []string{ask(ctx, m, true).metadata().ModelName}
			for _, gap := range test.gaps {
				time.Sleep(gap)
				got = append(got, ask(ctx, m, true).metadata().ModelName)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("stay for %v: answered by (-want +got):\n%s", test.stayFor, diff)
			}
		})
	}
}

// B113: what a group says of the place where it stays stands once in the record.
func TestGroupSaysOnceWhereItStays(t *testing.T) {
	a, b := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Text("b"), llmtest.Fail(llmtest.ErrUnavailable))
	m := fallback(fallback(a, b, sorry("s")), llmtest.NewModel("c", llmtest.Fail(llmtest.ErrInternal)))
	ctx := inTurn(t.Context(), "t1")
	ask(ctx, m, true)
	got := ask(ctx, m, true).metadata()
	var stays []string
	for _, attempt := range got.Attempts {
		if attempt.Outcome == call.Skipped {
			stays = append(stays, attempt.Model)
		}
	}
	if diff := cmp.Diff([]string{"a"}, stays); diff != "" || got.Degraded != "s" {
		t.Errorf("answered by %q; skipped (-want +got):\n%s", got.ModelName, diff)
	}
}
