package responses

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// stream reads an answer event by event. It yields a partial response for each
// piece of text and of thought if partial is set, and in the end the whole answer
// or an error.
func (d *decoder) stream(ctx context.Context, partial bool, yield func(*model.LLMResponse, error) bool) {
	s := stream{
		d: d, yield: yield, partial: partial,
		thought: request.Seal(vendor, nil),
	}
	answer, err := s.read()
	switch {
	case s.stopped:
	case err == nil:
		yield(answer, nil)
		sse.Drain(d.resp.Body)
	case ctx.Err() != nil:
		yield(nil, ctx.Err())
	default:
		yield(nil, err)
	}
}

// stream is what is known of an answer while it arrives.
type stream struct {
	d       *decoder
	yield   func(*model.LLMResponse, error) bool
	partial bool
	stopped bool // the consumer wants no more

	event   wire.Event
	begun   bool // an event has come
	model   string
	items   []*streamedItem
	shown   strings.Builder // the text of all partial responses
	thought []byte          // signature of partial thoughts
}

// read reads to the event that ends the answer. Without that event, the answer is
// not whole.
func (s *stream) read() (*model.LLMResponse, error) {
	reader := sse.NewReader(s.d.resp.Body)
	var stray []byte // what stood where an event should: often the text of an error
	for {
		event, err := reader.Next()
		switch {
		case errors.Is(err, sse.ErrTooLong):
			return nil, fmt.Errorf("openai: %w (%w)", failure.ErrTruncated, err)
		case err == io.EOF && s.begun:
			return nil, fmt.Errorf("openai: %w", failure.ErrTruncated)
		case err == io.EOF && len(stray) > 0:
			return nil, s.d.m.server.Error(s.d.resp, stray)
		case err == io.EOF && len(reader.Stray()) > 0:
			return nil, s.d.m.server.Error(s.d.resp, reader.Stray())
		case err == io.EOF:
			return nil, fmt.Errorf("openai: the stream holds no event: %w", failure.ErrEmpty)
		case err != nil:
			return nil, fmt.Errorf("openai: reading the stream: %w", err)
		}
		if event.Data[0] != '{' && event.Data[0] != ' ' {
			if event.Name == wire.EventError || event.Data[0] == '[' && !event.Done() {
				return nil, s.d.failed(event.Data)
			}
			if !event.Done() { // words of a proxy; "[DONE]" ends nothing here
				stray = append(stray[:0], event.Data[:min(len(event.Data), api.MaxStray)]...)
			}
			continue
		}
		if err := s.event.Decode(event.Name, event.Data); err != nil {
			return nil, fmt.Errorf("openai: an event cannot be read: %w (%v)", failure.ErrTruncated, err)
		}
		s.begun = true
		answer, err := s.take(event.Data)
		if answer != nil || err != nil || s.stopped {
			return answer, err
		}
	}
}

// take takes the decoded event in. It returns the whole answer once it is there.
func (s *stream) take(data []byte) (*model.LLMResponse, error) {
	e := &s.event
	switch e.Type {
	case wire.EventCreated, wire.EventInProgress:
		s.model = e.Response.Model
	case wire.EventItemAdded, wire.EventItemDone:
		s.setItem(e)
	case wire.EventTextDelta, wire.EventRefusalDelta, wire.EventReasoningDelta, wire.EventSummaryDelta:
		s.delta(e)
	case wire.EventTextDone, wire.EventRefusalDone, wire.EventReasoningDone, wire.EventSummaryDone:
		_, part := s.part(e)
		part.whole = cmp.Or(e.Text, e.Refusal)
		if len(e.Logprobs) > 0 {
			part.logprobs = e.Logprobs
		}
	case wire.EventArgumentsDelta:
		s.item(e, wire.ItemFunctionCall).arguments.WriteString(e.Delta)
	case wire.EventArgumentsDone:
		item := s.item(e, wire.ItemFunctionCall)
		item.Arguments, item.Name = cmp.Or(e.Arguments, item.Arguments), cmp.Or(item.Name, e.Name)
	case wire.EventCompleted, wire.EventIncomplete, wire.EventFailed, wire.EventCancelled, wire.EventDone:
		return s.end(e)
	case wire.EventError:
		return nil, s.d.failed(data)
	}
	return nil, nil
}

// delta adds a piece of text and shows it.
func (s *stream) delta(e *wire.Event) {
	item, part := s.part(e)
	part.text.WriteString(e.Delta)
	part.logprobs = append(part.logprobs, e.Logprobs...)
	if e.Delta == "" || e.Type == wire.EventRefusalDelta {
		return
	}
	if e.Type == wire.EventTextDelta {
		s.shown.WriteString(e.Delta)
		s.show(genai.Part{Text: e.Delta})
		return
	}
	if part.kind == item.parts[0].kind { // not the same thought again, in another form
		s.show(genai.Part{Text: e.Delta, Thought: true, ThoughtSignature: s.thought})
	}
}

// show yields a partial response.
func (s *stream) show(part genai.Part) {
	if !s.partial {
		return
	}
	// One allocation in the place of four: there is one for each event.
	p := &struct {
		response model.LLMResponse
		content  genai.Content
		part     genai.Part
		parts    [1]*genai.Part
	}{part: part}
	p.parts[0] = &p.part
	p.content = genai.Content{Role: genai.RoleModel, Parts: p.parts[:]}
	p.response = model.LLMResponse{Content: &p.content, ModelVersion: s.model, Partial: true}
	s.stopped = !s.yield(&p.response, nil)
}

// end returns the whole answer, or the error that it ended in.
func (s *stream) end(e *wire.Event) (*model.LLMResponse, error) {
	response := e.Response
	if response == nil {
		response = &wire.Response{Error: e.Error}
	}
	response.Model = cmp.Or(response.Model, s.model)
	switch {
	case e.Type == wire.EventFailed:
		response.Status = wire.StatusFailed
	case e.Type == wire.EventCancelled:
		response.Status = wire.StatusCancelled
	case e.Type == wire.EventIncomplete:
		response.Status = wire.StatusIncomplete
	case response.Status == wire.StatusInProgress || response.Status == wire.StatusQueued:
		response.Status = "" // the event knows better
	}
	response.Output = mergeItems(s.streamed(), response.Output)
	answer, err := s.d.whole(response)
	if err != nil {
		return nil, err
	}
	s.showRest(answer)
	if s.stopped {
		return nil, nil
	}
	return answer, nil
}

// showRest shows what no delta told.
func (s *stream) showRest(answer *model.LLMResponse) {
	var text strings.Builder
	if answer.Content != nil {
		for _, part := range answer.Content.Parts {
			if !part.Thought {
				text.WriteString(part.Text)
			}
		}
	}
	if rest, ok := strings.CutPrefix(text.String(), s.shown.String()); ok && rest != "" {
		s.show(genai.Part{Text: rest})
	}
}
