package gemini

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// maxContinuations bounds how often one answer is continued. One request returns
// up to 65,536 tokens.
const maxContinuations = 7

// exchange is one call: its request, and the answer so far.
type exchange struct {
	model  *Model
	stream bool

	url     string
	header  http.Header // shared, not to be changed
	options *genai.HTTPOptions
	wire    wireRequest
	once    bool // the answer is not to be continued

	answer answer
}

type yielder func(*model.LLMResponse, error) bool

// run makes the call, and continues an answer that ends at the limit of one
// request. It reports whether the consumer has stopped.
func (c *exchange) run(ctx context.Context, yield yielder) (stopped bool, err error) {
	for n := 0; ; n++ {
		body, err := c.body()
		if err != nil {
			return false, err
		}
		resp, err := c.model.post(ctx, c.url, c.header, body)
		if err != nil {
			return false, err
		}
		stopped, err = c.read(resp, yield)
		if stopped || err != nil {
			return stopped, err
		}
		token := c.answer.continuation()
		if len(token) == 0 || c.once || n == maxContinuations {
			return false, nil
		}
		c.wire.ContinuationToken = token
		c.answer.goOn()
	}
}

// read takes in what the server sends, and closes the body.
func (c *exchange) read(resp *http.Response, yield yielder) (stopped bool, err error) {
	defer resp.Body.Close()
	if !c.stream {
		return false, c.readWhole(resp.Body)
	}
	documents, err := newDocuments(resp.Body)
	if err != nil {
		return false, c.broken(err)
	}
	var ending sse.Ending
	defer ending.Stop()
	for {
		if c.answer.finish != "" {
			ending.Expect(resp.Body)
		}
		data, err := documents.next()
		if err == io.EOF {
			// What may follow a list is read so that the connection can be used again.
			_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
			return false, nil
		}
		if err != nil {
			return false, c.broken(err)
		}
		if c.answer.finish != "" && !json.Valid(data) {
			return false, nil // the answer is whole; what is damaged comes after it
		}
		partial, err := c.take(data)
		if err != nil {
			return false, err
		}
		if partial != nil && !yield(partial, nil) {
			return true, nil
		}
	}
}

// readWhole takes in an answer that is no stream.
func (c *exchange) readWhole(body io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(body, maxDocument+1))
	switch {
	case err != nil:
		return c.broken(err)
	case len(data) > maxDocument:
		return fmt.Errorf("gemini: the answer is longer than %d MiB; ask for a stream: %w", maxDocument>>20, failure.ErrTruncated)
	}
	if data = sse.Trim(data); len(data) == 0 {
		return fmt.Errorf("gemini: %w", failure.ErrEmpty)
	}
	if data[0] != '[' {
		_, err := c.take(data)
		return err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("gemini: the answer is no JSON that the API sends: %w", failure.ErrTruncated)
	}
	for _, data := range list {
		if _, err := c.take(data); err != nil {
			return err
		}
	}
	return nil
}

// broken returns the error for an answer that cannot be read further; nil if it is
// whole already.
func (c *exchange) broken(err error) error {
	if c.answer.finish != "" {
		return nil
	}
	if errors.Is(err, sse.ErrTooLong) {
		return fmt.Errorf("gemini: the answer is longer than %d MiB, or a part of it longer than %d MiB: %w", sse.MaxStream>>20, sse.MaxEvent>>20, failure.ErrTruncated)
	}
	return fmt.Errorf("gemini: reading the answer: %w", err)
}

// take adds a document to the answer and returns what a stream shows of it, or nil.
func (c *exchange) take(data []byte) (*model.LLMResponse, error) {
	if data[0] == '[' { // no document is a list, but an error may stand in one
		if _, ok := readError(data); ok {
			return nil, c.model.newError(nil, data)
		}
	}
	shown, apiError, err := c.answer.read(data, c.stream)
	if apiError {
		return nil, c.model.newError(nil, data)
	}
	return shown, err
}

// body returns the request as JSON.
func (c *exchange) body() ([]byte, error) {
	own, err := plainjson.Marshal(&c.wire)
	if err != nil {
		return nil, fmt.Errorf("gemini: the request is no JSON: %w", err)
	}
	extra, provide := c.model.options.ExtraBody, c.model.options.ExtrasRequestProvider
	if c.options != nil {
		if c.options.ExtraBody != nil {
			extra = c.options.ExtraBody
		}
		if c.options.ExtrasRequestProvider != nil {
			provide = c.options.ExtrasRequestProvider
		}
	}
	if extra == nil && provide == nil {
		return own, nil
	}
	body := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(own))
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		return nil, fmt.Errorf("gemini: the request is no JSON: %w", err)
	}
	mergeBody(body, extra)
	if provide != nil {
		body = provide(body)
	}
	out, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("gemini: ExtraBody is no JSON: %w", err)
	}
	return out, nil
}

// mergeBody puts more into body, objects into objects.
func mergeBody(body, more map[string]any) {
	for key, value := range more {
		inner, isObject := body[key].(map[string]any)
		if moreInner, ok := value.(map[string]any); ok && isObject {
			mergeBody(inner, moreInner)
			continue
		}
		body[key] = value
	}
}
