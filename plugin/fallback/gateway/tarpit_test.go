package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

// timed sends a request with a key, and returns the status and how long the answer took.
func timed(ctx context.Context, h http.Handler, method, path, key string) (status int, took time.Duration) {
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(helloGemini))
	r.Header.Set("X-Api-Key", key)
	if strings.HasSuffix(path, "#class") {
		r.Header.Set("X-Fallback-Priority", "none")
	}
	w, begun := httptest.NewRecorder(), time.Now()
	h.ServeHTTP(w, r)
	return w.Code, time.Since(begun)
}

// floods are requests of each kind that gets no place among the calls.
var floods = map[string]struct {
	method, path, key string
	status            int
}{
	"calls beyond a limit": {"POST", generate, "c", 429},
	"a wrong key":          {"POST", generate, "wrong", 401},
	"no key":               {"GET", "/v1/models", "", 401},
	"a wrong class":        {"POST", generate + "#class", "a", 400},
	"lists of models":      {"GET", "/v1/models", "a", 200},
	"no endpoint":          {"GET", "/", "a", 404},
}

// B145: a client that repeats such requests at once waits a second for each after the first 600.
// Calls of other keys do not wait.
func TestAFloodIsHeld(t *testing.T) {
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants)}, llmtest.Text("hi"))
				for range 3 { // calls that the limit of key c allows
					timed(t.Context(), g, "POST", generate, "c")
				}
				for range 600 {
					if status, took := timed(t.Context(), g, flood.method, flood.path, flood.key); status != flood.status || took != 0 {
						t.Fatalf("status %d after %v, want %d at once", status, took, flood.status)
					}
				}
				if status, took := timed(t.Context(), g, flood.method, flood.path, flood.key); status != flood.status || took != time.Second {
					t.Errorf("status %d after %v, want %d after a second", status, took, flood.status)
				}
				if status, took := timed(t.Context(), g, "POST", generate, "b"); status != 200 || took != 0 {
					t.Errorf("a call of another key: status %d after %v, want 200 at once", status, took)
				}
				time.Sleep(time.Minute)
				if _, took := timed(t.Context(), g, flood.method, flood.path, flood.key); took != 0 {
					t.Errorf("a minute later: after %v, want at once", took)
				}
			})
		})
	}
}

// B145: what is held ends with its client. A gateway without keys holds nothing.
func TestAHoldEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := func(ctx context.Context, g http.Handler) time.Duration {
			_, took := timed(ctx, g, "GET", "/v1/models", "a")
			return took
		}
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants)}, llmtest.Text("hi"))
		open := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
		for range 600 {
			list(t.Context(), g)
			list(t.Context(), open)
		}
		if took := list(t.Context(), open); took != 0 {
			t.Errorf("without keys: after %v, want at once", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if took := list(ctx, g); took != 50*time.Millisecond {
			t.Errorf("a client that disconnects after 50 ms: after %v", took)
		}
	})
}

// exhaust sends n requests that are not held with each key. A key may send 600 at once, and 10 more
// each second.
func exhaust(t *testing.T, g http.Handler, n int, keys ...string) {
	t.Helper()
	for _, key := range keys {
		for range n {
			if _, took := timed(t.Context(), g, "GET", "/v1/models", key); took != 0 {
				t.Fatalf("key %s: after %v, want at once", key, took)
			}
		}
	}
}

// B145: a thousand requests of all keys together are held. A client of any more must connect again.
func TestWhatIsHeldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: gateway.Limits{MaxTenantCalls: 2}}, llmtest.Text("hi"))
		list := func(key string) (took time.Duration, connection string) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/models", http.NoBody)
			r.Header.Set("X-Api-Key", key)
			w, begun := httptest.NewRecorder(), time.Now()
			g.ServeHTTP(w, r)
			return time.Since(begun), w.Header().Get("Connection")
		}
		for _, prompt := range []int{600, 10} {
			exhaust(t, g, prompt, "a", "b", "wrong")
			held := make(chan string, 1000)
			for i := range 1000 {
				go func() { held <- fmt.Sprint(list([]string{"a", "wrong"}[i%2])) }()
			}
			synctest.Wait()
			for _, key := range []string{"a", "b", "wrong"} {
				if took, connection := list(key); took != 0 || connection != "close" {
					t.Errorf("key %s, while 1,000 are held: after %v, Connection %q; want at once, close", key, took, connection)
				}
			}
			body := strings.NewReader(helloGemini)
			r := httptest.NewRequestWithContext(t.Context(), "POST", generate, body)
			r.Header.Set("X-Api-Key", "wrong")
			w := httptest.NewRecorder()
			if g.ServeHTTP(w, r); w.Header().Get("Connection") != "close" || body.Len() > 0 {
				t.Errorf("a body: Connection %q, %d bytes unread; want close, after the body", w.Header().Get("Connection"), body.Len())
			}
			for range 1000 {
				if got := <-held; got != "1s" {
					t.Fatalf("held for %s, want a second and an open connection", got)
				}
			}
		}
	})
}

// B145: a request is not held if its body would use memory or would be sent meanwhile. Its client
// must connect again.
func TestRequestsWithUnreadBodiesAreNotHeld(t *testing.T) {
	deep := `{"contents":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`
	for name, test := range map[string]struct {
		method, path, key, body string
		length                  int64 // -1 if it is not declared; 0 for that of body
		proto                   int
		expect                  bool
		closed                  bool
	}{
		"HTTP/1.1":                             {"POST", generate, "wrong", helloGemini, 0, 1, false, false},
		"HTTP/2":                               {"POST", generate, "wrong", helloGemini, 0, 2, false, true},
		"HTTP/2, length unknown":               {"POST", generate, "wrong", helloGemini, -1, 2, false, true},
		"HTTP/2, too long":                     {"POST", generate, "b", strings.Repeat(" ", 2000), 0, 2, false, true},
		"HTTP/2, too long, length unknown":     {"POST", generate, "b", strings.Repeat(" ", 2000), -1, 2, false, true},
		"HTTP/2, unknown endpoint":             {"POST", "/", "b", helloGemini, 0, 2, false, true},
		"HTTP/2, list with a body":             {"GET", "/v1/models", "b", helloGemini, 0, 2, false, true},
		"HTTP/2, no body":                      {"GET", "/v1/models", "b", "", 0, 2, false, false},
		"HTTP/2, the body has been read":       {"POST", generate, "b", deep, 0, 2, false, false},
		"HTTP/1.1, Expect":                     {"POST", generate, "wrong", helloGemini, 0, 1, true, true},
		"HTTP/1.1, Expect, no body":            {"GET", "/v1/models", "b", "", 0, 1, true, false},
		"HTTP/1.1, Expect, body has been read": {"POST", generate, "b", deep, 0, 1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: gateway.Limits{MaxBody: 1000}}, llmtest.Text("hi"))
				exhaust(t, g, 600, "b", "wrong")
				r := httptest.NewRequestWithContext(t.Context(), test.method, test.path, strings.NewReader(test.body))
				r.Header.Set("X-Api-Key", test.key)
				r.ProtoMajor = test.proto
				if test.length < 0 {
					r.ContentLength = test.length
				}
				if test.expect {
					r.Header.Set("Expect", "100-continue")
				}
				w, begun, want := httptest.NewRecorder(), time.Now(), time.Second
				g.ServeHTTP(w, r)
				if test.closed {
					want = 0
				}
				took, connection := time.Since(begun), w.Header().Get("Connection")
				if took != want || (connection == "close") != test.closed {
					t.Errorf("status %d after %v, Connection %q; want after %v, closed %v", w.Code, took, connection, want, test.closed)
				}
			})
		})
	}
}

// B145: over HTTP/2, a request that is not held ends its connection.
func TestHTTP2ConnectsAgain(t *testing.T) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: patience}
	defer client.CloseIdleConnections()
	g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants)}, llmtest.Text("hi"))
	r := listen(t, g, gateway.ServerConfig{H2C: true})
	connections := make(map[string]bool)
	fetch := func() {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { connections[c.Conn.LocalAddr().String()] = true }})
		req, err := http.NewRequestWithContext(ctx, "POST", r.url+generate, strings.NewReader(helloGemini))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, resp.Body); resp.StatusCode != 401 || !strings.Contains(text, "API key") {
			t.Errorf("%d %s; want 401", resp.StatusCode, text)
		}
	}
	fetch()
	fetch()
	if len(connections) != 1 {
		t.Fatalf("%d connections, want 1", len(connections))
	}
	for range 600 {
		timed(t.Context(), g, "GET", "/v1/models", "wrong")
	}
	for end := time.Now().Add(patience); len(connections) < 3 && time.Now().Before(end); {
		fetch()
	}
	if len(connections) < 3 {
		t.Errorf("%d connections, want a new one for each request that is not held", len(connections))
	}
}

// B145: a reload of the keys does not end the hold of a key.
func TestAReloadKeepsTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "keys.yaml")
		writeKeys(t, file, "keys: [{tenant: acme, sha256: KEYa }]")
		time.Sleep(time.Minute)
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		var log logged
		keys, err := gateway.WatchKeys(ctx, file, time.Second, log.logger())
		if err != nil {
			t.Fatal(err)
		}
		g := gatewayFor(t, gateway.Config{Keys: keys}, llmtest.Text("hi"))
		exhaust(t, g, 600, "a")
		writeKeys(t, file, "keys: [{tenant: other, sha256: KEYa , requests_per_minute: 5}]")
		begun := time.Now()
		for !strings.Contains(log.String(), "are in use") && time.Since(begun) < 10*time.Second {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		exhaust(t, g, 10*int(time.Since(begun).Seconds()), "a")
		if _, took := timed(t.Context(), g, "GET", "/v1/models", "a"); took != time.Second || !strings.Contains(log.String(), "are in use") {
			t.Errorf("after a reload: after %v, want a second; log %s", took, log.String())
		}
	})
}

// B145: a refusal because the gateway is full is not held, and does not count.
func TestRefusalsOfAFullGatewayAreNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := newGate()
		size := len(helloGemini) + 1 // of one body
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: gateway.Limits{MaxBody: size, MaxBodies: size}}, model.step)
		call := send(g, "a")
		for range 700 {
			if status, took := timed(t.Context(), g, "POST", generate, "b"); status != 503 || took != 0 {
				t.Fatalf("status %d after %v, want 503 at once", status, took)
			}
		}
		exhaust(t, g, 600, "b")
		if status, took := timed(t.Context(), g, "POST", generate, "b"); status != 503 || took != 0 {
			t.Errorf("after the requests that are not held: status %d after %v, want 503 at once", status, took)
		}
		close(model.open)
		<-call
	})
}
