package browser_test

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
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin_test/browser"
)

// root is the folder of the repository.
const root = "../.."

// app is an ADK application that runs with ADK Web in a process of its own: ADK's launcher
// sets OpenTelemetry's global provider.
type app struct {
	t     *testing.T
	url   string
	ended <-chan struct{} // closed when the process has ended
}

// quickstart builds the sample, which has its fallbacks in the plugin.
func quickstart(t *testing.T) string {
	t.Helper()
	return build(t, "./samples/quickstart", nil)
}

// routed builds testdata/adkweb as a program that a user could have in this
// repository, with the sample's traces for ADK Web.
func routed(t *testing.T) string {
	t.Helper()
	folder := filepath.Join("plugin_test", "adkweb") // which only this build sees
	return build(t, "./"+filepath.ToSlash(folder), map[string]string{
		filepath.Join(folder, "main.go"):      filepath.Join("plugin_test", "browser", "testdata", "adkweb", "main.go"),
		filepath.Join(folder, "traceview.go"): filepath.Join("samples", "quickstart", "traceview.go"),
	})
}

// build builds a program of the root module, with files of the repository in other
// places too, and returns its path.
func build(t *testing.T, pkg string, elsewhere map[string]string) string {
	t.Helper()
	base, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	replace := make(map[string]string)
	for place, file := range elsewhere {
		replace[filepath.Join(base, place)] = filepath.Join(base, file)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "program.exe") // a name that Windows runs too
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "-o", program, pkg)
	cmd.Dir = base
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return program
}

// serve runs a program with ADK Web until the test ends.
func serve(t *testing.T, program, agent string, env ...string) app {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	a := app{t, "http://127.0.0.1:" + port, ended}

	var log bytes.Buffer
	cmd := exec.Command(program, "web", "-port", port, "api", "webui", "-api_server_address", a.url+"/api")
	cmd.Env, cmd.Stdout, cmd.Stderr = append(withoutSettings(), env...), &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		defer close(ended)
		_ = cmd.Wait() // it is killed, or await tells
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		if t.Failed() {
			t.Logf("the program says:\n%s", log.String())
		}
	})
	a.awaitTraces(agent)
	return a
}

// withoutSettings is the environment of a machine on which nothing is configured.
func withoutSettings() (env []string) {
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "GOOGLE_") && !strings.HasPrefix(setting, "GEMINI_") && !strings.HasPrefix(setting, "OTEL_") {
			env = append(env, setting)
		}
	}
	return env
}

// awaitTraces plays turns in sessions of their own until one is traced: the launcher
// listens a moment before it records.
func (a app) awaitTraces(agent string) {
	a.t.Helper()
	for n := 0; ; n++ {
		id := fmt.Sprint("warm-up-", n)
		a.await("the server", func() bool { return a.call(http.MethodPost, sessions(agent, id), nil) == nil })
		if err := a.call(http.MethodPost, "/api/run", map[string]any{
			"appName": agent, "userId": "user", "sessionId": id,
			"newMessage": map[string]any{"role": "user", "parts": []any{map[string]any{"text": "hello"}}},
		}); err != nil {
			a.t.Fatal(err)
		}
		if a.traced(id) {
			return
		}
	}
}

func sessions(agent, id string) string { return "/api/apps/" + agent + "/users/user/sessions/" + id }

// traced reports whether the server has the span of a session's agent, which ends
// last.
func (a app) traced(id string) bool {
	a.t.Helper()
	var spans []struct{ Name string }
	if err := a.get("/api/debug/trace/session/"+id, &spans); err != nil {
		a.t.Fatal(err)
	}
	for _, span := range spans {
		if strings.HasPrefix(span.Name, "invoke_agent ") {
			return true
		}
	}
	return false
}

// await waits until a condition is true.
func (a app) await(what string, is func() bool) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), browser.Patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-a.ended:
			a.t.Fatalf("the program ended before %s", what)
		case <-ctx.Done():
			a.t.Fatalf("waited %v for %s", browser.Patience, what)
		}
	}
}

func (a app) call(method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return a.do(method, path, text, nil)
}

func (a app) get(path string, into any) error { return a.do(http.MethodGet, path, nil, into) }

// do sends a request and decodes the answer's JSON into the value that into points
// to, unless that is nil.
func (a app) do(method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %v\n%s", method, path, resp.Status, err, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
