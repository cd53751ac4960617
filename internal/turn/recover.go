package turn

import (
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// RecoverError says that the agent's model failed and that Recover failed too.
// errors.Is and errors.As find either.
type RecoverError struct {
	Model   error // of the agent's model
	Recover error // of Config.Recover
}

func (e *RecoverError) Error() string {
	return fmt.Sprintf("fallback: %v; recovering: %v", e.Model, e.Recover)
}

// Unwrap returns both errors, the model's first.
func (e *RecoverError) Unwrap() []error { return []error{e.Model, e.Recover} }

// recover asks Config.Recover for the answer to req and annotates it, or
// records that it failed too. Recover is asked as a target of a router is: with
// a request of its own, recorded, and with a whole answer or an error as the
// end.
func (p *Plugin) recover(ctx Context, s *state, req *model.LLMRequest) (*model.LLMResponse, error) {
	var final *model.LLMResponse
	var err error
	out := stream.NewSink(func(resp *model.LLMResponse, failed error) bool {
		final, err = resp, failed
		return true
	})
	p.turns.Lock()
	out.Root = s.root
	p.turns.Unlock()
	own := request.Clone(req)
	request.UndoGemini(own)
	started := time.Now()
	out.End(p.backup.Do(call.Carry(ctx), own, false, out))

	md, ok := p.ended(s, out, err == nil, time.Since(started))
	if !ok {
		return nil, err
	}
	answer := *final            // the model may hand out one response many times
	request.DropSealed(&answer) // the agent's own model is asked next, without an adapter of ours
	md.FallbackModel, md.ModelName, md.ModelVersion = out.Model, out.Model, final.ModelVersion
	md.WriteTo(&answer)
	telemetry.Annotate(ctx, md)
	p.turns.Lock()
	s.ours = &answer
	p.turns.Unlock()
	return &answer, nil
}

// ended adds to s what out tells of the attempts of Recover, and returns the
// metadata of its answer if there is one.
func (p *Plugin) ended(s *state, out *stream.Sink, answered bool, took time.Duration) (md call.Metadata, ok bool) {
	p.turns.Lock()
	defer p.turns.Unlock()
	if s.failures == nil {
		s.failures = &failures{} // another call of this agent, which ADK does not make, has reset it
	}
	inner, dropped := out.Attempts()
	for _, a := range inner {
		s.failures.log.Add(a)
	}
	if !answered {
		s.failures.count++
		return call.Metadata{}, false
	}
	last := call.Attempt{Model: out.Model, Outcome: call.OK}
	if len(inner) == 0 {
		last.Duration = took
	}
	s.failures.log.Add(last)
	md = s.metadata()
	md.AttemptsDropped += dropped
	s.reset()
	return md, true
}
