package request_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

func TestOverlay(t *testing.T) {
	type fields = map[string]json.RawMessage
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, test := range []struct {
		name   string
		layers []fields
		want   string
	}{
		{"nothing", []fields{nil, {}}, `{ "a": 1, "b": {"x": 1} }`},
		{"the last layer is on top", []fields{{"a": raw("2"), "c": raw("3")}, {"a": raw("4")}}, `{"a":4,"b":{"x":1},"c":3}`},
		{"a field is replaced as a whole", []fields{{"b": raw(`{"y":2}`)}}, `{"a":1,"b":{"y":2}}`},
		{"null removes", []fields{{"a": raw("2")}, {"a": raw("null"), "d": raw("null")}}, `{"b":{"x":1}}`},
		{"a layer restores", []fields{{"a": raw("null")}, {"a": raw("5")}}, `{"a":5,"b":{"x":1}}`},
	} {
		got, err := request.Overlay([]byte(`{ "a": 1, "b": {"x": 1} }`), test.layers...)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.name, got, err, test.want)
		}
	}
	if _, err := request.Overlay([]byte("[]"), fields{"a": raw("1")}); err == nil {
		t.Error("a body that is no object is accepted")
	}
}

// Headers meant for Google, and keys, stay out of what another vendor gets.
func TestHeader(t *testing.T) {
	own := http.Header{"X-A": {"own"}, "User-Agent": {"own"}}
	for _, test := range []struct {
		name        string
		given, want http.Header
	}{
		{"none", nil, own},
		{"one more", http.Header{"x-b": {"1", "2"}}, http.Header{"X-A": {"own"}, "User-Agent": {"own"}, "X-B": {"1", "2"}}},
		{"in place of one", http.Header{"X-A": {"new"}, "User-Agent": {"app/1"}}, http.Header{"X-A": {"new"}, "User-Agent": {"app/1"}}},
		{"ADK's", http.Header{"X-Goog-Api-Client": {"google-adk/1"}, "user-agent": {"google-adk/1"}}, own},
		{"keys", http.Header{"authorization": {"k"}, "api-key": {"k"}, "x-api-key": {"k"}, "X-Goog-Api-Key": {"k"}, "Cookie": {"k"}, "Proxy-Authorization": {"k"}}, own},
	} {
		if diff := cmp.Diff(test.want, request.Header(own, test.given)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if len(own) != 2 || own.Get("X-A") != "own" {
		t.Errorf("the model's own headers changed: %v", own)
	}
	if got := request.Header(nil, http.Header{"X-B": {"1"}}); got.Get("X-B") != "1" {
		t.Errorf("over none: %v", got)
	}
}
