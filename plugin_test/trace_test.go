package plugin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// ADK's REST API drops the metadata of events; the span is where ADK Web shows
// it. The launcher sets OpenTelemetry's global provider, so it gets a process
// of its own.
func TestQuickstartTraces(t *testing.T) {
	t.Parallel()
	api := serveQuickstart(t)
	fallenBack := api.turn(t, "fallback", "The quota is gone. How is the weather in Oslo?")
	api.turn(t, "healthy", "How is the weather in Oslo?")

	t.Run("events carry the answer and no metadata", func(t *testing.T) {
		for _, event := range fallenBack {
			if _, ok := event["customMetadata"]; ok {
				t.Errorf("ADK's API has customMetadata on events now, so the span is not the only place any more: %v", event)
			}
		}
		if last := fmt.Sprint(fallenBack[len(fallenBack)-1]["content"]); !strings.Contains(last, "It is snowing and -3 °C in Oslo.") {
			t.Errorf("last event says %s, want the weather in Oslo", last)
		}
	})
	t.Run("the API tells the fallback", func(t *testing.T) {
		checkFallbackSpan(t, api.spans(t, "/debug/trace/session/fallback"))
	})
	t.Run("ADK Web finds the fallback at its own path", func(t *testing.T) {
		checkFallbackSpan(t, api.spans(t, "/dev/apps/assistant/debug/trace/session/fallback"))
	})
	t.Run("a healthy turn tells of no fallback", func(t *testing.T) { // B01
		for key := range agentSpan(t, api.spans(t, "/debug/trace/session/healthy")) {
			if strings.HasPrefix(key, "fallback.") {
				t.Errorf("the agent's span has the attribute %s", key)
			}
		}
	})
}

// checkFallbackSpan wants the plugin's attributes on the agent's span.
func checkFallbackSpan(t *testing.T, spans []map[string]any) {
	t.Helper()
	got := agentSpan(t, spans)
	for key, want := range map[string]any{
		"fallback.triggered":      "true",
		"fallback.original_model": "gemini-2.5-flash",
		"fallback.model":          "gemini-2.5-pro",
		"fallback.attempt":        "1",
		"fallback.error_code":     "429",
		"gen_ai.response.model":   "gemini-2.5-pro",
	} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if reason, _ := got["fallback.reason"].(string); reason == "" {
		t.Error("fallback.reason is missing")
	}
	var attempts []map[string]any
	if err := json.Unmarshal([]byte(fmt.Sprint(got["fallback.attempts"])), &attempts); err != nil || len(attempts) != 2 {
		t.Errorf("fallback.attempts = %v, want a JSON list of two (%v)", got["fallback.attempts"], err)
	}
}

// quickstartAPI is the base URL of the REST API of a running quickstart.
type quickstartAPI string

// serveQuickstart runs `quickstart web api` until the test ends, and checks
// that an interrupt then ends it well.
func serveQuickstart(t *testing.T) quickstartAPI {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}

	var log bytes.Buffer
	server := exec.Command(buildQuickstart(t), "web", "-port", port, "api")
	server.Env, server.Stdout, server.Stderr = withoutSettings(), &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Process.Signal(os.Interrupt); err != nil { // Windows has none
			_ = server.Process.Kill()
			_ = server.Wait()
			return
		}
		if err := server.Wait(); err != nil {
			t.Errorf("after an interrupt the program ended with %v\n%s", err, log.String())
		}
	})
	api := quickstartAPI("http://127.0.0.1:" + port + "/api")
	api.awaitTraces(t)
	return api
}

// awaitTraces plays turns in sessions of their own until one is traced: the
// launcher listens a moment before it records. It is another process, so asking
// is the only way to know.
func (api quickstartAPI) awaitTraces(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			t.Fatalf("no trace from %s within 30 s", api)
		case <-again.C:
		}
		if resp, err := http.Get(string(api) + "/list-apps"); err != nil {
			continue
		} else if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint("warm-up-", n)
		api.turn(t, id, "hello")
		if len(api.spans(t, "/debug/trace/session/"+id)) > 0 {
			return
		}
	}
}

// turn asks the agent in a new session and returns the events.
func (api quickstartAPI) turn(t *testing.T, id, question string) []map[string]any {
	t.Helper()
	api.call(t, http.MethodPost, "/apps/assistant/users/user/sessions/"+id, nil, nil)
	var events []map[string]any
	api.call(t, http.MethodPost, "/run", map[string]any{
		"appName": "assistant", "userId": "user", "sessionId": id,
		"newMessage": map[string]any{"role": "user", "parts": []any{map[string]any{"text": question}}},
	}, &events)
	if len(events) == 0 {
		t.Fatal("the turn has no events")
	}
	return events
}

func (api quickstartAPI) spans(t *testing.T, path string) []map[string]any {
	t.Helper()
	var spans []map[string]any
	api.call(t, http.MethodGet, path, nil, &spans)
	return spans
}

// call sends body as JSON and reads the answer into answer, if that is not nil.
func (api quickstartAPI) call(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, string(api)+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v\n%s", method, path, resp.Status, err, text)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, text)
	}
}

// agentSpan returns the attributes of the agent's only span.
func agentSpan(t *testing.T, spans []map[string]any) map[string]any {
	t.Helper()
	i := slices.IndexFunc(spans, func(span map[string]any) bool { return span["name"] == "invoke_agent assistant" })
	if i < 0 {
		t.Fatalf("no span of the agent in %v", spans)
	}
	attributes, ok := spans[i]["attributes"].(map[string]any)
	if !ok {
		t.Fatalf("the agent's span has no attributes: %v", spans[i])
	}
	return attributes
}
