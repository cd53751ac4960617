package gemini_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

func TestHTTPErrors(t *testing.T) {
	noEnvironment(t)
	const key = "test-key-0123456789" // of clientConfig
	for _, test := range []struct {
		name, kind, body string
		status           int
		want             failure.Kind
	}{
		{"an error", "application/json", `{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}`, 429, failure.KindRateLimit},
		{"an error in a list", "application/json", "[{\n\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key. (" + key + ")\",\"status\":\"INVALID_ARGUMENT\"}}\n]", 400, failure.KindAuth},
		{"an error that is cut off", "application/json", `[{"error":{"code":503,"mess`, 503, failure.KindOverloaded},
		{"an empty body", "", "", 404, failure.KindInvalid},
		{"a web page of a proxy", "text/html; charset=utf-8", "<html><title>502 Bad Gateway</title>" + key + "</html>", 502, failure.KindServer},
		{"a long body", "application/json", `{"error":{"code":500,"message":"` + strings.Repeat("x", 4<<20), 500, failure.KindServer},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			for _, stream := range []bool{false, true} {
				_, _, err := ask(asFitted(t), m, hello(), stream)
				var own *gemini.Error
				if !errors.As(err, &own) || own.StatusCode != test.status || own.Response.Header.Get("Retry-After") != "7" {
					t.Fatalf("got %v, want an *Error of status %d with its headers", err, test.status)
				}
				var api genai.APIError
				if !errors.As(err, &api) || api.Code != test.status { // B20
					t.Errorf("genai's error in %v is %+v", err, api)
				}
				if strings.Contains(err.Error()+own.RawJSON()+own.Message(), key) || len(own.RawJSON()) > 1<<20 || len(err.Error()) > 2<<10 {
					t.Errorf("the error shows the key, or too much: %d bytes of body, %.300s", len(own.RawJSON()), err)
				}
				if verdict := failure.Classify(err); verdict.Kind != test.want {
					t.Errorf("%v is of kind %s, want %s", err, verdict.Kind, test.want)
				}
			}
		})
	}
}

// A page with status 200 is what a wrong base URL or a login answers.
func TestWebPageIsNoAnswer(t *testing.T) {
	noEnvironment(t)
	_, final, err := ask(asFitted(t), serve(t, sending("text/html", "<html><title>Sign in</title></html>", 999)), hello(), true)
	if final != nil || err == nil {
		t.Fatalf("got %+v and error %v, want an error", final, err)
	}
	if v := failure.Classify(err); v.Action != failure.Fallback && v.Action != failure.Retry {
		t.Errorf("%v means %s, want another try or model", err, v.Action)
	}
}

// An address where nobody listens is a failure of the network, and the error names
// the host alone.
func TestUnreachableServer(t *testing.T) {
	noEnvironment(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	m := newModel(t, "http://"+addr+"/?key=secret-in-the-url", genai.BackendGeminiAPI)
	_, _, err = ask(asFitted(t), m, hello(), false)
	if err == nil || !strings.Contains(err.Error(), addr) || strings.Contains(err.Error(), "secret-in-the-url") {
		t.Fatalf("error %v, want one that names %s and no more of the URL", err, addr)
	}
	if v := failure.Classify(err); v.Kind != failure.KindNetwork {
		t.Errorf("%v is of kind %s, want %s", err, v.Kind, failure.KindNetwork)
	}
}

// A part of an answer without an end takes no more memory than its bound allows.
func TestLongAnswersAreBounded(t *testing.T) {
	noEnvironment(t)
	for _, test := range []struct {
		name, begin string
		stream      bool
	}{{"an event", `data: {"x":"`, true}, {"a list", `[{"x":"`, true}, {"a document", `{"x":"`, false}} {
		t.Run(test.name, func(t *testing.T) {
			piece := []byte(strings.Repeat("x", 1<<20))
			m := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, test.begin)
				for r.Context().Err() == nil {
					if _, err := w.Write(piece); err != nil {
						return
					}
				}
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, final, err := ask(asFitted(t), m, hello(), test.stream)
			runtime.ReadMemStats(&after)
			if final != nil || err == nil || !strings.Contains(err.Error(), "longer than") || !errors.Is(err, failure.ErrTruncated) {
				t.Fatalf("got %+v and error %v, want ErrTruncated that says it is too long", final, err)
			}
			if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 300 {
				t.Errorf("%d MiB allocated", grown)
			}
		})
	}
}

// B56: when the consumer stops, the exchange is over.
func TestConsumerStops(t *testing.T) {
	noEnvironment(t)
	gone := make(chan struct{})
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, events(parts(`{"text":"a"}`)))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	for range m.GenerateContent(asFitted(t), hello(), true) {
		break
	}
	<-gone
}

// B39: the caller's cancellation ends a silent stream with its own error, and a
// limit on the request with a deadline.
func TestCancellation(t *testing.T) {
	noEnvironment(t)
	var header atomic.Value
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		header.Store(r.Header.Get("X-Server-Timeout"))
		_, _ = io.WriteString(w, events(parts(`{"text":"a"}`)))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(asFitted(t))
	defer cancel()
	var err error
	for _, err = range m.GenerateContent(ctx, hello(), true) {
		cancel()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the caller's cancellation", err)
	}
	req := hello()
	req.Config = &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{Timeout: genai.Ptr(50 * time.Millisecond)}}
	if _, _, err = ask(asFitted(t), m, req, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want a deadline", err)
	}
	if header.Load() != "1" {
		t.Errorf("the server was told %q seconds, want 1", header.Load())
	}
}

// Sixty-four callers at once, again and again, keep their connections.
func TestConnectionsAreKept(t *testing.T) {
	noEnvironment(t)
	var opened atomic.Int32
	srv := httptest.NewUnstartedServer(sending("application/json", okBody, 999))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	m := newModel(t, srv.URL, genai.BackendGeminiAPI)
	ctx := asFitted(t)
	const callers, calls = 64, 10
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				if _, _, err := ask(ctx, m, hello(), false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// While the first ones are being opened, others are asked for.
	if n := opened.Load(); n > 2*callers {
		t.Errorf("%d connections for %d calls of %d callers", n, callers*calls, callers)
	}
}

// An application's client is used, and its transport seen through: package failure
// learns what an attempt's error came with.
func TestGivenClient(t *testing.T) {
	noEnvironment(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "9")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer srv.Close()
	var used atomic.Int32
	config := clientConfig(srv.URL, genai.BackendGeminiAPI)
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		used.Add(1)
		return http.DefaultTransport.RoundTrip(r)
	})}
	m, err := gemini.New(t.Context(), "gemini-3-flash", gemini.Config{Client: config})
	if err != nil {
		t.Fatal(err)
	}
	ctx := failure.WithCapture(t.Context())
	_, _, err = ask(ctx, m, hello(), false)
	if used.Load() != 1 {
		t.Errorf("the client was used %d times, want 1: genai must not retry", used.Load())
	}
	if v := (failure.Classifier{}).Classify(ctx, errors.New("bare")); v.HTTPStatus != 503 || err == nil {
		t.Errorf("error %v; of the exchange is known %+v, want status 503", err, v)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
