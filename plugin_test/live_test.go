package plugin_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// live is a model that ADK can open a live session with.
type live struct {
	*llmtest.Model
	client *genai.Client
}

func (l live) Client() *genai.Client { return l.client }

// liveServer accepts live sessions and tells which model each one asks for.
func liveServer(t *testing.T) (client *genai.Client, asked <-chan string) {
	t.Helper()
	models := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var upgrader websocket.Upgrader
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		var message struct{ Setup struct{ Model string } }
		_ = json.Unmarshal(text, &message)
		models <- message.Setup.Model
		_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"setupComplete":{}}`))
		for err == nil { // until the client goes
			_, _, err = conn.ReadMessage()
		}
	}))
	t.Cleanup(server.Close)
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		Backend: genai.BackendGeminiAPI, APIKey: "key", HTTPOptions: genai.HTTPOptions{BaseURL: strings.Replace(server.URL, "http", "ws", 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, models
}

// B65: a live session goes to the primary, by its client and its name.
func TestLiveSessionsReachThePrimary(t *testing.T) {
	for name, wrap := range map[string]func(model.LLM) model.LLM{
		"fallback": func(m model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, m, llmtest.NewModel("backup", llmtest.Text("x")))
		},
		"layers": func(m model.LLM) model.LLM {
			return middleware.Chain(m, middleware.MustBreaker(middleware.BreakerConfig{}), middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, asked := liveServer(t)
			m := wrap(live{llmtest.NewModel("flash", llmtest.Text("x")), client})
			a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
			if err != nil {
				t.Fatal(err)
			}
			r, err := runner.New(runner.Config{AppName: "app", Agent: a, SessionService: session.InMemoryService(), AutoCreateSession: true})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			talk, events, err := r.RunLive(ctx, "user", "s", agent.LiveRunConfig{})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { // ends when the session is closed
				defer close(ended)
				for range events {
				}
			}()
			select {
			case got := <-asked:
				if got != "models/flash" {
					t.Errorf("the session asks for %q, want models/flash", got)
				}
			case <-ctx.Done():
				t.Error("nobody has dialled")
			}
			_ = talk.Close()
			<-ended
		})
	}
}
