package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Client makes calls to a [Server]. It is safe for concurrent use.
type Client interface {
	// Call asks the question that all clients ask and returns the text of the
	// answer. A client that fails over asks its second target if the first fails.
	Call(ctx context.Context, stream bool) (text string, err error)
	// Close frees what the client holds.
	Close()
}

// Peer is a way to call a model. New makes a client that asks the targets, base
// URLs without "/v1", in order; a single one is asked alone.
type Peer struct {
	Name string
	New  func(targets ...string) (Client, error)
}

// Floor and Bifrost are the names of the peers that others are compared with, and
// Ours that of this module.
const (
	Floor   = "net/http"
	Bifrost = "bifrost/core"
	Ours    = "adk-fallback"
	SDK     = "openai-go"
)

// Peers returns all peers, the floor first.
func Peers() []Peer {
	return []Peer{{Floor, newFloor}, {Ours, newOurs}, {Bifrost, newBifrost}, {SDK, newSDK}}
}

// What every client asks.
const (
	system   = "You are the assistant of a railway. Answer in one paragraph, name the train and its platform."
	question = "When does the next train to Zurich leave, and from which platform? I am at the main station."
	earlier  = "Good morning! I can help you with connections, tickets and lost property. What would you like to know?"
)

// floor is net/http alone: a request that was encoded once, an answer that is read
// and not decoded.
type floor struct {
	client       *http.Client
	urls         []string
	whole, parts []byte
}

func newFloor(targets ...string) (Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 64
	f := &floor{client: &http.Client{Transport: transport}}
	for _, target := range targets {
		f.urls = append(f.urls, target+"/v1/chat/completions")
	}
	request := map[string]any{"model": Model, "messages": []map[string]string{
		{"role": "system", "content": system},
		{"role": "user", "content": "Hello"},
		{"role": "assistant", "content": earlier},
		{"role": "user", "content": question},
	}}
	var err error
	if f.whole, err = json.Marshal(request); err != nil {
		return nil, err
	}
	request["stream"], request["stream_options"] = true, map[string]any{"include_usage": true}
	f.parts, err = json.Marshal(request)
	return f, err
}

// Call returns [Answer] if the server sent as many bytes as that takes at least.
func (f *floor) Call(ctx context.Context, stream bool) (string, error) {
	body := f.whole
	if stream {
		body = f.parts
	}
	for _, url := range f.urls {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer sk-test")
		resp, err := f.client.Do(req)
		if err != nil {
			return "", err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return "", err
		}
		if resp.StatusCode == http.StatusOK && n > int64(len(Answer)) {
			return Answer, nil
		}
	}
	return "", fmt.Errorf("peers: no target of %v answers", f.urls)
}

func (f *floor) Close() { f.client.CloseIdleConnections() }
