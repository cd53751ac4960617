package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// floor is net/http alone: a request that was encoded once, an answer that is read
// and not decoded.
type floor struct {
	client *http.Client
	urls   []string
	body   []byte
	text   string
}

func newFloor(s *Site) (Client, error) { return newPool(s) }

// newPool returns a client whose connections others may use too. It keeps as many as
// the largest row needs.
func newPool(s *Site) (*floor, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1024
	f := &floor{client: &http.Client{Transport: transport}, text: strings.Join(s.Text, "")}
	for _, target := range s.Targets {
		f.urls = append(f.urls, target.URL+"/v1/chat/completions")
	}
	var err error
	f.body, err = json.Marshal(s.body())
	return f, err
}

// body is the request of the row as OpenAI takes it.
func (s *Site) body() map[string]any {
	var messages, tools []any
	for _, m := range s.conversation() {
		role := [...]string{bySystem: "system", byUser: "user", byModel: "assistant"}[m.by]
		messages = append(messages, map[string]any{"role": role, "content": m.text})
	}
	body := map[string]any{"model": s.Targets[0].Name, "messages": messages}
	for _, name := range s.tools() {
		tools = append(tools, map[string]any{"type": "function", "function": map[string]any{"name": name, "description": toolText, "parameters": toolSchema()}})
	}
	if tools != nil {
		body["tools"] = tools
	}
	if s.Chunks > 0 {
		body["stream"], body["stream_options"] = true, map[string]any{"include_usage": true}
	}
	return body
}

// Call shows the text of the site if the server sent at least as many bytes as the
// text has.
func (f *floor) Call(ctx context.Context, show func(string)) error {
	for _, url := range f.urls {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(f.body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer sk-test")
		resp, err := f.client.Do(req)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusOK && n > int64(len(f.text)) {
			show(f.text)
			return nil
		}
	}
	return fmt.Errorf("peers: no target of %v answers", f.urls)
}

func (f *floor) Close() { f.client.CloseIdleConnections() }
