package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/suite"
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
				g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants)}, suite.Text("hi"))
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

// B145: what is held is bounded, and ends with its client. A gateway without keys holds nothing.
func TestWhatIsHeldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := func(ctx context.Context, g http.Handler) time.Duration {
			_, took := timed(ctx, g, "GET", "/v1/models", "a")
			return took
		}
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: gateway.Limits{MaxTenantCalls: 2}}, suite.Text("hi"))
		open := gatewayFor(t, gateway.Config{}, suite.Text("hi"))
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
		held := make(chan time.Duration, 2)
		for range 2 {
			go func() { held <- list(t.Context(), g) }()
		}
		synctest.Wait()
		if took := list(t.Context(), g); took != 0 {
			t.Errorf("while two of two are held: after %v, want at once", took)
		}
		for range 2 {
			if took := <-held; took != time.Second {
				t.Errorf("held for %v, want a second", took)
			}
		}
	})
}
