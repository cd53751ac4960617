package openaiwire_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

func TestErrorShapes(t *testing.T) {
	type words struct{ Message, Type, Code, Param string }
	for _, test := range []struct {
		name, body string
		want       words
	}{
		{"OpenAI", `{"error":{"message":"no top_k here","type":"invalid_request_error","param":"top_k","code":"unknown_parameter"}}`,
			words{"no top_k here", "invalid_request_error", "unknown_parameter", "top_k"}},
		{"null fields", `{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}`, words{"bad", "invalid_request_error", "", ""}},
		{"numeric code", `{"error":{"message":"busy","code":503}}`, words{"busy", "", "503", ""}},
		{"text", `{"error":"no such model"}`, words{Message: "no such model"}},
		{"xAI", `{"code":"Client specified an invalid argument","error":"no stop here"}`, words{Message: "no stop here", Code: "Client specified an invalid argument"}},
		{"flat", `{"object":"error","message":"bad order","type":"invalid_request_message_order","param":null,"code":"3230"}`,
			words{"bad order", "invalid_request_message_order", "3230", ""}},
		{"detail", `{"detail":"Not authenticated"}`, words{Message: "Not authenticated"}},
		{"FastAPI", `{"detail":[{"type":"extra_forbidden","loc":["body","messages",0,"seed"],"msg":"Extra inputs are not permitted"}]}`,
			words{"Extra inputs are not permitted", "extra_forbidden", "", "messages[0].seed"}},
		{"Mistral's list under message", `{"object":"error","message":{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]},"code":null}`,
			words{"Field required", "missing", "", "model"}},
		{"Gemini", `[{"error":{"code":400,"message":"Unknown name","status":"INVALID_ARGUMENT"}}]`, words{"Unknown name", "INVALID_ARGUMENT", "400", ""}},
		{"Cloudflare", `{"result":null,"success":false,"errors":[{"code":5007,"message":"No such model"}]}`, words{Message: "No such model", Code: "5007"}},
		{"Cohere", `{"message":"invalid api token"}`, words{Message: "invalid api token"}},
		{"OpenRouter", `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"no temperature\",\"param\":\"temperature\",\"code\":\"unsupported_value\"}}"}}}`,
			words{"no temperature", "", "unsupported_value", "temperature"}},
		{"OpenRouter, in words", `{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"upstream is gone"}}}`, words{Message: "upstream is gone", Code: "502"}},
		{"a page", "<html><title>502 Bad Gateway</title></html>", words{Message: "<html><title>502 Bad Gateway</title></html>"}},
		{"cut", `{"error":{"message":"bad`, words{Message: `{"error":{"message":"bad`}},
		{"nothing", ``, words{}},
		{"nested without end", strings.Repeat(`{"error":`, 1000) + `"x"` + strings.Repeat("}", 1000), words{Message: strings.Repeat(`{"error":`, 113) + `{"error`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := openaiwire.NewError(nil, []byte(test.body))
			if diff := cmp.Diff(test.want, words{e.Message(), e.Type(), e.Code(), e.Param()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if e.RawJSON() != test.body {
				t.Errorf("the body is %q", e.RawJSON())
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	resp := &http.Response{StatusCode: 401}
	e := openaiwire.NewError(resp, []byte(`{"error":{"message":"Incorrect API key provided: sk-proj-abcdefghijklmnopqrstuvwxyz0123456789","type":"invalid_request_error","code":"invalid_api_key"}}`))
	text := e.Error()
	if want := "openai: status 401: Incorrect API key provided: "; !strings.HasPrefix(text, want) {
		t.Errorf("the text is %q, not %q …", text, want)
	}
	if !strings.HasSuffix(text, "(type invalid_request_error, code invalid_api_key)") {
		t.Errorf("the text %q lacks type and code", text)
	}
	if strings.Contains(text, "sk-proj-abc") {
		t.Errorf("the text holds a key: %q", text)
	}
}
