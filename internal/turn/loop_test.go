package turn_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
)

// stage stands for a runner: it calls the plugin as ADK does.
type stage struct {
	t     *testing.T
	p     *turn.Plugin
	ctx   context.Context
	run   int
	yield func(turn.Event, error) bool
	over  bool // the consumer has stopped
}

// on is the context of a callback for an agent.
func (s *stage) on(agent, branch string) agentContext {
	return agentContext{s.ctx, fmt.Sprint("run", s.run), agent, branch}
}

func (s *stage) event(agent, branch string, resp *model.LLMResponse) {
	s.over = s.over || !s.yield(turn.Event{Author: agent, Branch: branch, Response: resp}, nil)
}

func (s *stage) say(agent, branch, text string) {
	s.event(agent, branch, &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel)})
}

// begins reports whether an agent may begin; if not, its event says so.
func (s *stage) begins(agent, branch string) bool {
	skipped := s.p.BeforeAgent(s.on(agent, branch))
	if skipped != nil {
		resp := &model.LLMResponse{Content: skipped}
		ctx := s.on(agent, branch)
		if !s.p.OnEvent(ctx, ctx.invocation, turn.Event{Author: agent, Branch: branch, Response: resp}) || resp.Partial {
			s.t.Error("the event of a skipped agent is not reported as such, or is changed: ADK's flow must find it final")
		}
		s.event(agent, branch, resp)
	}
	return skipped == nil
}

// ask runs an agent whose model fails in the first run, and answers later.
func (s *stage) ask(agent, branch string) {
	if !s.begins(agent, branch) {
		return
	}
	ctx := s.on(agent, branch)
	req := begin(s.t, s.p, ctx, "flash")
	if req.Model != "flash" {
		s.say(agent, branch, agent+" from "+req.Model)
		s.p.AfterAgent(ctx)
		return
	}
	resp, err := s.p.OnModelError(ctx, req, llmtest.ErrQuota)
	if err != nil {
		s.t.Error(err)
	}
	s.event(agent, branch, resp)
}

// loop plays both runs on a stage and returns what the consumer is told.
func loop(t *testing.T, play func(s *stage)) (told []string) {
	t.Helper()
	return loopRuns(t, 2, play)
}

// loopRuns is loop with any number of runs.
func loopRuns(t *testing.T, runs int, play func(s *stage)) (told []string) {
	t.Helper()
	s := &stage{t: t, p: newPlugin(t, turn.Config{FallbackModel: "pro"})}
	run := func(ctx context.Context, _ bool) iter.Seq2[turn.Event, error] {
		return func(yield func(turn.Event, error) bool) {
			s.ctx, s.yield, s.over = ctx, yield, false
			s.run++
			play(s)
		}
	}
	read := func(ev turn.Event) (turn.Event, bool) { return ev, true }
	restarted := func(ev turn.Event) turn.Event { return ev }
	for ev, err := range turn.Loop(t.Context(), run, read, restarted) {
		if err != nil {
			t.Error(err)
		}
		told = append(told, llmtest.TextOf(ev.Response.Content))
	}
	if s.run != runs {
		t.Errorf("%d runs, want %d", s.run, runs)
	}
	return told
}

func wantTold(t *testing.T, told []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the consumer is told (-want +got):\n%s", diff)
	}
}

// B118: an agent of the application's own code is not cut in the middle of its
// events, which would come twice.
func TestAgentsOfOwnCodeFinish(t *testing.T) {
	wantTold(t, loop(t, func(s *stage) {
		if s.begins("own", "all.own") {
			s.say("own", "", "1 of 2") // own code may leave the branch empty
		}
		s.ask("failing", "all.failing")
		if s.run == 1 {
			s.say("own", "", "2 of 2")
			s.p.AfterAgent(s.on("own", "all.own"))
			s.say("third", "all.third", "the run goes on until the next event")
			if !s.over {
				t.Error("the run goes on although nothing is at work")
			}
		}
	}), "1 of 2", "2 of 2", "the run goes on until the next event", "failing from pro")
}

// B118: what the failed agent runs inside of is repeated, and is not waited for.
func TestWhatHoldsAFailedAgentRunsAgain(t *testing.T) {
	for _, branch := range []string{"", "all.inner"} {
		wantTold(t, loop(t, func(s *stage) {
			if !s.begins("outer", "") {
				t.Error("the agent around the failed one is skipped")
			}
			s.say("outer", "", "begin")
			s.ask("inner", branch)
			if s.run == 1 && !s.over {
				t.Error("the run goes on")
			}
			s.p.AfterAgent(s.on("outer", ""))
		}), "begin", "begin", "inner from pro")
	}
}

// B118: a group that has finished is skipped as a whole, once. Its members are not
// skipped when it runs again.
func TestFinishedGroupsAreSkipped(t *testing.T) {
	wantTold(t, loop(t, func(s *stage) {
		for round := range 2 { // of a loop
			begins := s.begins("group", "")
			if want := s.run == 1 || round == 1; begins != want {
				t.Errorf("in run %d and round %d the group begins: %v, want %v", s.run, round, begins, want)
			}
			if begins {
				if s.begins("member", "group.member") {
					s.say("member", "group.member", "hello")
					s.p.AfterAgent(s.on("member", "group.member"))
				}
				s.p.AfterAgent(s.on("group", ""))
			}
			if s.ask("failing", ""); s.over {
				return
			}
		}
	}), "hello", "failing from pro", "hello", "failing from pro")
}

// B118: in a group that has not finished, finished members are skipped; once it has, in
// a later run, it is skipped as a whole.
func TestGroupsFinishInALaterRun(t *testing.T) {
	round := func(s *stage) {
		if s.begins("group", "") {
			if s.begins("member", "") {
				s.say("member", "", "hello")
				s.p.AfterAgent(s.on("member", ""))
			}
			if s.ask("failing", ""); s.over {
				return
			}
			s.p.AfterAgent(s.on("group", ""))
		}
		s.ask("last", "")
	}
	wantTold(t, loopRuns(t, 3, func(s *stage) {
		if round(s); !s.over {
			round(s)
		}
	}), "hello", "failing from pro", "last from pro", "hello", "failing from pro", "last from pro")
}

// B118, B59: what a tool at work runs under a runner of its own is not part of the
// run that ends, which waits for the tool.
func TestToolsFinish(t *testing.T) {
	called := func(part *genai.Part) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromParts([]*genai.Part{part}, genai.RoleModel)}
	}
	told := loop(t, func(s *stage) {
		if s.run == 2 {
			s.ask("failing", "all.failing")
			return
		}
		s.begins("user", "all.user")
		begin(t, s.p, s.on("user", "all.user"), "flash")
		s.event("user", "all.user", called(&genai.Part{FunctionCall: &genai.FunctionCall{ID: "c1"}}))
		s.ask("failing", "all.failing")
		nested := agentContext{s.ctx, "of the tool", "helper", ""}
		if s.over || s.p.BeforeAgent(nested) != nil {
			t.Error("the tool is cut off")
		}
		begin(t, s.p, nested, "flash")
		late := s.on("user", "all.user")
		s.event("user", "all.user", called(&genai.Part{FunctionResponse: &genai.FunctionResponse{ID: "c1"}}))
		if !s.over {
			t.Error("the run goes on after the tool")
		}
		if resp, _ := s.p.BeforeModel(late, &model.LLMRequest{Model: "flash"}); resp == nil || s.p.BeforeAgent(s.on("next", "all.user")) == nil {
			t.Error("something begins in a run that ends")
		}
	})
	if got := strings.Join(told, ""); got != "failing from pro" {
		t.Errorf("the consumer is told %q", told)
	}
}
