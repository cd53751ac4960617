package fallbacktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// Over TCP a client sees what it sees over a pipe, and Close leaves nothing behind.
func TestFaultsOverTCP(t *testing.T) {
	for _, tc := range []struct {
		name    string
		step    ft.Step
		want    seen
		outcome ft.Outcome
	}{
		{"answer", ft.Text("It is"), seen{Events: 2, Text: "It is", Finish: "STOP", Usage: "3+2=5"}, ft.Completed},
		{"reset", ft.Reset(), seen{Err: "reset"}, ft.Broken},
		{"abort", ft.Text("It is").AbortAfter(1), seen{Events: 1, Text: "It ", Usage: "3+1=4", Err: "unexpected EOF"}, ft.Broken},
		{"cut", ft.Text("It is").CutAfter(1), seen{Events: 1, Text: "It ", Usage: "3+1=4"}, ft.Broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			srv := ft.NewServer()
			defer srv.Close()
			srv.Script(flash, tc.step)
			got := ask(t, srv.ClientConfig(), flash, true)
			got.First, got.Took = 0, 0
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("client saw (-want +got):\n%s", diff)
			}
			if got := srv.Requests()[0].Outcome; got != tc.outcome {
				t.Errorf("outcome = %q, want %q", got, tc.outcome)
			}
		})
	}
}

// A reset that strikes a connection in its second exchange reaches the client too:
// the request is not sent again behind its back.
func TestResetOfAReusedConnection(t *testing.T) {
	for name, newServer := range map[string]func() *ft.Server{"TCP": ft.NewServer, "pipe": ft.NewPipeServer} {
		t.Run(name, func(t *testing.T) {
			srv := newServer()
			defer srv.Close()
			srv.Script(flash, ft.Text("hi"), ft.Reset(), ft.Text("again"))
			var got []string
			for range 3 {
				s := ask(t, srv.ClientConfig(), flash, true)
				got = append(got, s.Text+s.Err)
			}
			if diff := cmp.Diff([]string{"hi", "reset", "again"}, got); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if n := len(srv.Requests()); n != 3 {
				t.Errorf("recorded %d requests, want 3", n)
			}
		})
	}
}

func TestCloseEndsExchangesUnderWay(t *testing.T) {
	for name, newServer := range map[string]func() *ft.Server{"TCP": ft.NewServer, "pipe": ft.NewPipeServer} {
		for stepName, step := range map[string]ft.Step{
			"silence": ft.Silence(),
			"stall":   ft.Text("It is").StallAfter(1),
			"delay":   ft.Text("It is").After(time.Hour),
			"pace":    ft.Text("It is").Pace(time.Hour),
		} {
			t.Run(name+"/"+stepName, func(t *testing.T) {
				defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
				srv := newServer()
				arrived := make(chan struct{})
				srv.Script(flash, ft.Func(func(ft.Request) ft.Step {
					close(arrived)
					return step
				}))
				answer := make(chan seen)
				go func() { answer <- ask(t, srv.ClientConfig(), flash, true) }()
				<-arrived
				srv.Close()
				srv.Close()
				if got := <-answer; got.Err == "" {
					t.Errorf("client saw %+v, want an error", got)
				}
				if got := srv.Requests()[0]; got.Outcome != ft.ClientGone || got.Ended.IsZero() {
					t.Errorf("outcome = %q at %v, want %q", got.Outcome, got.Ended, ft.ClientGone)
				}
			})
		}
	}
}

func TestClosedPipeServerRefusesConnections(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Close()
		_, err := srv.Client().Get(srv.URL)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("err = %v, want connection refused", err)
		}
	})
}

// FirstAfter sends headers at once, After holds them back too.
func TestWhenHeadersArrive(t *testing.T) {
	for name, tc := range map[string]struct {
		step ft.Step
		want time.Duration
	}{
		"first after": {ft.Text("hi").FirstAfter(20 * time.Second), 0},
		"after":       {ft.Text("hi").After(20 * time.Second), 20 * time.Second},
		"stall":       {ft.Text("hi").StallAfter(0), 0},
	} {
		for _, method := range []string{"generateContent", "streamGenerateContent?alt=sse"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *ft.Server) {
					srv.Script(flash, tc.step)
					begin := time.Now()
					resp := post(t, srv, "/v1beta/models/"+flash+":"+method, `{}`)
					if got := time.Since(begin); got != tc.want {
						t.Errorf("headers after %v, want %v", got, tc.want)
					}
					_ = resp.Body.Close()
				})
			})
		}
	}
}

func TestVertexPaths(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Text("hi"))
		for _, stream := range []bool{false, true} {
			if got := ask(t, srv.VertexClientConfig(), flash, stream); got.Text != "hi" {
				t.Errorf("stream %v: client saw %+v", stream, got)
			}
		}
		const base = "/v1beta1/projects/fallbacktest/locations/us-central1/publishers/google/models/" + flash
		var got []string
		for _, r := range srv.RequestsFor(flash) {
			got = append(got, r.Path)
		}
		if diff := cmp.Diff([]string{base + ":generateContent", base + ":streamGenerateContent"}, got); diff != "" {
			t.Errorf("paths (-want +got):\n%s", diff)
		}
	})
}

func TestRequestsThatAreNoCallForContent(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body string
		code       int
		want       string // in the response's body
	}{
		"count tokens":      {"/v1beta/models/" + flash + ":countTokens", `{}`, 404, ""},
		"unknown path":      {"/", `{}`, 404, ""},
		"broken JSON":       {"/v1beta/models/" + flash + ":generateContent", `{"contents":`, 400, "INVALID_ARGUMENT"},
		"stream as array":   {"/v1beta/models/" + flash + ":streamGenerateContent", `{}`, 400, "alt=sse"},
		"model without any": {"/v1beta/models/other:generateContent", `{}`, 404, "models/other is not found"},
		"null contents":     {"/v1beta/models/" + flash + ":generateContent", `{"contents":[null,{"parts":[null]}]}`, 200, "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script(flash, ft.Func(func(r ft.Request) ft.Step { return ft.Text("hi" + r.Text()) }))
				resp := post(t, srv, tc.path, tc.body)
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != tc.code || !strings.Contains(string(body), tc.want) || tc.want == "" && len(body) > 0 {
					t.Errorf("answer = %d %q, want %d with %q", resp.StatusCode, body, tc.code, tc.want)
				}
				if got := len(srv.Requests()); got != 1 {
					t.Errorf("recorded %d requests, want 1", got)
				}
			})
		})
	}
}

func TestStatusHeadersReachTheClient(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Exhausted().Header("retry-after", "2"), ft.Status(502, "<html>").Header("Content-Type", "text/html"))
		path := "/v1beta/models/" + flash + ":generateContent"
		first, second := post(t, srv, path, `{}`), post(t, srv, path, `{}`)
		_, _ = first.Body.Close(), second.Body.Close()
		got := []string{first.Header.Get("Retry-After"), first.Header.Get("Content-Type"), second.Header.Get("Content-Type")}
		if diff := cmp.Diff([]string{"2", "application/json; charset=UTF-8", "text/html"}, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
}

// The Provider is a handler of its own; a recorder has no connection to reset.
func TestProviderAsHandler(t *testing.T) {
	var p ft.Provider
	p.Script(flash, ft.Text("hi"), ft.Reset())
	request := func() *http.Request {
		return httptest.NewRequest("POST", "/v1beta/models/"+flash+":generateContent", strings.NewReader(`{}`))
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, request())
	if !strings.Contains(w.Body.String(), `"text":"hi"`) {
		t.Errorf("body = %s", w.Body)
	}
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", got)
		}
	}()
	p.ServeHTTP(httptest.NewRecorder(), request())
}

// The ready-made errors carry the details that clients classify by.
func TestErrorDetails(t *testing.T) {
	for name, tc := range map[string]struct {
		step ft.Step
		want []string // in the details, as JSON
	}{
		"daily quota":  {ft.DailyQuota(), []string{`"GenerateRequestsPerDayPerProjectPerModel-FreeTier"`, `"quotaValue":"20"`, `"model":"` + flash + `"`, `"retryDelay":"39s"`}},
		"minute quota": {ft.MinuteQuota(1500 * time.Millisecond), []string{`"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"`, `"retryDelay":"1.5s"`}},
		"zero wait":    {ft.MinuteQuota(0), []string{`"retryDelay":"0s"`}},
		"long wait":    {ft.MinuteQuota(20 * time.Minute), []string{`"retryDelay":"1200s"`}},
		"capacity":     {ft.Capacity(), []string{`"MODEL_CAPACITY_EXHAUSTED"`}},
		"invalid key":  {ft.InvalidKey(), []string{`"API_KEY_INVALID"`}},
		"in a stream":  {ft.Text("hi").ErrorAt(1, ft.DailyQuota()), []string{`"retryDelay":"39s"`}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script(flash, tc.step)
				client, err := genai.NewClient(t.Context(), srv.ClientConfig())
				if err != nil {
					t.Fatal(err)
				}
				var api genai.APIError
				for _, err := range client.Models.GenerateContentStream(t.Context(), flash, genai.Text("hi"), nil) {
					if !errors.As(err, &api) {
						t.Fatalf("err = %v, want a genai.APIError", err)
					}
				}
				details, _ := json.Marshal(api.Details)
				for _, want := range tc.want {
					if !bytes.Contains(details, []byte(want)) {
						t.Errorf("details = %s, want %s in them", details, want)
					}
				}
			})
		})
	}
}

func TestClientThatLeavesIsRecorded(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Text("one two three").Pace(time.Second))
		client, err := genai.NewClient(t.Context(), srv.ClientConfig())
		if err != nil {
			t.Fatal(err)
		}
		for range client.Models.GenerateContentStream(t.Context(), flash, genai.Text("hi"), nil) {
			if got := srv.Requests()[0].Outcome; got != ft.InFlight {
				t.Errorf("outcome while streaming = %q, want in flight", got)
			}
			break
		}
		synctest.Wait()
		if got := srv.Requests()[0].Outcome; got != ft.ClientGone {
			t.Errorf("outcome = %q, want %q", got, ft.ClientGone)
		}
	})
}

func post(t *testing.T, srv *ft.Server, path, body string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
