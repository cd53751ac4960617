package stream

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// maxHeld bounds the chunks held back before the first content. Providers send
// one or two; of more, the oldest are dropped.
const maxHeld = 16

// Sink takes the responses of one call and passes them to its consumer. It is
// the gate that every retrying layer shares: it holds back what has no content
// until the first content arrives, so that a failure before that is invisible,
// and knows what the consumer has seen.
//
// One goroutine at a time may use a Sink; Beats alone is safe at any time.
type Sink struct {
	yield func(*model.LLMResponse, error) bool

	// Shown: content of the attempt in progress has reached the consumer.
	Shown bool
	// Final: a non-partial response has reached the consumer, who may have
	// acted on it. Nothing may be tried again.
	Final bool
	// Stopped: the consumer wants no more.
	Stopped bool
	// HasNext: a router has another target for this call, so that waiting for
	// this one can be spared.
	HasNext bool
	// Force asks breakers to let the call through: there is nothing better left.
	Force bool

	refused bool // the final response is a refusal
	restart bool // the next thing to show is the marker of a restart
	yielded bool // in yield: a panic now is the consumer's

	// Wait is how long the layer around waited before the attempt that comes.
	Wait time.Duration

	// Root names the model the call started at, and turns annotation on: a
	// router sets it before it asks its first target.
	Root string
	// Model names the target that answers; [Source] sets it.
	Model string
	// Described is what a router knows of the target that is asked, over what its
	// model tells of itself; nil for nothing.
	Described *provider.Target
	// Notes is what layers tell of the answer. It is written on every final
	// response if Root is set.
	Notes Notes
	// Guard, if set, has a reason against asking a target of the given name, or
	// none. A router asks it for each of its targets, so that the guards of one
	// reach into the groups it is made of.
	Guard func(ctx context.Context, req *model.LLMRequest, target string) error

	text    *strings.Builder // the partial text shown, if a router asked for it to be kept
	version string           // of the model of the attempt in progress, as its partial responses tell
	log     *call.Log        // nil until an attempt failed
	held    []*model.LLMResponse
	visits  []visit       // of the layers that want to see the answer, outermost first
	beats   atomic.Uint32 // see Beats

	source *Source // of the attempt in progress; nil for an answer without a call

	// What most calls need once, or a few times, is here to save allocations.
	first       attempt
	watch       Watch
	firstVisits [3]visit
}

// Notes is what the layers of a call have to tell of its answer, beyond the
// attempts: the fields of [call.Metadata] of the same names. Adapted is a list,
// joined by newlines so that Notes can be compared.
type Notes struct{ CacheStatus, ExperimentID, Cohort, Degraded, Adapted string }

// NewSink returns a Sink that passes responses to yield, which is never called
// with an error but by End.
func NewSink(yield func(*model.LLMResponse, error) bool) *Sink { return &Sink{yield: yield} }

// SetYield replaces the consumer of a Sink that has not been used yet.
func (s *Sink) SetYield(yield func(*model.LLMResponse, error) bool) { s.yield = yield }

// KeepText makes the Sink keep the text of what it shows, for ShownText.
func (s *Sink) KeepText() { s.text = &strings.Builder{} }

// ShownText returns the text that the consumer has been shown of the attempt in
// progress, without thoughts.
func (s *Sink) ShownText() string {
	if s.text == nil {
		return ""
	}
	return s.text.String()
}

// Beats counts when control passes to the consumer and comes back. A [Watch] that
// reads the same even value twice knows that the model has been silent between;
// while the value is odd, the consumer has control.
func (s *Sink) Beats() uint32 { return s.beats.Load() }

// Record adds an attempt to the record of the call.
func (s *Sink) Record(a call.Attempt) {
	if s.log == nil {
		s.log = &call.Log{}
	}
	s.log.Add(a)
}

// recordFailure ends an attempt that failed: it is recorded, and what it held
// back is void. The next one may come through a Fork, which begins on its own.
func (s *Sink) recordFailure(failed *AttemptError, wait, took time.Duration) call.Attempt {
	v := failed.Means
	a := call.Attempt{
		Model: failed.Model, Outcome: call.Failed, Code: v.Code, Kind: string(v.Kind), HTTPStatus: v.HTTPStatus,
		Wait: wait, Duration: took, Reason: v.Reason, Message: v.Message,
	}
	s.Record(a)
	clear(s.held)
	s.held = s.held[:0]
	return a
}

// Attempts returns a copy of the record, and how many attempts it dropped.
func (s *Sink) Attempts() (attempts []call.Attempt, dropped int) {
	if s.log == nil {
		return nil, 0
	}
	return s.log.Attempts()
}

// begin starts an attempt.
func (s *Sink) begin(model string) {
	s.Model, s.version, s.source, s.Notes.Adapted = model, "", nil, ""
}

// Send passes resp on and reports whether more is wanted.
func (s *Sink) Send(resp *model.LLMResponse) bool {
	if s.Stopped {
		return false
	}
	if resp.Partial {
		if len(resp.CustomMetadata) > 0 && resp.CustomMetadata[call.KeyRestart] == true {
			// A router further in begins again. The marker that the consumer gets is
			// this Sink's, if it has shown anything.
			s.Restart()
			return true
		}
		if resp.ModelVersion != "" {
			s.version = resp.ModelVersion
		}
		if !s.Shown && !hasContent(resp.Content) {
			if len(s.held) == maxHeld {
				s.held = append(s.held[:0], s.held[1:]...)
			}
			s.held = append(s.held, resp)
			return true
		}
		if !s.Shown && !s.flush() {
			return false
		}
		if s.text != nil {
			s.keep(resp.Content)
		}
		return s.show(resp)
	}
	return s.finish(resp)
}

// Answer passes on resp, a whole answer that is at hand without a call, as the
// answer of model. When streamed, it comes as one partial response first, which
// is what user interfaces show.
func (s *Sink) Answer(model string, resp *model.LLMResponse, streamed bool) {
	s.begin(model)
	if !streamed || s.Send(asPartial(resp)) {
		s.Send(resp)
	}
}

func asPartial(resp *model.LLMResponse) *model.LLMResponse {
	return &model.LLMResponse{
		Content: request.CloneContents([]*genai.Content{resp.Content})[0], ModelVersion: resp.ModelVersion, Partial: true,
	}
}

// flush passes on what was held back, after the marker of a restart.
func (s *Sink) flush() bool {
	s.Shown = true
	if s.restart {
		s.restart = false
		if !s.show(restartMarker()) {
			return false
		}
	}
	if len(s.held) == 0 {
		return true
	}
	held := s.held
	s.held = nil
	for _, resp := range held {
		if !s.show(resp) {
			return false
		}
	}
	return true
}

// restartMarker has content, though an empty one: ADK's flow drops a response
// that has none.
func restartMarker() *model.LLMResponse {
	return &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel}, Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true},
	}
}

func (s *Sink) keep(content *genai.Content) {
	if content == nil {
		return
	}
	for _, part := range content.Parts {
		if part != nil && !part.Thought {
			s.text.WriteString(part.Text)
		}
	}
}

// finish passes on a final response.
func (s *Sink) finish(resp *model.LLMResponse) bool {
	resp = s.annotated(resp)
	if !s.flush() {
		return false
	}
	s.Final = true
	s.answered(resp)
	return s.show(resp)
}

func (s *Sink) show(resp *model.LLMResponse) bool {
	s.yielded = true
	s.beats.Add(1)
	if !s.yield(resp, nil) {
		s.Stopped = true
	}
	s.beats.Add(1)
	s.yielded = false
	return !s.Stopped
}

// Restart gets ready for another attempt after part of an answer was shown: the
// consumer is told to discard that part before it is shown anything else.
func (s *Sink) Restart() {
	if !s.Shown || s.Final {
		return
	}
	s.Shown, s.restart = false, true
	if s.text != nil {
		s.text.Reset()
	}
}

// End passes on how the call ended. A refusal that came as a response is
// passed on as one: the provider's reason is the user's to see.
func (s *Sink) End(err error) {
	if err == nil || s.Stopped || s.Final {
		return
	}
	if bad := refusal(err); bad != nil {
		s.Model, s.refused = bad.Model, true
		s.finish(bad.Response)
		return
	}
	s.yield(nil, err)
}

// hasContent tells whether content has anything to show: text, also thoughts, a
// call or data.
func hasContent(content *genai.Content) bool {
	if content == nil {
		return false
	}
	for _, p := range content.Parts {
		if p != nil && (p.Text != "" || p.FunctionCall != nil || p.FunctionResponse != nil || p.InlineData != nil ||
			p.FileData != nil || p.ExecutableCode != nil || p.CodeExecutionResult != nil || p.ToolCall != nil || p.ToolResponse != nil ||
			p.AudioTranscription != nil) {
			return true
		}
	}
	return false
}
