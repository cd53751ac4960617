package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// responses makes a call through the Responses API.
func (m *Model) responses(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
	body, names, err := m.encodeResponses(req, stream)
	if err != nil {
		yield(nil, err)
		return
	}
	resp, err := m.do(ctx, req, body, stream)
	if err != nil {
		yield(nil, err)
		return
	}
	defer resp.Body.Close()
	decoder := responsesDecoder{m: m, names: names, resp: resp}
	if stream || isEventStream(resp.Header) {
		decoder.stream(ctx, stream, yield)
		return
	}
	answer, err := decoder.unary()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	yield(answer, err)
}

// isEventStream reports whether a response is a stream, whatever was asked for.
func isEventStream(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/event-stream"
}

// responsesDecoder reads one answer of the Responses API.
type responsesDecoder struct {
	m     *Model
	names wireNames
	resp  *http.Response
}

// unary reads an answer that comes in one piece.
func (d *responsesDecoder) unary() (*model.LLMResponse, error) {
	data, err := io.ReadAll(io.LimitReader(d.resp.Body, sse.MaxEvent+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("openai: reading the answer: %w", err)
	case len(data) > sse.MaxEvent:
		return nil, fmt.Errorf("openai: the answer is longer than 16 MiB: %w", failure.ErrTruncated)
	}
	data = sse.Trim(data)
	// As in an event, JSON that is not an answer may be an error in any form.
	var event wire.Event
	if err := event.Decode("", data); err != nil {
		return nil, d.unreadable(data, err)
	}
	switch event.Type {
	case wire.EventCompleted:
		return d.whole(event.Response)
	case wire.EventError:
		return nil, d.m.newError(d.resp, data)
	}
	if len(data) > 64<<10 {
		data = data[:64<<10]
	}
	return nil, d.unreadable(data, errors.New("neither an answer nor an error"))
}

// unreadable returns the error for a body that is not an answer: one that was cut
// off, or a page of a proxy.
func (d *responsesDecoder) unreadable(data []byte, err error) error {
	if len(data) > 0 && data[0] != '{' && data[0] != ' ' && data[0] != '\n' {
		return d.m.newError(d.resp, data[:min(len(data), openaiwire.MaxErrorBody)])
	}
	if len(data) == 0 {
		return fmt.Errorf("openai: %w", failure.ErrEmpty)
	}
	return fmt.Errorf("openai: the answer cannot be read: %w (%v)", failure.ErrTruncated, err)
}
