package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// genaiClient returns Google's client, whose server is h.
func genaiClient(t *testing.T, h http.Handler, apiKey string) *genai.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: apiKey, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: server.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// chained returns a gateway whose policy has a Gemini model and one of chat completions, both of
// a server.
func chained(t *testing.T, config gateway.Config) (*gateway.Gateway, *fallbacktest.Server) {
	t.Helper()
	srv := fallbacktest.NewServer()
	t.Cleanup(srv.Close)
	return chainedTo(t, srv, config), srv
}

// fuzzed is the gateway of chained for a fuzz target.
func fuzzed(f *testing.F, srv *fallbacktest.Server) *gateway.Gateway {
	return chainedTo(f, srv, gateway.Config{Logger: slog.New(slog.DiscardHandler)})
}

func chainedTo(t testing.TB, srv *fallbacktest.Server, config gateway.Config) *gateway.Gateway {
	t.Helper()
	config.Routes = map[string]*policy.Live{"chat": live(t, fmt.Sprintf(`
primary: gemini-3-flash
fallbacks: [{name: gpt-4o}]
stream: {mid_stream: fail}
models:
  gemini-3-flash: {provider: gemini, base_url: %[1]s}
  "gpt-*": {provider: openai_chat, base_url: %[1]s/v1}
  gpt-4o: {provider: openai_chat, base_url: %[1]s/v1}
`, srv.URL), policy.WithEnv(func(string) (string, bool) { return "key", true }))}
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// B144: Google's client gets text, usage, the model and the finish reason, streamed and not, of
// the model that answers.
func TestGenAIClientGetsAnswers(t *testing.T) {
	g, srv := chained(t, gateway.Config{})
	client := genaiClient(t, g, "any")
	for name, test := range map[string]struct {
		first fallbacktest.Step
		model string
	}{"the first model": {fallbacktest.Text("It is sunny in Paris."), "gemini-3-flash"}, "the fallback": {fallbacktest.Overloaded(), "gpt-4o"}} {
		t.Run(name, func(t *testing.T) {
			srv.Script("gemini-3-flash", test.first)
			srv.Script("gpt-4o", fallbacktest.Text("It is sunny in Paris."))
			for _, streamed := range []bool{false, true} {
				var text string
				var chunks int
				var last *genai.GenerateContentResponse
				for resp, err := range responses(t.Context(), client, "chat", streamed, nil) {
					if err != nil {
						t.Fatal(err)
					}
					if resp.ModelVersion != test.model || resp.ResponseID == "" {
						t.Errorf("streamed %v, chunk %d: model %q, id %q; want %q", streamed, chunks, resp.ModelVersion, resp.ResponseID, test.model)
					}
					text += resp.Text()
					chunks++
					last = resp
				}
				if text != "It is sunny in Paris." || streamed != (chunks > 2) {
					t.Errorf("streamed %v: %q in %d chunks", streamed, text, chunks)
				}
				if last.Candidates[0].FinishReason != genai.FinishReasonStop || last.UsageMetadata == nil || last.UsageMetadata.TotalTokenCount == 0 {
					t.Errorf("streamed %v: finish reason %q, usage %+v", streamed, last.Candidates[0].FinishReason, last.UsageMetadata)
				}
			}
		})
	}
}

// responses makes one call.
func responses(ctx context.Context, client *genai.Client, name string, streamed bool, config *genai.GenerateContentConfig) func(func(*genai.GenerateContentResponse, error) bool) {
	contents := genai.Text("What is the weather in Paris?")
	if streamed {
		return client.Models.GenerateContentStream(ctx, name, contents, config)
	}
	return func(yield func(*genai.GenerateContentResponse, error) bool) {
		yield(client.Models.GenerateContent(ctx, name, contents, config))
	}
}

// B144: a tool call reaches the client whole, and its result the model, whichever model it is.
func TestGenAIClientCallsTools(t *testing.T) {
	g, srv := chained(t, gateway.Config{})
	client := genaiClient(t, g, "any")
	config := &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText("Be short.", genai.RoleUser), Temperature: genai.Ptr[float32](0.5), MaxOutputTokens: 100,
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{
			Name: "weather", Description: "tells the weather", Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city_name": {Type: genai.TypeString}}},
		}}}},
	}
	for _, first := range []fallbacktest.Step{fallbacktest.ToolCall("weather", map[string]any{"city_name": "Paris"}), fallbacktest.Overloaded()} {
		for _, streamed := range []bool{false, true} {
			srv.Script("gemini-3-flash", first, fallbacktest.Text("It is sunny."))
			srv.Script("gpt-4o", fallbacktest.ToolCall("weather", map[string]any{"city_name": "Paris"}), fallbacktest.Text("It is sunny."))
			var calls []*genai.FunctionCall
			var parts []*genai.Part
			for resp, err := range responses(t.Context(), client, "chat", streamed, config) {
				if err != nil {
					t.Fatal(err)
				}
				calls = append(calls, resp.FunctionCalls()...)
				parts = append(parts, resp.Candidates[0].Content.Parts...)
			}
			if len(calls) != 1 || calls[0].Name != "weather" || calls[0].Args["city_name"] != "Paris" {
				t.Fatalf("streamed %v: calls %+v", streamed, calls)
			}
			contents := append(genai.Text("What is the weather?"), genai.NewContentFromParts(parts, genai.RoleModel),
				&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: calls[0].ID, Name: "weather", Response: map[string]any{"sky": "blue"}}}}})
			resp, err := client.Models.GenerateContent(t.Context(), "chat", contents, config)
			if err != nil || resp.Text() != "It is sunny." {
				t.Errorf("streamed %v: the second call: error %v, text %q", streamed, err, resp.Text())
			}
		}
	}
}

// B144: an error has the client's type, with status, words and delay.
func TestGenAIClientGetsErrors(t *testing.T) {
	g, srv := chained(t, gateway.Config{Keys: keysOf(t, "keys: [{tenant: acme, sha256: KEYright , models: [chat, gemini*]}]")})
	right, wrong := genaiClient(t, g, "right"), genaiClient(t, g, "wrong")
	srv.Script("gpt-4o", fallbacktest.Overloaded())
	for name, test := range map[string]struct {
		client *genai.Client
		model  string
		step   fallbacktest.Step
		code   int
		status string
		reason string
	}{
		"a wrong key":         {wrong, "chat", fallbacktest.Text("hi"), 401, "UNAUTHENTICATED", "invalid_api_key"},
		"an unknown model":    {right, "unheard-of", fallbacktest.Text("hi"), 404, "NOT_FOUND", "model_not_found"},
		"a model not allowed": {right, "gpt-4o", fallbacktest.Text("hi"), 404, "NOT_FOUND", "model_not_found"},
		"an overload":         {right, "chat", fallbacktest.Overloaded(), 503, "UNAVAILABLE", "overloaded"},
	} {
		t.Run(name, func(t *testing.T) {
			srv.Script("gemini-3-flash", test.step)
			for _, streamed := range []bool{false, true} {
				for _, err := range responses(t.Context(), test.client, test.model, streamed, nil) {
					got, ok := errors.AsType[genai.APIError](err)
					if !ok || got.Code != test.code || got.Status != test.status || got.Message == "" || len(got.Details) == 0 || got.Details[0]["reason"] != test.reason {
						t.Errorf("streamed %v: error %v, details %v; want %d %s %s", streamed, err, got.Details, test.code, test.status, test.reason)
					}
				}
			}
		})
	}
}

// B144: a stream that fails after its first content ends with an error, in both forms.
func TestABrokenGeminiStreamSaysSo(t *testing.T) {
	broken := func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		if yield(llmtest.Chunk("half "), nil) {
			yield(nil, genai.APIError{Code: 500, Message: "a key sk-abcdefghijklmnopqrstuvwxyz0123456789 leaks"})
		}
	}
	g := gatewayFor(t, gateway.Config{}, broken)
	client := genaiClient(t, g, "any")
	var text string
	var failed error
	for resp, err := range responses(t.Context(), client, "chat", true, nil) {
		if failed = err; err == nil {
			text += resp.Text()
		}
	}
	if text != "half " || failed == nil || strings.Contains(failed.Error(), "abcdefgh") {
		t.Errorf("text %q, error %v", text, failed)
	}
	w := posted(g, "/v1beta/models/chat:streamGenerateContent", helloGemini)
	var list []struct {
		Candidates []json.RawMessage
		Error      struct{ Code int }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 || len(list[0].Candidates) != 1 || list[1].Error.Code != 502 {
		t.Errorf("error %v, body %s; want a list with a text and an error", err, w.Body)
	}
}

// B144: without alt=sse a stream is a JSON list.
func TestAGeminiStreamCanBeAList(t *testing.T) {
	g := gatewayFor(t, gateway.Config{}, llmtest.Pieces("It is sunny.", "It is ", "sunny."))
	w := posted(g, "/v1beta/models/chat:streamGenerateContent", helloGemini)
	var list []genai.GenerateContentResponse
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 3 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("error %v, body %s; want a list of 3", err, w.Body)
	}
	var text string
	for _, one := range list {
		text += one.Text()
	}
	if text != "It is sunny." || list[2].Candidates[0].FinishReason != genai.FinishReasonStop {
		t.Errorf("text %q, last %+v", text, list[2])
	}
}

// B144: fields that the canonical form does not have reach a Gemini model, in their places, and
// no other. The fallbacks of a request and the server to call are not passed on.
func TestUnknownFieldsReachGeminiModelsOnly(t *testing.T) {
	g, srv := chained(t, gateway.Config{})
	const body = `{"contents":[{"parts":[{"text":"hello"}]}],"newField":{"a":[1]},"fallbacks":["gpt-5"],
		"generationConfig":{"temperature":0.5,"newSetting":true,"httpOptions":{"baseUrl":"http://192.0.2.1"},"systemInstruction":"x"}}`
	srv.Script("gemini-3-flash", fallbacktest.Overloaded())
	srv.Script("gpt-5", fallbacktest.Text("hi"))
	if w := posted(g, "/v1beta/models/gemini-3-flash:generateContent", body); w.Code != 200 || !strings.Contains(w.Body.String(), "gpt-5") {
		t.Fatalf("status %d, body %s; want an answer of gpt-5", w.Code, w.Body)
	}
	for _, r := range srv.Requests() {
		var sent map[string]any
		if err := json.Unmarshal(r.Body, &sent); err != nil {
			t.Fatal(err)
		}
		config, _ := sent["generationConfig"].(map[string]any)
		isGemini := r.Model == "gemini-3-flash"
		if (sent["newField"] != nil) != isGemini || (config["newSetting"] == true) != isGemini || sent["fallbacks"] != nil {
			t.Errorf("the request to %s has %s", r.Model, r.Body)
		}
	}
}

// B144: what is no request is refused with the field at fault.
func TestWrongGeminiRequestsAreRefused(t *testing.T) {
	g := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
	for body, want := range map[string]string{
		`[]`:                               "the body is a JSON array; it must be an object",
		`null`:                             "contents is missing",
		`{}`:                               "contents is missing",
		`{"contents":[null]}`:              "contents is missing",
		`{"contents":"hello"}`:             `the field \"contents\" has the wrong type: string`,
		`{"contents":[{"parts":"hello"}]}`: `has the wrong type: string`,
		`{"contents":[{"parts":[]}]}`:      "contents[0].parts is missing",
		`{"contents":[{"parts":[null]}]}`:  "contents[0].parts is missing",
		`{"contents":[{"role":"system","parts":[{"text":"x"}]}]}`:                                         `contents[0].role is \"system\"; it must be user or model`,
		`{"contents":[{"parts":[{"text":5}]}]}`:                                                           "has the wrong type: number",
		`{"contents":[{"parts":[{"inlineData":{"data":"%%%"}}]}]}`:                                        "one of its values has the wrong form",
		`{"contents":[{"parts":[{"text":"x"}]}],"fallbacks":"gpt"}`:                                       `the field \"fallbacks\" has the wrong type: string`,
		`{"contents":[{"parts":[{"text":"x"}]}],"fallbacks":["unheard-of"]}`:                              `the model \"unheard-of\" does not exist`,
		`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":2}}`:                 "candidateCount must be 1",
		`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"topK":"many"}}`:                      "has the wrong type: string",
		`{"contents":[{"parts":[{"text":"x"}]}],"fallbacks":[` + strings.Repeat(`"one",`, 16) + `"one"]}`: "fallbacks has 17 models; it may have 16",
	} {
		w := posted(g, generate, body)
		if e := refusalOf(t, w); w.Code != 400 && w.Code != 404 || !strings.Contains(w.Body.String(), want) || e.Error.Status == "" {
			t.Errorf("%s: status %d, body %s; want %q", body, w.Code, w.Body, want)
		}
	}
	for path, want := range map[string]string{
		"/v1beta/models/chat:countTokens": `there is no method \"countTokens\"`, "/v1beta/models/chat": `there is no method \"\"`,
		"/v1beta/files": "there is no endpoint", "/v1/models/chat:embed": `there is no method \"embed\"`,
	} {
		if w := posted(g, path, helloGemini); w.Code != 404 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: status %d, body %s; want 404 and %q", path, w.Code, w.Body, want)
		}
	}
	if w := posted(g, "/v1/models/chat:generateContent", helloGemini); w.Code != 200 {
		t.Errorf("/v1: status %d, body %s", w.Code, w.Body)
	}
}

// B144: a client lists the routes and models that its key allows.
func TestGenAIClientListsModels(t *testing.T) {
	g, _ := chained(t, gateway.Config{Keys: keysOf(t, "keys: [{tenant: acme, sha256: KEYall}, {tenant: b, sha256: KEYone , models: [chat]}]")})
	for key, want := range map[string][]string{"all": {"models/chat", "models/gemini-3-flash", "models/gpt-4o"}, "one": {"models/chat"}} {
		client := genaiClient(t, g, key)
		var got []string
		for m, err := range client.Models.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
		for _, name := range []string{"chat", "gpt-4o", "gpt-5", "unheard-of"} {
			m, err := client.Models.Get(t.Context(), name, nil)
			exists := name == "chat" || key == "all" && name != "unheard-of"
			if exists != (err == nil) || exists && m.Name != "models/"+name {
				t.Errorf("%s: model %s: error %v", key, name, err)
			}
		}
	}
}
