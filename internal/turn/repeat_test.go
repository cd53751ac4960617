package turn_test

import (
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// fail makes an agent's model fail. It returns the response for the event, and sends no event.
func (s *stage) fail(agent, branch string) *model.LLMResponse {
	s.t.Helper()
	ctx := s.on(agent, branch)
	resp, err := s.p.OnModelError(ctx, begin(s.t, s.p, ctx, "flash"), llmtest.ErrQuota)
	if resp == nil || err != nil {
		s.t.Fatalf("response %v, error %v; want an annotated response", resp, err)
	}
	return resp
}

// B118: goroutines that an agent of the application's own code leaves behind when its run ends
// call no model, and the next run skips what has finished.
func TestLeftoversOfARunDoNotDisturbTheNext(t *testing.T) {
	var first stage
	wantTold(t, loop(t, func(s *stage) {
		if s.run == 1 {
			first = *s
		} else {
			left := first.on("left behind", "all.left")
			if resp, err := s.p.BeforeModel(left, &model.LLMRequest{Model: "flash"}); resp == nil || err != nil {
				t.Errorf("before the model: %v, %v; want a response that ends the agent", resp, err)
			}
			if s.p.BeforeAgent(left) == nil {
				t.Error("an agent begins in a run that has ended")
			}
			s.p.AfterAgent(left)
		}
		if s.begins("finished", "all.finished") {
			s.say("finished", "all.finished", "hello")
			s.p.AfterAgent(s.on("finished", "all.finished"))
		}
		s.ask("failing", "all.failing")
	}), "hello", "failing from pro")
}

// B118: an agent that has failed when the run ends goes on with its next model, even if its event
// is not seen. The group around it is repeated.
func TestFailuresThatAreNotSeenCount(t *testing.T) {
	wantTold(t, loop(t, func(s *stage) {
		if !s.begins("group", "all.group") {
			t.Error("a group is skipped although a member has failed")
			return
		}
		if s.run == 1 {
			s.begins("unseen", "all.group")
			s.fail("unseen", "all.group")
			s.p.AfterAgent(s.on("group", "all.group"))
			s.ask("failing", "all.failing")
			return
		}
		s.ask("unseen", "all.group")
		s.p.AfterAgent(s.on("group", "all.group"))
		s.ask("failing", "all.failing")
	}), "unseen from pro", "failing from pro")
}

// B118: an agent whose answer was not seen when the run ended runs again, and so does the group
// around an agent that could not begin.
func TestAnswersThatAreNotSeenAreRepeated(t *testing.T) {
	wantTold(t, loop(t, func(s *stage) {
		if s.run == 1 {
			s.begins("unseen", "all.unseen")
			begin(t, s.p, s.on("unseen", "all.unseen"), "flash")
			s.begins("group", "all.group")
			if s.ask("failing", "all.failing"); !s.over {
				t.Error("the run goes on")
			}
			s.p.AfterAgent(s.on("unseen", "all.unseen"))
			if s.begins("member", "all.group") {
				t.Error("an agent begins in a run that ends")
			}
			s.p.AfterAgent(s.on("group", "all.group"))
			return
		}
		s.ask("failing", "all.failing")
		for at, agent := range map[string]string{"all.unseen": "unseen", "all.group": "group"} {
			if !s.begins(agent, at) {
				t.Errorf("%s is skipped", agent)
			}
		}
	}), "failing from pro")
}

// B118: an agent that runs on two branches at once has finished only where it has answered.
func TestBranchesOfAnAgentFinishByThemselves(t *testing.T) {
	wantTold(t, loop(t, func(s *stage) {
		for _, branch := range []string{"all.a", "all.b"} {
			if begins := s.begins("twin", branch); begins != (s.run == 1 || branch == "all.b") {
				t.Errorf("in run %d the agent on %s begins: %v", s.run, branch, begins)
			}
			if s.run == 1 {
				begin(t, s.p, s.on("twin", branch), "flash")
			}
		}
		if s.run == 1 {
			s.say("twin", "all.a", "of a")
		}
		s.ask("failing", "all.failing")
	}), "of a", "failing from pro")
}

// B14: the next run repeats the agent with the model that an event names, even if the event's
// metadata is not from this plugin.
func TestChoiceOfAnEventStands(t *testing.T) {
	wantTold(t, loop(t, func(s *stage) {
		if !s.begins("agent", "") {
			t.Error("the agent is skipped")
		}
		ctx := s.on("agent", "")
		if req := begin(t, s.p, ctx, "flash"); s.run == 2 {
			s.say("agent", "", "from "+req.Model)
			return
		}
		failed := &model.LLMResponse{ErrorCode: "503"}
		call.Merge(failed, call.Metadata{Triggered: true, OriginalModel: "flash", FallbackModel: "max", ErrorCode: "503", Attempt: 1}.Map())
		s.event("agent", "", failed)
		s.p.AfterAgent(ctx)
	}), "from max")
}
