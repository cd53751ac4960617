package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// Model is a model at a server that speaks chat completions. It is safe for concurrent
// use.
type Model struct {
	target provider.Target
	azure  bool
	spoken dialect // of target
	server api.Server
}

// New returns the model of target, which server calls. azure says that the endpoint,
// whatever its name, is Azure's.
func New(target provider.Target, azure bool, server api.Server) *Model {
	return &Model{target: target, azure: azure, spoken: dialectOf(target.Endpoint, target.Model, azure), server: server}
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
		yield(nil, toolUse(err))
		return
	}
	defer resp.Body.Close()
	d := decoder{m: m, resp: resp, answer: answer{m: m, names: names, dialect: m.dialect(req)}}
	if stream {
		d.show = yield
	}
	final, err := d.read(stream || api.IsEventStream(resp.Header))
	switch {
	case d.stopped:
	case err != nil && ctx.Err() != nil:
		yield(nil, ctx.Err())
	case err != nil:
		yield(nil, toolUse(err))
	default:
		yield(final, nil)
		sse.Drain(resp.Body)
	}
}

// toolUse recognizes an error of Groq's that is not the request's fault: the server
// could not parse the model's tool call. A retry may succeed.
// https://console.groq.com/docs/errors
func toolUse(err error) error {
	var wire *openaiwire.Error
	if !errors.As(err, &wire) || wire.Code() != "tool_use_failed" {
		return err
	}
	verdict, _ := failure.ClassifyResponse(&model.LLMResponse{FinishReason: genai.FinishReasonMalformedFunctionCall}, failure.Expect{})
	verdict.Message = wire.Message()
	return errors.Join(verdict.Err(), err)
}

// decoder reads one answer.
type decoder struct {
	m      *Model
	resp   *http.Response
	show   func(*model.LLMResponse, error) bool // takes partial responses; nil for none
	answer answer

	wire    openaiwire.ChatAnswer
	stray   []byte // what stood where an event should: often the text of an error
	stopped bool   // the consumer wants no more
}

// read returns the final response, or why there is none.
func (d *decoder) read(stream bool) (*model.LLMResponse, error) {
	if stream {
		return d.events(d.resp.Body)
	}
	data, err := api.ReadWhole(d.resp.Body)
	if err != nil {
		return nil, err
	}
	start := sse.Trim(data)
	switch {
	case len(start) == 0:
		return nil, fmt.Errorf("openai: %w", failure.ErrEmpty)
	case start[0] != '{' && start[0] != '[':
		return d.events(bytes.NewReader(data)) // a stream that was not asked for, or no answer at all
	}
	d.answer.whole = true
	if err := d.take(sse.Event{Data: start}); err != nil {
		return nil, err
	}
	return d.end(true)
}

// events reads a stream.
func (d *decoder) events(body io.Reader) (*model.LLMResponse, error) {
	r := sse.NewReader(body)
	var ending sse.Ending
	defer ending.Stop()
	for {
		if d.answer.finish != "" {
			ending.Expect(d.resp.Body)
		}
		event, err := r.Next()
		switch {
		case err == io.EOF:
			if len(d.stray) == 0 && d.answer.isEmpty() {
				d.stray = r.Stray()
			}
			return d.end(false)
		case err != nil && d.answer.finish != "":
			return d.end(false) // the answer is whole; what is missing is at most its usage
		case errors.Is(err, sse.ErrTooLong):
			return nil, fmt.Errorf("openai: %w: %w", err, failure.ErrTruncated)
		case err != nil:
			return nil, fmt.Errorf("openai: reading the stream: %w", err)
		case event.Done():
			return d.end(true)
		}
		err = d.take(event)
		if err != nil && !(d.answer.finish != "" && errors.Is(err, failure.ErrTruncated)) { // a broken chunk behind the end is at most the usage
			return nil, err
		}
		if d.stopped {
			return nil, nil
		}
	}
}

// take takes one event in, or a whole answer.
func (d *decoder) take(event sse.Event) error {
	data := bytes.TrimSpace(event.Data)
	switch {
	case event.Name == "error":
		return d.failed(data)
	case len(data) == 0:
		return nil
	case data[0] == '[':
		return d.takeList(data)
	case data[0] != '{':
		d.stray = append(d.stray[:0], data[:min(len(data), api.MaxStray)]...)
		return nil
	}
	if err := d.wire.Decode(data); err != nil {
		return fmt.Errorf("openai: the answer cannot be read: %w (%v)", failure.ErrTruncated, err)
	}
	if d.wire.Failed != nil {
		return d.failed(d.wire.Failed)
	}
	delta := d.answer.add(&d.wire)
	if d.show != nil && !delta.isEmpty() && !d.show(delta.response(d.answer.model), nil) {
		d.stopped = true
	}
	return nil
}

// takeList takes a list of chunks, or what Gemini wraps its errors in.
func (d *decoder) takeList(data []byte) error {
	var err error
	found := false
	jsonscan.Each(data, func(_ int, element []byte) {
		found = true
		if err == nil && !d.stopped && element[0] == '{' {
			err = d.take(sse.Event{Data: element})
		}
	})
	if !found {
		d.stray = append(d.stray[:0], data[:min(len(data), api.MaxStray)]...)
	}
	return err
}

// failed returns the error that the server sent in place of an answer.
func (d *decoder) failed(body []byte) error {
	resp := d.resp
	if !d.answer.whole {
		resp = nil
	}
	return d.m.server.Error(resp, body[:min(len(body), openaiwire.MaxErrorBody)])
}

// end returns the final response. done reports that the server marked the end.
func (d *decoder) end(done bool) (*model.LLMResponse, error) {
	a := &d.answer
	switch {
	case a.finish != "":
	case len(d.stray) > 0:
		return nil, d.failed(d.stray)
	case a.isEmpty():
		return nil, fmt.Errorf("openai: the answer has no content: %w", failure.ErrEmpty)
	case !done:
		return nil, fmt.Errorf("openai: the stream ended without a finish reason: %w", failure.ErrTruncated)
	}
	return a.final()
}
