package responses

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// Model is a model at a server that speaks the Responses API. It is safe for concurrent
// use.
type Model struct {
	target provider.Target
	levels []string // thinking levels that target takes; nil if not known
	server api.Server
}

// New returns the model of target, which server calls.
func New(target provider.Target, server api.Server) *Model {
	return &Model{target: target, levels: target.Accepts().ThinkingLevels, server: server}
}

// Generate makes one call and yields its answer, as a model.LLM does.
func (m *Model) Generate(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
	body, names, err := m.encode(req, stream)
	if err != nil {
		yield(nil, err)
		return
	}
	resp, err := m.server.Post(ctx, req, body, stream)
	if err != nil {
		yield(nil, err)
		return
	}
	defer resp.Body.Close()
	d := decoder{m: m, names: names, resp: resp}
	if stream || api.IsEventStream(resp.Header) {
		d.stream(ctx, stream, yield)
		return
	}
	answer, err := d.unary()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	yield(answer, err)
}

// decoder reads one answer of the Responses API.
type decoder struct {
	m     *Model
	names api.Names
	resp  *http.Response
}

// unary reads an answer that comes in one piece.
func (d *decoder) unary() (*model.LLMResponse, error) {
	data, err := api.ReadWhole(d.resp.Body)
	if err != nil {
		return nil, err
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
		return nil, d.m.server.Error(d.resp, data)
	}
	if len(data) > 64<<10 {
		data = data[:64<<10]
	}
	return nil, d.unreadable(data, errors.New("neither an answer nor an error"))
}

// unreadable returns the error for a body that is not an answer: one that was cut
// off, or a page of a proxy.
func (d *decoder) unreadable(data []byte, err error) error {
	if len(data) > 0 && data[0] != '{' && data[0] != ' ' && data[0] != '\n' {
		return d.m.server.Error(d.resp, data[:min(len(data), openaiwire.MaxErrorBody)])
	}
	if len(data) == 0 {
		return fmt.Errorf("openai: %w", failure.ErrEmpty)
	}
	return fmt.Errorf("openai: the answer cannot be read: %w (%v)", failure.ErrTruncated, err)
}
