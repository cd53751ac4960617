package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// text is the policy of the tests. Its primary is a Gemini model, and its fallback one of
// OpenAI, so that half of the answers cross a protocol.
const text = `
primary: gemini-2.5-flash
fallbacks: [{name: gpt-4o}]
retry: {max_attempts: 1}
models:
  gemini-2.5-flash: {provider: gemini, base_url: "URL"}
  gpt-4o: {provider: openai_chat, base_url: "URL/v1"}
  "other-*": {provider: openai_chat, base_url: "URL/v1"}
`

// serve returns the address of a gateway whose models run at the provider.
func serve(t *testing.T, provider *ft.Server) (url string) {
	t.Helper()
	p, err := spec.Parse([]byte(strings.ReplaceAll(text, "URL", provider.URL)))
	if err != nil {
		t.Fatal(err)
	}
	live, err := policy.NewLive(t.Context(), p, policy.WithEnv(func(name string) (string, bool) {
		return "test-key", strings.HasSuffix(name, "_API_KEY")
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = live.Close() })
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"assistant": live}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return srv.URL
}

// conversation plays one conversation for every model: a question that leads to two calls
// of a tool, whose results lead to an answer. Model other-locked refuses its key, and
// other-breaks fails within its answer.
func conversation(t *testing.T) *ft.Server {
	t.Helper()
	srv := ft.NewServer()
	t.Cleanup(srv.Close)
	srv.Strict()
	call := func(city string) *genai.Part {
		return &genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": city}}}
	}
	talk := ft.Func(func(r ft.Request) ft.Step {
		if f := r.FunctionResponse("weather"); f != nil {
			return ft.Text("It is clear there.").Usage(11, 4)
		}
		return ft.Parts(&genai.Part{Text: "One moment."}, call("Köln"), call("Paris")).Usage(7, 9)
	})
	srv.Script("gemini-2.5-flash", talk)
	srv.Script("gpt-4o", talk)
	srv.Script("other-locked", ft.InvalidKey())
	srv.Script("other-full", ft.MinuteQuota(30*time.Second))
	srv.Script("other-breaks", ft.Text("It is sunny in Paris.").ErrorAt(2, ft.InvalidKey()))
	return srv
}

// broken lets the primary fail, so that the fallback answers.
func broken(srv *ft.Server) { srv.Script("gemini-2.5-flash", ft.Overloaded()) }
