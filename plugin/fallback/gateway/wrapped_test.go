package gateway_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// B103, B144: an answer whose schema had to be wrapped in an object reaches a client as the schema
// says, streamed and not: no piece of the wrapper is shown.
func TestWrappedAnswers(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Strict()
	l := live(t, `
primary: gpt-4o
models:
  gpt-4*: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  gpt-5*: {provider: openai, api: responses, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  claude-*: {provider: anthropic, base_url: "`+srv.URL+`", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }), anthropic.Provider)
	client := genaiClient(t, newGateway(t, l), "none")
	config := &genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}}}
	for _, name := range []string{"gpt-4o", "gpt-5", "claude-opus-5"} {
		for _, streamed := range []bool{false, true} {
			srv.Script(name, fallbacktest.Chunks(`{"resp`, `onse":["a"`, `,"b"]}`))
			text := ""
			for resp, err := range responses(t.Context(), client, name, streamed, config) {
				if err != nil {
					t.Errorf("%s, streamed %v: %v", name, streamed, err)
					break
				}
				text += resp.Text()
			}
			if diff := cmp.Diff(`["a","b"]`, text); diff != "" {
				t.Errorf("%s, streamed %v (-want +got):\n%s", name, streamed, diff)
			}
		}
	}
}
