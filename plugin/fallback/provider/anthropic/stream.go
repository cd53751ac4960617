package anthropic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// event is one event of a stream: the kind, and the members that it may have, as
// they are written.
type event struct {
	kind                                      string
	index                                     int // -1 if it has none
	message, block, delta, usage, error, stop []byte
}

// kinds are the events that mean something here. Others are to be ignored: the
// API may add some to a version.
// https://platform.claude.com/docs/en/build-with-claude/streaming
var kinds = map[string]string{
	"message_start": "message_start", "content_block_start": "content_block_start", "content_block_delta": "content_block_delta",
	"message_delta": "message_delta", "message_stop": "message_stop", "message": "message", "error": "error",
}

// parse reads the data of an event. name is its "event:" line, which stands in
// for a type that the data lacks.
func (e *event) parse(name string, data []byte) error {
	*e = event{index: -1}
	typed, tells := false, false // tells: there are the words of an error
	err := jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "type":
			typed = true
			if len(value) > 2 {
				e.kind = kinds[string(value[1:len(value)-1])]
				name = ""
			}
		case "index":
			if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 {
				e.index = n
			}
		case "message":
			e.message = value
			tells = tells || value[0] == '"'
		case "detail":
			tells = tells || value[0] != 'n'
		case "content_block":
			e.block = value
		case "delta":
			e.delta = value
		case "usage":
			e.usage = value
		case "stop_reason":
			e.stop = value
		case "error":
			e.error = value
		}
	})
	if name != "" {
		e.kind = kinds[name]
	}
	tells = tells && !typed && name == "" || e.error != nil && e.error[0] != 'n'
	if e.kind == "" && tells { // a relay's error, in its own form
		e.kind = "error"
	}
	return err
}

// stream reads the events of an answer.
type stream struct {
	from *Model
	collector
	resp  *http.Response
	yield func(*model.LLMResponse, error) bool // nil for a caller that wants the whole answer only
	// done says that message_stop has come.
	done bool
}

var errStopped = errors.New("anthropic: the consumer has stopped")

// read reads events until the answer is whole. A stream is whole once its stop
// reason was received, even if its last event is missing. The error is errStopped
// if the consumer has stopped.
func (s *stream) read(ctx context.Context, events *sse.Reader) error {
	var e event
	var ending sse.Ending
	defer ending.Stop()
	for !s.done {
		if s.stop != "" {
			ending.Expect(s.resp.Body)
		}
		next, err := events.Next()
		if err == nil {
			err = s.take(&e, next)
		}
		switch {
		case err == nil:
		case errors.Is(err, errStopped):
			return err
		case s.stop != "" && !isReported(err):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err == io.EOF && s.isEmpty() && len(events.Stray()) > 0: // the words of somebody in between
			return s.from.newError(s.resp, string(events.Stray()))
		case err == io.EOF:
			return nil // finish reports what is missing
		case errors.Is(err, sse.ErrTooLong):
			return errTooLong
		case isReported(err), errors.Is(err, failure.ErrTruncated):
			return err
		default:
			return fmt.Errorf("anthropic: reading the answer: %w", err)
		}
	}
	return nil
}

func isReported(err error) bool {
	var reported *Error
	return errors.As(err, &reported)
}

// take takes one event in.
func (s *stream) take(e *event, from sse.Event) error {
	err := e.parse(from.Name, from.Data)
	if from.Name == "error" || e.kind == "error" {
		return s.from.newError(s.resp, string(from.Data))
	}
	if err != nil {
		if from.Done() { // the mark of another protocol, which some servers add
			return nil
		}
		return fmt.Errorf("anthropic: an event is no JSON: %w", failure.ErrTruncated)
	}
	switch e.kind {
	case "message": // a server that does not stream
		ok, err := s.unary(from.Data)
		if !ok {
			return s.from.newError(s.resp, string(from.Data))
		}
		return err
	case "message_start":
		var m answer
		if err := lenient(e.message, &m); err != nil {
			return fmt.Errorf("anthropic: a message is no JSON: %w", failure.ErrTruncated)
		}
		s.note(&m)
		for i := range m.Content {
			s.begin(i, &m.Content[i])
		}
	case "content_block_start":
		var b answerBlock
		if err := lenient(e.block, &b); err != nil {
			return fmt.Errorf("anthropic: a content block is no JSON: %w", failure.ErrTruncated)
		}
		return s.show(s.begin(e.index, &b), b.Text+b.Thinking)
	case "content_block_delta":
		return s.delta(e)
	case "message_delta":
		return s.last(e)
	case "message_stop":
		s.done = true
	}
	return nil
}

// last takes in a message_delta, which has the stop reason.
func (s *stream) last(e *event) error {
	var d struct {
		StopReason  string       `json:"stop_reason"`
		StopDetails *stopDetails `json:"stop_details"`
	}
	var u *usage
	if e.delta != nil && lenient(e.delta, &d) != nil || e.usage != nil && lenient(e.usage, &u) != nil {
		return fmt.Errorf("anthropic: the end of a message is no JSON: %w", failure.ErrTruncated)
	}
	s.ended(d.StopReason, d.StopDetails)
	s.count(u)
	return nil
}

// delta takes in a piece of a block.
func (s *stream) delta(e *event) error {
	b := s.at(e.index)
	var err error
	if bad := jsonscan.Members(e.delta, func(key, value []byte) {
		switch string(key) {
		case "text", "thinking":
			if b == nil { // a piece without a beginning
				b = s.begin(e.index, &answerBlock{Type: string(key)})
			}
			if err == nil && string(key) == b.kind {
				piece := stringOf(value)
				b.text.WriteString(piece)
				err = s.show(b, piece)
			}
		case "partial_json":
			if b != nil && b.kind == "tool_use" {
				b.text.WriteString(stringOf(value))
			}
		case "signature":
			if b != nil {
				b.signature += stringOf(value)
			}
		case "citation":
			var c citation
			if b != nil && lenient(value, &c) == nil {
				b.citations = append(b.citations, c)
			}
		}
	}); bad != nil && err == nil {
		return fmt.Errorf("anthropic: a delta is no JSON: %w", failure.ErrTruncated)
	}
	if s.size += len(e.delta); s.size > maxAnswer && err == nil {
		return errTooLong
	}
	return err
}

// at returns the block of an index, or the latest if the event has none.
func (s *stream) at(index int) *collected {
	for i := len(s.blocks) - 1; i >= 0; i-- {
		if b := s.blocks[i]; b.index == index || index < 0 {
			return b
		}
	}
	return nil
}

// show yields a piece of text or thinking. Function calls stand only in the final
// response.
func (s *stream) show(b *collected, piece string) error {
	if piece == "" || s.yield == nil || b.kind != "text" && b.kind != kindThinking {
		return nil
	}
	chunk := &struct { // one allocation, not four
		resp    model.LLMResponse
		content genai.Content
		part    genai.Part
		parts   [1]*genai.Part
	}{}
	chunk.part.Text, chunk.part.Thought = piece, b.kind == kindThinking
	chunk.parts[0] = &chunk.part
	chunk.content.Role, chunk.content.Parts = genai.RoleModel, chunk.parts[:]
	chunk.resp.Content, chunk.resp.Partial = &chunk.content, true
	chunk.resp.ModelVersion, chunk.resp.UsageMetadata = s.model, s.usage
	if !s.yield(&chunk.resp, nil) {
		return errStopped
	}
	return nil
}

// stringOf returns the text of a JSON string, "" for any other value.
func stringOf(value []byte) string {
	s, ok := jsonscan.Unquote(value)
	if !ok {
		return ""
	}
	return s
}
