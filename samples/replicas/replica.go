package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

//go:embed fallback.yaml
var text string

// replica is one gateway. In production it is a process of its own, on another machine.
type replica struct {
	name   string
	live   *policy.Live
	server *http.Server
	url    string
	ended  chan struct{} // closed when the server has ended
}

// open starts a gateway on a free port of this machine.
func open(ctx context.Context, name, provider, address string) (*replica, error) {
	p, err := spec.Parse([]byte(strings.NewReplacer("PROVIDER", provider, "REDIS", address).Replace(text)))
	if err != nil {
		return nil, err
	}
	live, err := policy.NewLive(ctx, p, policy.WithState(redis.Open), policy.WithEnv(env))
	if err != nil {
		return nil, err
	}
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"assistant": live}})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &replica{name: name, live: live, server: &http.Server{Handler: g}, url: "http://" + listener.Addr().String(), ended: make(chan struct{})}
	go func() { // ends with close
		defer close(r.ended)
		_ = r.server.Serve(listener) // always an error, that it was closed
	}()
	return r, nil
}

// env has a key for every provider. The built-in provider accepts any key.
func env(name string) (string, bool) {
	if strings.HasSuffix(name, "_API_KEY") {
		return "sample", true
	}
	return os.LookupEnv(name)
}

func (r *replica) close() {
	_ = r.server.Close()
	<-r.ended
	_ = r.live.Close()
}

// ask sends a chat completion, as any client of OpenAI does, and returns the model that
// answered, or the error's code.
func (r *replica) ask(ctx context.Context) (string, error) {
	body := []byte(`{"model": "assistant", "messages": [{"role": "user", "content": "Hello!"}]}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Model string `json:"model"`
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Error.Code != "" {
		return answer.Error.Code, nil
	}
	return answer.Model, nil
}

// breaker returns the state of the primary's breaker.
func (r *replica) breaker() inspect.BreakerState {
	for node := range inspect.Of(r.live.Model()).States() {
		if node.Breaker != nil && node.Name == primary {
			return node.Breaker.State
		}
	}
	return ""
}
