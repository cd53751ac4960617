package turn

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// state is what a turn knows of one agent on one branch. The lock of turns
// guards it.
type state struct {
	agent, branch string

	own   string             // the model the agent asks for by itself
	root  string             // the model this agent's turn started at
	asked string             // the model of the call in flight
	req   *model.LLMRequest  // the call in flight, kept for Recover
	ours  *model.LLMResponse // the answer the error callback gave, which ADK passes to the after-model callback
	over  bool               // the call in flight has been answered by the error callback

	failures *failures // since the last success; nil for none, which is the rule
}

// failures is what went wrong in a turn so far.
type failures struct {
	count  int      // attempts that failed
	tried  []string // the models that failed
	code   string   // of the latest
	reason string   // of the latest
	log    call.Log
}

// reset forgets the call and the failures, and keeps who asks.
func (s *state) reset() { s.asked, s.req, s.ours, s.failures = "", nil, nil, nil }

// restore takes over what an outer loop knows.
func (s *state) restore(md call.Metadata) {
	s.root = md.OriginalModel
	s.failures = &failures{count: md.Attempt, code: md.ErrorCode, reason: md.Reason}
	s.failures.log.Restore(md.Attempts, md.AttemptsDropped)
	for _, a := range md.Attempts {
		s.failures.tried = append(s.failures.tried, a.Model)
	}
}

// fail records that the model asked has failed.
func (s *state) fail(verdict failure.Verdict, code string) {
	if s.failures == nil {
		s.failures = &failures{}
	}
	s.failures.count++
	s.failures.tried = append(s.failures.tried, s.asked)
	s.failures.code, s.failures.reason = code, verdict.Reason
	s.failures.log.Add(failedAttempt(s.asked, verdict))
}

// metadata is what s knows; the caller adds what comes next.
func (s *state) metadata() call.Metadata {
	f := s.failures
	if f == nil {
		f = &failures{} // another call of this agent, which ADK does not make, has reset it
	}
	attempts, dropped := f.log.Attempts()
	return call.Metadata{
		Triggered: true, OriginalModel: s.root, Attempt: f.count, ErrorCode: f.code, Reason: f.reason,
		Attempts: attempts, AttemptsDropped: dropped,
	}
}

func failedAttempt(name string, verdict failure.Verdict) call.Attempt {
	return call.Attempt{
		Model: name, Outcome: call.Failed, Code: verdict.Code, Kind: string(verdict.Kind),
		HTTPStatus: verdict.HTTPStatus, Reason: verdict.Reason, Message: verdict.Message,
	}
}
