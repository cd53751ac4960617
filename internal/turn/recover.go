package turn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
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
// records that it failed too.
func (p *Plugin) recover(ctx Context, s *state, req *model.LLMRequest) (*model.LLMResponse, error) {
	backup := p.config.Recover
	p.turns.Lock()
	root, asked := s.root, s.asked
	p.turns.Unlock()

	attempt := request.Clone(req)
	attempt.Model = backup.Name()
	request.Adapt(attempt.Contents, attempt.Model, attempt.Model != asked)
	started := time.Now()
	resp, err := generate(ctx, backup, attempt)
	took := time.Since(started)

	p.turns.Lock()
	defer p.turns.Unlock()
	if s.failures == nil {
		s.failures = &failures{} // another call of this agent, which ADK does not make, has reset it
	}
	if err != nil {
		failed := failedAttempt(backup.Name(), failure.Classifier{}.Classify(ctx, err))
		failed.Duration = took
		s.failures.log.Add(failed)
		s.failures.count++
		return nil, err
	}
	answer := *resp // the model may hand out one response many times
	if backup.Name() != root {
		request.DropSignatures(&answer)
	}
	md := s.recovered(resp, backup.Name(), took)
	md.WriteTo(&answer)
	telemetry.Annotate(ctx, md)
	s.reset()
	s.ours = &answer
	return &answer, nil
}

// recovered is the metadata of resp, backup's answer. What resp tells of its
// own, because backup is a router, is part of it.
func (s *state) recovered(resp *model.LLMResponse, backup string, took time.Duration) call.Metadata {
	inner, _ := call.ReadResponse(resp)
	if len(inner.Attempts) == 0 {
		inner.Attempts = []call.Attempt{{Model: backup, Outcome: call.OK, Duration: took}}
	}
	for _, a := range inner.Attempts {
		s.failures.log.Add(a)
	}
	md := s.metadata()
	md.AttemptsDropped += inner.AttemptsDropped
	md.ModelName, md.ModelVersion = cmp.Or(inner.ModelName, backup), cmp.Or(inner.ModelVersion, resp.ModelVersion)
	md.FallbackModel = md.ModelName
	return md
}

// generate returns the final response of m. What is no whole answer is an
// error, but for a refusal: that is the provider's reason, and the user's to
// see. A panic of m is an error too, since it would take the application down.
func generate(ctx context.Context, m model.LLM, req *model.LLMRequest) (final *model.LLMResponse, err error) {
	defer func() {
		if r := recover(); r != nil {
			final, err = nil, fmt.Errorf("fallback: model %q panicked: %v", m.Name(), r)
		}
	}()
	for resp, err := range m.GenerateContent(ctx, req, false) {
		if err != nil {
			return nil, err
		}
		if resp != nil && !resp.Partial {
			final = resp
		}
	}
	if final == nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("fallback: model %q: %w", m.Name(), failure.ErrEmpty))
	}
	if verdict, bad := failure.ClassifyResponse(final, failure.Expect{}); bad && verdict.Action != failure.Fail {
		return nil, verdict.Err()
	}
	return final, nil
}
