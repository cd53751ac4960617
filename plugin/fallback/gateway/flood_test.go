package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

// B145: while one tenant floods the gateway with slow calls, every call of another one is
// answered, and no answer goes to the wrong tenant.
func TestAFloodDoesNotReachOtherTenants(t *testing.T) {
	ended := make(chan struct{})
	g := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants), Limits: gateway.Limits{MaxCalls: 8}},
		func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			tenant := call.From(ctx).Tenant
			if tenant == "acme" { // slow
				select {
				case <-ended:
				case <-ctx.Done():
				}
			}
			llmtest.Text("for "+tenant)(ctx, req, streamed, yield)
		})
	r := listen(t, g, gateway.ServerConfig{})
	ask := func(key string) (int, string) {
		req, err := http.NewRequest(http.MethodPost, r.url+generate, strings.NewReader(helloGemini))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Goog-Api-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		return resp.StatusCode, read(t, resp.Body)
	}
	var flood sync.WaitGroup
	var refused, answered atomic.Int64
	for range 50 {
		flood.Go(func() {
			switch status, text := ask("a"); {
			case status == 429:
				refused.Add(1)
			case status == 200 && strings.Contains(text, "for acme"):
				answered.Add(1)
			default:
				t.Errorf("the flooder: status %d, body %s", status, text)
			}
		})
	}
	until(t, "the flood is refused", func() bool { return refused.Load() == 46 }) // all beyond half of the places
	for range 200 {
		if status, text := ask("b"); status != 200 || !strings.Contains(text, "for umbrella") {
			t.Fatalf("another tenant: status %d, body %s; want its answer", status, text)
		}
	}
	close(ended)
	flood.Wait()
	if answered.Load() != 4 {
		t.Errorf("%d calls of the flooder were answered, want 4", answered.Load())
	}
}

// B145: whatever a body is, the gateway answers it, and answers a wrong one with an error in the
// protocol's shape. The models are two, of different protocols.
func FuzzGeminiRequest(f *testing.F) {
	for _, seed := range []string{
		helloGemini, `{}`, `[`, `{"contents":[{"parts":[{"functionCall":{"name":"a","args":{"x":null}}}]},{"parts":[{"functionResponse":{"name":"a","response":{}}}]}]}`,
		`{"contents":[{"role":"user","parts":[{"inline_data":{"mime_type":"image/png","data":"aGk="}},{"fileData":{"fileUri":"gs://a"}}]}],"system_instruction":{"parts":[null,{"text":"x"}]}}`,
		`{"contents":[{"parts":[{"text":"x"}]}],"tools":[null,{"functionDeclarations":[null,{"name":"a","parameters":{"type":"OBJECT","properties":{"a":null,"b":{"anyOf":[null,{}]}}}}]},{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["a"]}}}`,
		`{"contents":[{"parts":[{"text":"x","thoughtSignature":"aGk="}]}],"generationConfig":{"temperature":1e30,"topK":-1,"maxOutputTokens":-5,"seed":1,"responseSchema":{"type":"ARRAY","items":null},"responseMimeType":"application/json","thinkingConfig":{"thinkingBudget":-1}},"safetySettings":[null]}`,
		`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":null,"unknown":{"a":[1,2,{"b":null}]},"fallbacks":[]}`,
		`{"contents":[{"role":"model","parts":[{"text":"x"}]},{"role":"model","parts":[{"executableCode":{"code":"1"}},{"videoMetadata":{}}]}]}`,
	} {
		f.Add(seed)
	}
	srv := fallbacktest.NewServer()
	f.Cleanup(srv.Close)
	srv.Script("gemini-3-flash", fallbacktest.Overloaded())
	srv.Script("gpt-4o", fallbacktest.Text("hi"))
	g := fuzzed(f, srv)
	f.Fuzz(func(t *testing.T, body string) {
		w := posted(g, "/v1beta/models/chat:generateContent", body)
		switch w.Code {
		case http.StatusOK:
		case http.StatusInternalServerError:
			t.Errorf("%s: body %s", body, w.Body)
		default:
			refusalOf(t, w)
		}
		if strings.Contains(w.Body.String(), "panicked") {
			t.Errorf("%s: body %s", body, w.Body)
		}
	})
}
