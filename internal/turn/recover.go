package turn

import (
	"fmt"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// kindRefused is the kind of a call that a layer within the agent's model refused.
const kindRefused = stream.KindRefused

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

// recover calls Config.Recover for req and annotates its answer, or records its
// failure. Recover is called like a target of a router: it gets its own copy of the
// request, is recorded, and ends in a whole answer or an error.
func (p *Plugin) recover(ctx Context, s *state, root string, req *model.LLMRequest) (*model.LLMResponse, error) {
	var sent []*model.LLMResponse
	var err error
	out := stream.NewSink(ctx, func(resp *model.LLMResponse, failed error) bool {
		if err = failed; err == nil {
			sent = append(sent, resp)
		}
		return true
	})
	out.Root, out.Fallback = root, true
	out.End(p.backup.Do(call.Carry(ctx), asAsked(req), false, out))
	final := request.Whole(sent)
	if err == nil && final == nil {
		err = failure.ErrEmpty
	}
	attempts, dropped := out.Attempts()
	if err != nil {
		p.notRecovered(ctx, s, attempts, dropped)
		return nil, err
	}
	answer := *final // the model may hand out one response many times, and ADK writes ids into its calls
	answer.Content = clone.Contents([]*genai.Content{final.Content})[0]
	request.DropSealed(&answer) // the agent's own model is called next, without an adapter of ours
	if len(attempts) == 0 {     // a cached answer
		attempts = []call.Attempt{{Model: out.Model, Outcome: call.OK}}
	}
	fields := p.recovered(ctx, s, attempts, dropped, final.ModelVersion)
	call.Merge(&answer, fields)
	telemetry.Annotate(ctx, fields)
	return &answer, nil
}

// asAsked returns req as the agent made it. Each attempt of Recover copies it; here
// only what UndoGemini changes is copied.
func asAsked(req *model.LLMRequest) *model.LLMRequest {
	own := *req
	if own.Config != nil && own.Config.HTTPOptions != nil {
		config, options := *own.Config, *own.Config.HTTPOptions
		options.Headers = options.Headers.Clone()
		config.HTTPOptions, own.Config = &options, &config
	}
	request.UndoGemini(&own)
	return &own
}

// attemptOf returns the attempt that an error of a router's target is about.
func attemptOf(err error) (a call.Attempt, ok bool) {
	switch e := err.(type) {
	case *stream.AttemptError:
		if e.Record.Outcome != "" {
			return e.Record, true
		}
		return stream.FailedAttempt(e.Model, e.Means), true
	case *stream.RefusedError:
		return call.Attempt{Model: e.Model, Outcome: call.Skipped, Kind: string(kindRefused), Reason: e.Reason}, true
	}
	return call.Attempt{}, false
}
