package anthropic_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// Every error has the same verdict, be it a status or an event in a stream that
// began well, and package failure finds in it what the body says.
func TestErrorVerdicts(t *testing.T) {
	for _, c := range []struct {
		status int
		kind   string
		action failure.Action
		means  failure.Kind
	}{
		{400, "invalid_request_error", failure.Fail, failure.KindInvalid},
		{401, "authentication_error", failure.Fail, failure.KindAuth},
		{402, "billing_error", failure.Fallback, failure.KindBilling},
		{403, "permission_error", failure.Fail, failure.KindAuth},
		{404, "not_found_error", failure.Fallback, failure.KindModel},
		{413, "request_too_large", failure.Fallback, failure.KindTooLarge},
		{429, "rate_limit_error", failure.Retry, failure.KindRateLimit},
		{500, "api_error", failure.Retry, failure.KindServer},
		{504, "timeout_error", failure.Retry, failure.KindTimeout},
		{529, "overloaded_error", failure.Retry, failure.KindOverloaded},
	} {
		t.Run(c.kind, func(t *testing.T) {
			body := `{"type":"error","error":{"type":"` + c.kind + `","message":"model: it says why"},"request_id":"req_1"}`
			head := map[string]string{"Retry-After": "7"}
			inner := events(start, text0, piece(0, "text_delta", "text", "a"), body)
			for name, r := range map[string]reply{
				"status":          {status: c.status, body: body, head: head},
				"event":           {body: inner, head: head},
				"body with 200":   {body: body, head: head},
				"event unnamed":   {body: strings.ReplaceAll(inner, "event:", ":"), head: head},
				"the whole event": {body: events(body), head: head},
				"after the end":   {body: events(start, text0, ended, body), head: head},
			} {
				s := serve(t, r)
				_, final, err := ask(t, newModel(t, s, "claude-x", anthropic.Config{}), says("hi"), true)
				v := failure.Classify(err)
				var reported *anthropic.Error
				if !errors.As(err, &reported) || final != nil {
					t.Fatalf("%s: %v and %+v", name, err, final)
				}
				if v.Action != c.action || v.Kind != c.means || v.HTTPStatus != c.status || v.Code != c.kind {
					t.Errorf("%s: %+v", name, v)
				}
				if v.Action == failure.Retry && v.RetryAfter != 7*time.Second {
					t.Errorf("%s: waits %v", name, v.RetryAfter)
				}
				if reported.StatusCode != c.status || reported.Type != c.kind || reported.RequestID != "req_1" || reported.Message != "model: it says why" {
					t.Errorf("%s: %+v", name, reported)
				}
				if s.calls() != 1 {
					t.Errorf("%s: %d calls", name, s.calls())
				}
			}
		})
	}
}

// Errors that are not in the API's form.
func TestErrorForms(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply reply
		kind  failure.Kind
		words string
	}{
		{"a page of a proxy", reply{status: 502, kind: "text/html", body: "<html>Bad Gateway</html>"}, failure.KindServer, "anthropic: the server answered 502 Bad Gateway"},
		{"JSON of another shape", reply{status: 404, body: `{"detail":"model not found"}`}, failure.KindModel, "anthropic: the server answered 404 Not Found"},
		{"JSON that is no object", reply{status: 503, kind: "application/json", body: `["x"]`}, failure.KindOverloaded, "anthropic: the server answered 503 Service Unavailable"},
		{"an event of a relay", reply{body: events(start) + "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}}\n\n"}, failure.KindOverloaded, "anthropic: the server answered 529 overloaded_error: Overloaded"},
		{"an event of a gateway", reply{body: events(start) + "data: {\"detail\":\"upstream timed out\"}\n\n"}, failure.KindTimeout, "anthropic: the answer holds an error"},
		{"an event with a message alone", reply{body: events(start) + "data: {\"message\":\"upstream timed out\"}\n\n"}, failure.KindTimeout, "anthropic: the answer holds an error: upstream timed out"},
		{"words in place of events", reply{body: "upstream timed out\n"}, failure.KindTimeout, "anthropic: the answer holds an error"},
		{"an event that is text", reply{body: events(start) + "event: error\ndata: upstream connection reset\n\n"}, failure.KindNetwork, "anthropic: the answer holds an error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := ask(t, newModel(t, serve(t, c.reply), "claude-x", anthropic.Config{}), says("hi"), true)
			if err == nil || err.Error() != c.words {
				t.Errorf("%v, want %s", err, c.words)
			}
			if v := failure.Classify(err); v.Kind != c.kind {
				t.Errorf("%+v, want %s", v, c.kind)
			}
		})
	}
}

// A key that is too short to be one cuts nothing out of what a server says.
func TestOnlyRealKeysAreRedacted(t *testing.T) {
	for key, want := range map[string]string{"k": "key k of the keys", "key k of": "[redacted] the keys"} {
		s := serve(t, reply{status: 401, body: `{"type":"error","error":{"type":"authentication_error","message":"key k of the keys"}}`})
		_, _, err := ask(t, newModel(t, s, "claude-x", anthropic.Config{APIKey: key}), says("hi"), true)
		if reported := (*anthropic.Error)(nil); !errors.As(err, &reported) || reported.Message != want {
			t.Errorf("with the key %q: %v, want %q", key, err, want)
		}
	}
}

// A login page is not an answer, whatever its status.
func TestPageIsNoAnswer(t *testing.T) {
	_, final, err := ask(t, newModel(t, serve(t, reply{kind: "text/html; charset=utf-8", body: "<html>Log in</html>"}), "claude-x", anthropic.Config{}), says("hi"), true)
	if reported := (*anthropic.Error)(nil); !errors.As(err, &reported) || final != nil || reported.RawJSON() == "" {
		t.Errorf("%v and %+v", err, final)
	}
}

// An error shows neither the key nor the request, and no more of the body than
// is of use.
func TestErrorIsBoundedAndWithoutKey(t *testing.T) {
	const key = "sk-ant-secret-key"
	body := `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key ` + key + " " + strings.Repeat("x", 3<<20) + `"}}`
	_, _, err := ask(t, newModel(t, serve(t, reply{status: 401, body: body}), "claude-x", anthropic.Config{APIKey: key}), says("hi"), false)
	var reported *anthropic.Error
	if !errors.As(err, &reported) || reported.StatusCode != 401 {
		t.Fatal(err)
	}
	if strings.Contains(reported.RawJSON()+reported.Error(), key) {
		t.Error("the key is shown")
	}
	if n := len(reported.RawJSON()); n > 1<<20+64 {
		t.Errorf("%d bytes of the body are kept", n)
	}
	if reported.Response.Request != nil || reported.Response.Header.Get("Content-Type") == "" {
		t.Errorf("response %+v", reported.Response)
	}
}

// An error body that does not end is read as far as it is kept.
func TestErrorBodyIsBounded(t *testing.T) {
	endless := &letters{}
	client := &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: endless, Request: req}, nil
	})}
	m := anthropic.MustNew("claude-x", anthropic.Config{BaseURL: "http://127.0.0.1", HTTPClient: client})
	_, _, err := ask(t, m, says("hi"), false)
	if v := failure.Classify(err); v.HTTPStatus != 500 || endless.read > 2<<20 || !endless.closed {
		t.Errorf("%+v after %d bytes, closed %v", v, endless.read, endless.closed)
	}
}

// letters is a body of 8 MiB.
type letters struct {
	read   int
	closed bool
}

func (l *letters) Read(p []byte) (int, error) {
	if l.read >= 8<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	l.read += len(p)
	return len(p), nil
}

func (l *letters) Close() error {
	l.closed = true
	return nil
}
