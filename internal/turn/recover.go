package turn

import (
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

// recover asks Config.Recover for the answer to req and annotates it. The
// caller holds s.mu: the agent has nothing else to do meanwhile.
func (p *Plugin) recover(ctx Context, s *state, req *model.LLMRequest) (*model.LLMResponse, error) {
	backup := p.config.Recover
	attemptReq := request.Clone(req)
	attemptReq.Model = backup.Name()
	request.Adapt(attemptReq.Contents, attemptReq.Model, attemptReq.Model != s.asked)

	started := time.Now()
	resp, err := generate(ctx, backup, attemptReq)
	took := time.Since(started)
	if err != nil {
		s.failed++
		verdict := failure.Classifier{}.Classify(ctx, err)
		s.log.Add(attempt(backup.Name(), verdict, took))
		return nil, err
	}

	answer := *resp // the model may hand out one response many times
	if backup.Name() != s.root {
		dropSignatures(&answer)
	}
	inner, _ := call.ReadResponse(resp)
	if len(inner.Attempts) == 0 {
		inner.Attempts = []call.Attempt{{Model: backup.Name(), Outcome: call.OK, Duration: took}}
	}
	for _, a := range inner.Attempts {
		s.log.Add(a)
	}
	md := s.metadata()
	md.ModelName, md.ModelVersion = inner.ModelName, resp.ModelVersion
	if md.ModelName == "" {
		md.ModelName = backup.Name()
	}
	md.FallbackModel = md.ModelName
	md.AttemptsDropped += inner.AttemptsDropped
	md.WriteTo(&answer)
	telemetry.Annotate(ctx, md)
	s.reset()
	return &answer, nil
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
