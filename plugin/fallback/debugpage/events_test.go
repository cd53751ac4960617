package debugpage_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
)

// listener is a client of events. It is an http.ResponseWriter that never blocks.
type listener struct {
	header http.Header
	mu     sync.Mutex
	code   int             // guarded by mu
	text   strings.Builder // guarded by mu; since the latest take
	writes int             // guarded by mu
}

// listen connects a client until the test ends.
func listen(t *testing.T, page *debugpage.Page, query string) *listener {
	l := &listener{header: http.Header{}, code: http.StatusOK}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		page.ServeHTTP(l, httptest.NewRequestWithContext(ctx, http.MethodGet, "/debug/?format=events"+query, nil))
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

func (l *listener) Header() http.Header { return l.header }

func (l *listener) WriteHeader(code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.code = code
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	return l.text.Write(p)
}

func (l *listener) Flush() {}

// take returns what was written since the latest take.
func (l *listener) take() string {
	text, _ := l.takeWrites()
	return text
}

// takeWrites is take, with the number of writes.
func (l *listener) takeWrites() (text string, writes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, writes = l.text.String(), l.writes
	l.text.Reset()
	l.writes = 0
	return text, writes
}

// Events are sent when something has changed, at most once a second.
func TestEventsOfChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		m, _ := flashAndPro(page)
		live := listen(t, page, "")
		synctest.Wait()
		if got := strings.Count(live.take(), "event: section\n"); got != 5 {
			t.Errorf("%d sections at first, want 5", got)
		}
		time.Sleep(14500 * time.Millisecond)
		if got := live.take(); got != "" {
			t.Errorf("nothing has happened, but the page sent %q", got)
		}
		time.Sleep(time.Second)
		if got := live.take(); got != ": nothing has changed\n\n" {
			t.Errorf("the page sent %q, want a heartbeat", got)
		}
		for range 100 {
			ask(t, t.Context(), m)
			time.Sleep(20 * time.Millisecond)
		}
		got, writes := live.takeWrites()
		if writes == 0 || writes > 3 {
			t.Errorf("%d writes in two seconds, want at most one a second", writes)
		}
		if strings.Contains(got, `id="policy"`) || !strings.Contains(got, `id="calls"`) {
			t.Errorf("want the calls and not the policy: %s", got)
		}
	})
}

func TestStreamsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { // ends with ctx
				page.ServeHTTP(&listener{header: http.Header{}}, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?format=events", nil))
			})
		}
		synctest.Wait()
		late, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(late, http.MethodGet, "/?format=events", nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("status %d, %v; want 503 with Retry-After", w.Code, w.Header())
		}
		html(t, page, "") // is served nevertheless
		cancel()
		wg.Wait()
		live := listen(t, page, "")
		synctest.Wait()
		if !strings.Contains(live.take(), "event: section") {
			t.Error("no events after the others have gone")
		}
	})
}

// failing is a client that has gone.
type failing struct{ listener }

func (f *failing) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestStreamEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var page debugpage.Page
		gone := &failing{listener{header: http.Header{}}}
		page.ServeHTTP(gone, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?format=events", nil)) // returns
	})
}

// A server's WriteTimeout does not end a stream.
func TestStreamOutlivesWriteTimeout(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	server := httptest.NewUnstartedServer(page)
	server.Config.WriteTimeout = 100 * time.Millisecond
	server.Start()
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/?format=events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	seen, want := make([]byte, 4096), "fails later"
	text := ""
	for !strings.Contains(text, want) {
		n, err := resp.Body.Read(seen)
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(text), err)
		}
		if text += string(seen[:n]); strings.Contains(text, `id="calls"`) && !strings.Contains(text, want) {
			// The next look is a second later, beyond WriteTimeout.
			page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: want, Outcome: call.OK})
		}
	}
}
