package gemini_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

// B54, B58: what is no whole answer is an error with the right verdict, and never a
// final response.
func TestBrokenAnswers(t *testing.T) {
	noEnvironment(t)
	const quota = `{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}`
	for _, test := range []struct {
		name, kind, body string
		stream           bool
		want             failure.Kind
		is               error
	}{
		{"no end mark", "text/event-stream", events(parts(`{"text":"a"}`)), true, failure.KindTruncated, failure.ErrTruncated},
		{"no end mark, after metadata only", "text/event-stream", events(`{"usageMetadata":{"promptTokenCount":5}}`), true, failure.KindEmpty, failure.ErrEmpty},
		{"no candidates and no feedback", "application/json", `{"modelVersion":"v"}`, false, failure.KindEmpty, failure.ErrEmpty},
		{"no finish reason", "application/json", parts(`{"text":"a"}`), false, failure.KindTruncated, failure.ErrTruncated},
		{"an unspecified finish reason", "application/json", parts(`{"text":"a"}`, `,"finishReason":"FINISH_REASON_UNSPECIFIED"`), false, failure.KindTruncated, failure.ErrTruncated},
		{"an event cut off", "text/event-stream", events(parts(`{"text":"a"}`)) + `data: {"candidates":[{"con`, true, failure.KindTruncated, failure.ErrTruncated},
		{"a malformed event", "text/event-stream", events(`{"candidates":[{"con`, parts(`{"text":"a"}`, stop)), true, failure.KindTruncated, failure.ErrTruncated},
		{"a list cut off", "application/json", "[" + parts(`{"text":"a"}`) + ",{", true, failure.KindTruncated, failure.ErrTruncated},
		{"a document cut off", "application/json", `{"candidates":[{"con`, false, failure.KindTruncated, failure.ErrTruncated},
		{"a list of documents cut off", "application/json", `[{"candidates":[{"con`, false, failure.KindTruncated, failure.ErrTruncated},
		{"a text that is no string", "application/json", parts(`{"text":5}`, stop), false, failure.KindTruncated, failure.ErrTruncated},
		{"a text with a wrong escape", "application/json", parts(`{"text":"\x"}`, stop), false, failure.KindTruncated, failure.ErrTruncated},
		{"a wrong comma", "application/json", parts(`{"text":"a" "thought":true}`, stop), false, failure.KindTruncated, failure.ErrTruncated},
		{"nothing", "application/json", "", false, failure.KindEmpty, failure.ErrEmpty},
		{"nothing, streamed", "text/event-stream", "", true, failure.KindEmpty, failure.ErrEmpty},
		{"comments only", "text/event-stream", ": ping\n\n: ping\n\n", true, failure.KindEmpty, failure.ErrEmpty},
		{"words", "text/plain", "hello there", true, failure.KindEmpty, failure.ErrEmpty},
		{"an error event", "text/event-stream", events(quota), true, failure.KindRateLimit, nil},
		{"an error event after text", "text/event-stream", events(parts(`{"text":"a"}`), quota), true, failure.KindRateLimit, nil},
		{"an error without data:", "text/event-stream", events(parts(`{"text":"a"}`)) + quota, true, failure.KindRateLimit, nil},
		{"an error event that is a list", "text/event-stream", events(parts(`{"text":"a"}`), "["+quota+"]"), true, failure.KindRateLimit, nil},
		{"an error in a list", "application/json", "[" + parts(`{"text":"a"}`) + "," + quota + "]", true, failure.KindRateLimit, nil},
		{"an error with status 200", "application/json", quota, false, failure.KindRateLimit, nil},
		{"an error in a list with status 200", "application/json", "[" + quota + "]", false, failure.KindRateLimit, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, final, err := ask(asFitted(t), serve(t, sending(test.kind, test.body, 7)), hello(), test.stream)
			if final != nil || err == nil {
				t.Fatalf("got the response %+v and error %v, want an error alone", final, err)
			}
			if verdict := failure.Classify(err); verdict.Kind != test.want {
				t.Errorf("%v is of kind %s, want %s", err, verdict.Kind, test.want)
			}
			var own *gemini.Error
			if isError := errors.As(err, &own); isError != (test.is == nil) || isError && (own.StatusCode != 429 || own.Response != nil) {
				t.Errorf("%v is the API's error %+v", err, own)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v does not wrap %v", err, test.is)
			}
		})
	}
}

// B54: wherever an answer is cut, what is left of it is never taken for a whole one.
func TestAnyCutIsNoAnswer(t *testing.T) {
	noEnvironment(t)
	documents := []string{parts(`{"text":"hm","thought":true},{"text":"a\u00e9 \"b\""}`), parts(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.x","stringValue":"y"}]}}`, stop)}
	for how, body := range map[string]string{
		"events": strings.TrimRight(events(documents...), "\r\n"), "list behind a byte order mark": "\ufeff[" + documents[0] + "," + documents[1], "list": "[" + documents[0] + ",\r\n" + documents[1], "document": documents[1],
	} {
		cut := 0
		m := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body[:cut]) })
		ctx := asFitted(t)
		for cut = range len(body) {
			if _, final, err := ask(ctx, m, hello(), how != "document"); final != nil || err == nil {
				t.Fatalf("%s cut after %q is the answer %+v", how, body[:cut], final)
			}
		}
		cut = len(body)
		if _, final, err := ask(ctx, m, hello(), how != "document"); err != nil || final == nil {
			t.Errorf("%s: the whole answer is the error %v", how, err)
		}
	}
}

// What an answer can do without does not spoil it.
func TestUnknownMetadata(t *testing.T) {
	noEnvironment(t)
	body := parts(`{"text":"a","thoughtSignature":null}`, stop+`,"groundingMetadata":5,"citationMetadata":[],"avgLogprobs":"x","index":null,"later":{}`)
	_, final, err := ask(asFitted(t), serve(t, sending("application/json", body, 999)), hello(), false)
	if err != nil || final.Content.Parts[0].Text != "a" {
		t.Errorf("got %+v and error %v, want the text", final, err)
	}
}

// What comes after the finish reason cannot take the answer back.
func TestMalformedEventAfterTheAnswer(t *testing.T) {
	noEnvironment(t)
	body := events(parts(`{"text":"a"}`, stop)) + "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\n\n"
	_, final, err := ask(asFitted(t), serve(t, sending("text/event-stream", body, 7)), hello(), true)
	if err != nil || final.FinishReason != "STOP" || final.Content.Parts[0].Text != "a" {
		t.Errorf("got %+v and error %v, want the answer", final, err)
	}
}

func TestBrokenConnectionAfterTheAnswer(t *testing.T) {
	noEnvironment(t)
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, events(parts(`{"text":"a"}`, stop)))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if _, final, err := ask(asFitted(t), m, hello(), true); err != nil || final.FinishReason != "STOP" {
		t.Errorf("got %+v and error %v, want the answer", final, err)
	}
}
