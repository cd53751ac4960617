package plugin_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/providertest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// The variables that point the contract at a real endpoint.
const (
	canaryKind    = "ADK_FALLBACK_CANARY"          // openai, openai_chat, anthropic or gemini
	canaryModel   = "ADK_FALLBACK_CANARY_MODEL"    // the provider's name for the model
	canaryKeyEnv  = "ADK_FALLBACK_CANARY_KEY_ENV"  // the variable that holds the key; default: the provider's own
	canaryBaseURL = "ADK_FALLBACK_CANARY_BASE_URL" // default: the provider's own endpoint
)

// TestCanary runs the contract against a real endpoint, because a test server does
// not show what a provider has changed.
func TestCanary(t *testing.T) {
	if os.Getenv(canaryKind) == "" {
		t.Skipf("no real endpoint is asked; set %s to openai, openai_chat, anthropic or gemini, and %s to a model there", canaryKind, canaryModel)
	}
	protocol, m, err := newCanary(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	providertest.RunCanary(t, protocol, m)
}

// newCanary returns the model that the environment names.
func newCanary(ctx context.Context, getenv func(string) string) (protocol providertest.Protocol, m model.LLM, err error) {
	name, url := getenv(canaryModel), getenv(canaryBaseURL)
	if name == "" {
		return "", nil, fmt.Errorf("canary: %s is not set; set it to the name of a model", canaryModel)
	}
	key := func(usual string) string {
		if variable := getenv(canaryKeyEnv); variable != "" {
			usual = variable
		}
		return getenv(usual)
	}
	switch kind := getenv(canaryKind); kind {
	case "openai":
		m, err = openai.New(name, openai.Config{APIKey: key("OPENAI_API_KEY"), BaseURL: url, API: openai.Responses})
		return providertest.Responses, m, err
	case "openai_chat":
		m, err = openai.New(name, openai.Config{APIKey: key("OPENAI_API_KEY"), BaseURL: url, API: openai.Chat})
		return providertest.Chat, m, err
	case "anthropic":
		m, err = anthropic.New(name, anthropic.Config{APIKey: key("ANTHROPIC_API_KEY"), BaseURL: url})
		return providertest.Anthropic, m, err
	case "gemini":
		m, err = gemini.New(ctx, name, gemini.Config{Client: &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: key("GEMINI_API_KEY"), HTTPOptions: genai.HTTPOptions{BaseURL: url},
		}})
		return providertest.Gemini, m, err
	default:
		return "", nil, fmt.Errorf("canary: %s is %q; it must be openai, openai_chat, anthropic or gemini", canaryKind, kind)
	}
}

// The canary itself is run against servers of our own.
func TestCanaryAsksTheEndpointOfTheEnvironment(t *testing.T) {
	for kind, at := range map[string]struct {
		model, path string
		headers     []string // in which the key may stand
	}{
		"openai":      {"gpt-5.2", "/v1", []string{"Authorization"}},
		"openai_chat": {"llama-4-maverick", "/v1", []string{"Authorization"}},
		"anthropic":   {"claude-sonnet-5", "", []string{"Authorization", "X-Api-Key"}},
		"gemini":      {"gemini-3.5-flash", "", []string{"X-Goog-Api-Key"}},
	} {
		t.Run(kind, func(t *testing.T) {
			srv := fallbacktest.NewServer()
			defer srv.Close()
			srv.Strict()
			srv.Script(at.model, providertest.Capable())
			env := map[string]string{
				canaryKind: kind, canaryModel: at.model, canaryKeyEnv: "CANARY_TEST_KEY", canaryBaseURL: srv.URL + at.path, "CANARY_TEST_KEY": "made-up",
			}
			protocol, m, err := newCanary(t.Context(), func(name string) string { return env[name] })
			if err != nil {
				t.Fatal(err)
			}
			providertest.RunCanary(t, protocol, m)
			for _, violation := range srv.Violations() {
				t.Error(violation)
			}
			requests := srv.Requests()
			if len(requests) == 0 {
				t.Fatal("the endpoint was not asked")
			}
			given := false
			for _, header := range at.headers {
				given = given || requests[0].Header.Get(header) != ""
			}
			if !given {
				t.Errorf("no key in %v of the request", at.headers)
			}
		})
	}
	for name, env := range map[string]map[string]string{
		"without a model":      {canaryKind: "openai"},
		"of an unknown family": {canaryKind: "other", canaryModel: "m"},
	} {
		if _, _, err := newCanary(t.Context(), func(name string) string { return env[name] }); err == nil {
			t.Errorf("a canary %s is accepted", name)
		}
	}
}
