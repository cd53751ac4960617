package turn

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// phase is the phase of an agent's call.
type phase uint8

const (
	idle     phase = iota // there is no call, or it has been answered
	asked                 // the model is called
	handling              // the plugin calls Recover
	noted                 // the event must still be annotated
)

// state is the state of one agent on one branch in a turn. The lock of turns guards
// it.
type state struct {
	invocation, agent, branch string

	prev, next   *state // other agents of the same invocation
	newer, older *state // in a ring; see turns
	began        time.Time
	done         <-chan struct{} // of the context of the call

	phase   phase
	own     string            // the model the agent asks for by itself
	root    string            // the model this agent's turn started at
	asked   string            // the model of the call
	req     *model.LLMRequest // the call in flight, kept for Recover
	refused error             // of Recover, which was called before the model
	note    *note             // for the event of the call

	failures *failures // since the last success; usually nil
}

// note is the metadata that an event gets: the response that the model returned
// may be the model's own, so it is not written to.
type note struct {
	fields  map[string]any
	code    string // of the response; the event of another response is not annotated
	foreign bool   // the answer is of another model than the turn's root
}

// failures are the failures of a turn so far.
type failures struct {
	count  int      // different models that failed
	tried  []string // the models that failed
	code   string   // of the latest; of the one that made the turn leave its root if it stays
	reason string   // likewise
	log    call.Log
	stays  bool // Recover has answered, and answers the later calls of the turn
}

// chose takes over the metadata of an outer loop.
func (s *state) chose(md call.Metadata) {
	s.root = md.OriginalModel
	s.failures = &failures{count: md.Attempt, code: md.ErrorCode, reason: md.Reason}
	s.failures.log.Restore(md.Attempts, md.AttemptsDropped)
	for _, a := range md.Attempts {
		if a.Outcome != call.Skipped {
			s.failures.tried = append(s.failures.tried, a.Model)
		}
	}
}

// fail records that the call has failed, with its attempts.
func (s *state) fail(code, reason string, attempts []call.Attempt) []call.Attempt {
	if s.failures == nil {
		s.failures = &failures{}
	}
	s.failures.code, s.failures.reason = code, reason
	recorded := s.failures.add(attempts)
	if !slices.Contains(s.failures.tried, s.asked) {
		s.failures.tried = append(s.failures.tried, s.asked) // a router's name need not be that of one of its targets
	}
	return recorded
}

// add records attempts and returns what was recorded of them.
func (f *failures) add(attempts []call.Attempt) []call.Attempt {
	recorded := make([]call.Attempt, len(attempts))
	for i, a := range attempts {
		recorded[i] = f.log.Add(a)
		f.counts(recorded[i])
	}
	return recorded
}

// counts counts a's model if it has failed for the first time.
func (f *failures) counts(a call.Attempt) {
	if a.Outcome == call.Failed && !slices.Contains(f.tried, a.Model) {
		f.count++
		f.tried = append(f.tried, a.Model)
	}
}

// metadata returns the metadata of s's failures, without the attempts; the caller adds
// the next model.
func (s *state) metadata() call.Metadata {
	f := s.failures
	if f == nil {
		f = &failures{} // another call of this agent, which ADK does not make, has reset it
	}
	return call.Metadata{Triggered: true, OriginalModel: s.root, Attempt: max(f.count, 1), ErrorCode: f.code, Reason: f.reason}
}

// story is metadata with the attempts.
func (s *state) story() call.Metadata {
	md := s.metadata()
	if s.failures != nil {
		md.Attempts, md.AttemptsDropped = s.failures.log.Attempts()
	}
	return md
}

// attempt returns the call as one attempt, for a model whose metadata has no attempts
// of its own.
func (s *state) attempt(outcome call.Outcome, resp *model.LLMResponse) call.Attempt {
	a := call.Attempt{Model: s.asked, Outcome: outcome, Duration: time.Since(s.began)}
	if resp != nil {
		a.InputTokens, a.OutputTokens = tokens.Of(resp.UsageMetadata)
		a.CachedTokens = tokens.Cached(resp.UsageMetadata)
	}
	return a
}

// failedAttempt is attempt with the verdict of its failure.
func (s *state) failedAttempt(v failure.Verdict, resp *model.LLMResponse) call.Attempt {
	a := s.attempt(call.Failed, resp)
	a.Code, a.Kind, a.HTTPStatus, a.Reason, a.Message = v.Code, string(v.Kind), v.HTTPStatus, v.Reason, v.Message
	return a
}

// answer is attempt as an answer, by the model that the response names.
func (s *state) answer(inner call.Metadata, resp *model.LLMResponse) call.Attempt {
	a := s.attempt(call.OK, resp)
	a.Model = cmp.Or(inner.ModelName, a.Model)
	return a
}
