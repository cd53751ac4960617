package stream

import (
	"cmp"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Send passes resp on and reports whether more is wanted.
func (s *Sink) Send(resp *model.LLMResponse) bool {
	if s.Stopped {
		return false
	}
	if resp.Partial {
		switch {
		case resp.CustomMetadata[call.KeyRestart] == true:
			// A fork restarts. The consumer gets this Sink's marker, if the Sink has
			// shown anything.
			s.Restart()
			return true
		case resp.CustomMetadata[call.KeyProvisional] == true && (s.Continuous || s.Compared):
			return true // a preview could not be discarded
		}
		if resp.ModelVersion != "" {
			s.version = resp.ModelVersion
		}
		if !s.Shown && !request.HasContent(resp.Content) {
			if len(s.held) == maxHeld {
				s.held = append(s.held[:0], s.held[1:]...)
			}
			s.held = append(s.held, resp)
			return true
		}
		return s.flush() && s.showPart(resp)
	}
	return s.finish(resp)
}

// Answer passes on resp, a whole answer that needed no call to a model. When streamed,
// it is first passed on as one partial response, which user interfaces show. It is
// recorded as the attempt a, if a has an Outcome.
func (s *Sink) Answer(a call.Attempt, resp *model.LLMResponse, streamed bool) {
	s.begin(a.Model)
	s.began(time.Now(), nil, nil)
	s.answer = a
	if !streamed || s.Send(asPartial(resp)) {
		s.Send(resp)
	}
}

func asPartial(resp *model.LLMResponse) *model.LLMResponse {
	return &model.LLMResponse{
		Content: clone.Contents([]*genai.Content{resp.Content})[0], ModelVersion: resp.ModelVersion, Partial: true,
	}
}

// flush passes on the held responses, after the marker of a restart.
func (s *Sink) flush() bool {
	s.Shown, s.stands = true, s.stands || s.Continuous
	if s.parent == nil && s.record.first.IsZero() {
		s.record.first = time.Now()
	}
	if s.restart {
		s.restart = false
		telemetry.Event(s.record.ctx, telemetry.EventRestart, func() []telemetry.Attribute {
			return []telemetry.Attribute{telemetry.EventTarget.String(telemetry.Name(s.Model))}
		})
		if !s.show(restartMarker()) {
			return false
		}
	}
	held := s.held
	s.held = nil
	for _, resp := range held {
		if !s.showPart(resp) {
			return false
		}
	}
	return true
}

// showPart passes on a partial response. The first of an answer names the model.
func (s *Sink) showPart(resp *model.LLMResponse) bool {
	if !s.noticeBefore(resp) {
		return false
	}
	if s.named != s.Model && s.Root != "" && s.parent == nil {
		resp = s.introduced(resp)
	}
	return s.show(resp)
}

// restartMarker returns a response with empty content: ADK's flow drops a response
// without content.
func restartMarker() *model.LLMResponse {
	return &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel}, Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true},
	}
}

// finish passes on a final response.
func (s *Sink) finish(resp *model.LLMResponse) bool {
	s.answered(resp)
	if lost := s.lost(); lost > 0 {
		s.answer.CachedTokensLost = lost
	}
	if s.parent == nil {
		resp = s.recorded(resp)
	}
	if !s.flush() || !s.noticeAfter(resp) {
		return false
	}
	s.Final = true
	if s.parent == nil {
		s.record.last = time.Now()
	}
	return s.show(resp)
}

// recorded adds the attempt that has answered to the record, and the record to the answer.
func (s *Sink) recorded(resp *model.LLMResponse) *model.LLMResponse {
	if s.answer.Outcome != "" && !s.Final {
		s.add(s.answer, 0, s.latest, s)
	}
	return s.annotated(resp)
}

func (s *Sink) show(resp *model.LLMResponse) bool {
	s.yielded = true
	s.meter.Beat()
	if !s.yield(resp, nil) {
		s.Stopped = true
	}
	s.meter.Beat()
	s.yielded = false
	return !s.Stopped
}

// heard notes that the model is at work although it has sent nothing to show, so that no time
// limit takes it for silent.
func (s *Sink) heard() {
	for p := s; p != nil; p = p.parent {
		p.meter.Beat()
		p.meter.Beat()
		if p.detached != nil {
			return // what is further out belongs to another goroutine
		}
	}
}

// Restart prepares for another attempt. Held responses of the earlier one are dropped. If part
// of it was shown, the consumer is told to discard that before it gets anything else.
func (s *Sink) Restart() {
	s.dropHeld()
	s.stands = false
	if !s.Shown || s.Final {
		return
	}
	s.Shown, s.restart, s.named, s.told, s.spoken = false, true, "", false, false
}

// renew prepares for another answer in the attempt in progress: a router inside a model that
// is no Layer restarts it. It reports false if what was shown must not be discarded. Layers
// that compare answers see another attempt.
func (s *Sink) renew() bool {
	if s.Final {
		return true
	}
	if s.Shown && s.Continuous {
		return false
	}
	s.begun = s.record.begun.Add(1)
	s.Restart()
	return true
}

// Again reports whether another attempt may be made, and prepares for it.
func (s *Sink) Again() bool {
	if s.Stopped || s.Final || s.Shown && s.Continuous {
		return false
	}
	s.Restart()
	return true
}

// End ends the call with err and closes its record. A refusal that came as a response
// is passed on as a response: the user must see the provider's reason.
func (s *Sink) End(err error) {
	if bad := refusal(err); bad != nil && !s.Stopped && !s.Final && s.follows(bad) {
		s.Model, s.answer = bad.Model, call.Attempt{}
		s.finish(bad.Response)
		err = nil
	}
	s.over()
	if err != nil && !s.Stopped {
		s.yield(nil, err)
	}
}

// follows prepares for bad, the refusal that ends the call. It reports false if another
// model's text was shown that must not be discarded.
func (s *Sink) follows(bad *BadResponse) bool {
	own := cmp.Or(s.named, s.Model) == bad.Model // if a text was shown
	if s.Shown && s.stands && !own {
		return false
	}
	if !s.Shown || !own {
		s.Restart()
	}
	if bad.Model != s.Model {
		s.version, s.Notes.Adapted = "", ""
	}
	return true
}

// over ends the recording of the call and calls the hooks of its end, once.
func (s *Sink) over() {
	if s.isOver {
		return
	}
	s.isOver = true
	s.leave()
	s.tellEnd()
	s.record.log.Close()
}
