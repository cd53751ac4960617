package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

const threeTenants = `
keys:
  - {tenant: acme, sha256: KEYa, max_priority: high, priority: normal}
  - {tenant: umbrella, sha256: KEYb, max_priority: high, priority: normal}
  - {tenant: Acme, sha256: KEYc, concurrency: 1, requests_per_minute: 3}
`

// send starts a request, whose answer comes later.
func send(g http.Handler, key string, headers ...string) <-chan *httptest.ResponseRecorder {
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- posted(g, generate, helloGemini, append([]string{"x-api-key", key}, headers...)...) }()
	synctest.Wait()
	return done
}

// refusedAs returns the status, the message and the header Retry-After of an answer.
func refusedAs(w *httptest.ResponseRecorder) string {
	var message string
	if _, after, ok := strings.Cut(w.Body.String(), `"message":"`); ok {
		message, _, _ = strings.Cut(after, `"`)
	}
	return fmt.Sprintf("%d %s (%s)", w.Code, message, w.Header().Get("Retry-After"))
}

// B145: a tenant and a key are refused at their own limits, others are not.
func TestATenantIsRefusedAtItsOwnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := newGate()
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: gateway.Limits{MaxCalls: 6}}, model.step)
		first := send(g, "c")
		if got, want := refusedAs(<-send(g, "c")), "429 this API key has as many calls in progress as it may; try again later (1)"; got != want {
			t.Errorf("a second call at once: %s, want %s", got, want)
		}
		for range 2 {
			send(g, "a")
		}
		if got, want := refusedAs(<-send(g, "a")), "429 this tenant has as many calls in progress as it may; try again later (1)"; got != want {
			t.Errorf("a fourth call of a tenant that may have half of six: %s, want %s", got, want)
		}
		other := send(g, "b")
		close(model.open)
		if w := <-other; w.Code != 200 {
			t.Errorf("the other tenant: %s", refusedAs(w))
		}
		if w := <-first; w.Code != 200 {
			t.Errorf("the first call: %s", refusedAs(w))
		}
		synctest.Wait()
		for range 2 {
			if w := <-send(g, "c"); w.Code != 200 {
				t.Errorf("within three a minute: %s", refusedAs(w))
			}
		}
		if got, want := refusedAs(<-send(g, "c")), "429 this API key has started as many calls in a minute as it may; try again later (20)"; got != want {
			t.Errorf("a fourth call in a minute: %s, want %s", got, want)
		}
		time.Sleep(20 * time.Second)
		if w := <-send(g, "c"); w.Code != 200 {
			t.Errorf("after Retry-After: %s", refusedAs(w))
		}
	})
}

// B145: when all places are taken, calls wait: those of a tenant within its share first, then
// by priority. The last one makes room in a full queue.
func TestAFullGatewayShedsTheFlooderFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := newGate()
		limits := gateway.Limits{MaxCalls: 4, MaxTenantCalls: 10, MaxQueue: 2, MaxWait: time.Minute}
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: limits}, model.step)
		for range 4 {
			send(g, "a")
		}
		flood1, flood2 := send(g, "a", "x-fallback-priority", "high"), send(g, "a")
		// Another tenant's call, although it is less important, replaces the flooder's last one.
		low := send(g, "b", "x-fallback-priority", "low")
		if got, want := refusedAs(<-flood2), "429 the gateway is full, and this tenant has more than its share of the calls in progress; try again later (1)"; got != want {
			t.Errorf("the flooder's last call: %s, want %s", got, want)
		}
		high := send(g, "b", "x-fallback-priority", "high")
		if got := refusedAs(<-flood1); !strings.HasPrefix(got, "429 ") {
			t.Errorf("the flooder's other call: %s, want a refusal", got)
		}
		high2 := send(g, "b", "x-fallback-priority", "high") // not within its share, with 3 of 4
		if got, want := refusedAs(<-high2), "429"; !strings.HasPrefix(got, want) {
			t.Errorf("a call beyond the share: %s, want a refusal", got)
		}
		model.open <- struct{}{} // a place for one
		synctest.Wait()
		if len(model.entered) != 5 {
			t.Fatalf("%d calls have begun, want 5", len(model.entered))
		}
		close(model.open)
		if w := <-high; w.Code != 200 {
			t.Errorf("the important call: %s", refusedAs(w))
		}
		if w := <-low; w.Code != 200 {
			t.Errorf("the call that waits: %s", refusedAs(w))
		}
	})
}

// B145: a call that waits in vain is told when to come again; one whose client has gone frees
// its place.
func TestACallDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := newGate()
		limits := gateway.Limits{MaxCalls: 2, MaxTenantCalls: 2, MaxWait: 3 * time.Second}
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: limits}, model.step)
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan int, 1)
		go func() {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, generate, strings.NewReader(helloGemini))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("x-api-key", "a")
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			gone <- w.Code
		}()
		synctest.Wait()
		send(g, "a")
		at := time.Now()
		if got, want := refusedAs(<-send(g, "b")), "503 the gateway is full; try again later (1)"; got != want || time.Since(at) != 3*time.Second {
			t.Errorf("after %v: %s, want %s after 3s", time.Since(at), got, want)
		}
		waits := send(g, "b")
		leave()
		<-gone
		synctest.Wait()
		if len(model.entered) != 3 {
			t.Errorf("%d calls have begun; want that of the call that waited too", len(model.entered))
		}
		close(model.open)
		if w := <-waits; w.Code != 200 {
			t.Errorf("the call that waited: %s", refusedAs(w))
		}
	})
}

// B145: bodies are bounded one by one and together, whatever their length is said to be.
func TestBodiesAreBounded(t *testing.T) {
	limits := gateway.Limits{MaxBody: 1000, MaxDepth: 10}
	g := gatewayFor(t, gateway.Config{Limits: limits}, llmtest.Text("hi"))
	long := strings.Replace(helloGemini, "hello", strings.Repeat("a", 1000), 1)
	fits := strings.Replace(helloGemini, "hello", strings.Repeat("a", 1000-len(helloGemini)+len("hello")), 1)
	deep := strings.Replace(helloGemini, `"hello"`, `"h","x":`+strings.Repeat("[", 6)+`"{{{{{{"`+strings.Repeat("]", 6), 1)
	for name, test := range map[string]struct {
		body    string
		chunked bool
		headers []string
		status  int
		want    string
	}{
		"fits":              {fits, false, nil, 200, "hi"},
		"fits, in chunks":   {fits, true, nil, 200, "hi"},
		"long":              {long, false, nil, 413, "the body is larger than 1000 bytes"},
		"long, in chunks":   {long, true, nil, 413, "the body is larger than 1000 bytes"},
		"one byte more":     {fits + " ", true, nil, 413, "the body is larger than 1000 bytes"},
		"deep":              {deep, false, nil, 400, "nested deeper than 10"},
		"marks in a text":   {strings.Replace(helloGemini, "hello", strings.Repeat(`[{\"`, 50), 1), false, nil, 200, "hi"},
		"no JSON":           {"primary: one", false, nil, 400, "no JSON, from byte 1 on"},
		"nothing":           {"", false, nil, 400, "no JSON, from byte 0 on"},
		"no type":           {helloGemini, false, []string{"Content-Type", ""}, 200, "hi"},
		"compressed":        {helloGemini, false, []string{"Content-Encoding", "gzip"}, 415, "a body with a Content-Encoding is not supported"},
		"not compressed":    {helloGemini, false, []string{"Content-Encoding", "Identity"}, 200, "hi"},
		"byte order mark":   {"\ufeff" + helloGemini, false, nil, 200, "hi"},
		"a page in browser": {helloGemini, false, []string{"Origin", "http://example.com"}, 403, "does not serve web pages"},
		"10,000 headers":    {helloGemini, false, manyHeaders(10_000), 431, "too many or too large headers"},
		"a large header":    {helloGemini, false, []string{"X", strings.Repeat("x", 40_000)}, 431, "too many or too large headers"},
		"a header of 10 kB": {helloGemini, false, []string{"X", strings.Repeat("x", 10_000)}, 200, "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, generate, strings.NewReader(test.body))
			r.Header.Set("Content-Type", "application/json")
			for pair := range slices.Chunk(test.headers, 2) {
				r.Header.Set(pair[0], pair[1])
			}
			if test.chunked {
				r.ContentLength = -1
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("status %d, body %s; want %d and %q", w.Code, w.Body, test.status, test.want)
			}
			if w.Code != 200 {
				refusalOf(t, w)
			}
		})
	}
}

func manyHeaders(n int) (pairs []string) {
	for i := range n {
		pairs = append(pairs, fmt.Sprint("X-", i), "x")
	}
	return pairs
}

// B145: the bodies of a tenant that floods leave room for those of others.
func TestBodiesTogetherAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := newGate()
		body := strings.Replace(helloGemini, "hello", strings.Repeat("a", 100_000), 1)
		limits := gateway.Limits{MaxBody: 300_000, MaxBodies: 600_000}
		g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: limits}, model.step)
		send := func(key string) <-chan *httptest.ResponseRecorder {
			done := make(chan *httptest.ResponseRecorder, 1)
			go func() { done <- posted(g, generate, body, "x-api-key", key) }()
			synctest.Wait()
			return done
		}
		var all []<-chan *httptest.ResponseRecorder
		for range 3 {
			all = append(all, send("a"))
		}
		for range 3 {
			all = append(all, send("b"))
		}
		close(model.open)
		var got []int
		for _, done := range all {
			got = append(got, (<-done).Code)
		}
		if diff := cmp.Diff([]int{200, 200, 503, 200, 200, 503}, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		synctest.Wait()
		if w := <-send("a"); w.Code != 200 {
			t.Errorf("after the calls: %s", refusedAs(w))
		}
	})
}

func TestWrongLimitsAreRefused(t *testing.T) {
	_, err := gateway.New(gateway.Config{Limits: gateway.Limits{MaxBody: -1, MaxWait: -1, MaxBodies: 5}})
	for _, want := range []string{"gateway: Limits.MaxBody: -1 is negative", "gateway: Limits.MaxWait: -1ns is negative", "Config.Routes is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := gateway.New(gateway.Config{Limits: gateway.Limits{MaxBodies: 5}}); err == nil || !strings.Contains(err.Error(), "MaxBodies is 5, less than MaxBody") {
		t.Errorf("error %v, want one about MaxBodies", err)
	}
}
