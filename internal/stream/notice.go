package stream

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Notice is what a person is told when a fallback answers. It is shown as a partial
// response of its own, which ADK passes on and does not store (runner.Runner.Run appends
// only events that are not partial). The final response has it in its metadata.
type Notice struct {
	Text  string
	After bool // after the answer's text, not before it
	Bare  bool // in the metadata of the partial response, which has no text
}

// noticeBefore shows the notice before resp, if resp has the first text of an answer of
// a fallback. A text that another model has begun is not interrupted. It reports
// whether more is wanted.
func (s *Sink) noticeBefore(resp *model.LLMResponse) bool {
	if s.Notice == nil || s.parent != nil || !s.parts || s.spoken || request.Text(resp.Content) == "" {
		return true
	}
	s.spoken = true
	return s.Notice.After || !s.fellBack() || s.tell()
}

// noticeAfter shows the notice, unless it has been shown, before resp, the final
// response. It cannot follow resp: ADK's flow fails if the last response is partial
// (llminternal.Flow.Run), and does not wait for one after a function call.
func (s *Sink) noticeAfter(resp *model.LLMResponse) bool {
	if s.Notice == nil || s.parent != nil || s.told || s.Final || !s.parts || request.Text(resp.Content) == "" || !s.fellBack() {
		return true
	}
	return s.tell()
}

// fellBack reports whether a fallback answers. The strong model of a cascade is none.
func (s *Sink) fellBack() bool {
	if s.Root == "" || s.Model == s.Root || !s.fallback {
		return false
	}
	md := s.metadata(s.Root)
	return md.Triggered
}

// tell shows the notice.
func (s *Sink) tell() bool {
	s.told = true
	resp := &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel}, Partial: true, // ADK's flow drops a response without content
		CustomMetadata: map[string]any{call.KeyNotice: s.Notice.Text, call.KeyModelName: s.Model},
	}
	if !s.Notice.Bare {
		resp.Content.Parts = []*genai.Part{{Text: s.Notice.Text}}
	}
	return s.show(resp)
}
