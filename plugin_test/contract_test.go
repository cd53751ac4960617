package plugin_test

import (
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/adk/v2/model"
	adkgemini "google.golang.org/adk/v2/model/gemini"

	"github.com/adk-fallback/adk-fallback/internal/providertest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B54, B55, B56, B57, B58, B59, B100, B103, B104, B108: every provider answers,
// fails and is cancelled in the same way, unary and streamed, whatever its protocol.
// B109: so does ADK's own model, supplied by the application, inside a layer.
func TestProviders(t *testing.T) {
	for _, p := range []providertest.Provider{
		{Name: "gemini", Protocol: providertest.Gemini, Model: "gemini-3.5-flash", New: newGemini("gemini-3.5-flash")},
		{Name: "gemini of an old generation", Protocol: providertest.Gemini, Model: "gemini-2.5-flash", New: newGemini("gemini-2.5-flash")},
		{Name: "openai", Protocol: providertest.Responses, Model: "gpt-5.2", New: newOpenAI("gpt-5.2", openai.Responses)},
		{Name: "openai of an old generation", Protocol: providertest.Responses, Model: "gpt-4o", New: newOpenAI("gpt-4o", openai.Responses)},
		{Name: "chat", Protocol: providertest.Chat, Model: "llama-4-maverick", New: newOpenAI("llama-4-maverick", openai.Chat)},
		{Name: "anthropic", Protocol: providertest.Anthropic, Model: "claude-sonnet-5", New: newAnthropic("claude-sonnet-5")},
		{Name: "anthropic of an old generation", Protocol: providertest.Anthropic, Model: "claude-haiku-4-5", New: newAnthropic("claude-haiku-4-5")},
		{Name: "ADK's gemini in a layer", Protocol: providertest.ADKGemini, Model: "gemini-3.5-flash", New: newADKGemini("gemini-3.5-flash", func(m model.LLM) model.LLM {
			return middleware.Chain(m, middleware.Attempt(middleware.AttemptConfig{}))
		})},
		{Name: "ADK's gemini in a router", Protocol: providertest.ADKGemini, Model: "gemini-3.5-flash", New: newADKGemini("gemini-3.5-flash", func(m model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, m)
		})},
		// A layer around one of ours changes nothing.
		{Name: "anthropic in a router", Protocol: providertest.Anthropic, Model: "claude-sonnet-5", New: func(t testing.TB, srv *fallbacktest.Server) model.LLM {
			return router.MustFallback(router.Config{}, newAnthropic("claude-sonnet-5")(t, srv))
		}},
	} {
		t.Run(p.Name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			providertest.Run(t, p)
		})
	}
}

type newModel = func(testing.TB, *fallbacktest.Server) model.LLM

func newGemini(name string) newModel {
	return func(t testing.TB, srv *fallbacktest.Server) model.LLM {
		t.Helper()
		m, err := gemini.New(t.Context(), name, gemini.Config{Client: srv.ClientConfig()})
		return must(t, m, err)
	}
}

func newOpenAI(name, api string) newModel {
	return func(t testing.TB, srv *fallbacktest.Server) model.LLM {
		t.Helper()
		m, err := openai.New(name, openai.Config{APIKey: "fallbacktest", BaseURL: srv.URL + "/v1", API: api, HTTPClient: srv.Client()})
		return must(t, m, err)
	}
}

func newAnthropic(name string) newModel {
	return func(t testing.TB, srv *fallbacktest.Server) model.LLM {
		t.Helper()
		m, err := anthropic.New(name, anthropic.Config{APIKey: "fallbacktest", BaseURL: srv.URL, HTTPClient: srv.Client()})
		return must(t, m, err)
	}
}

func newADKGemini(name string, wrap func(model.LLM) model.LLM) newModel {
	return func(t testing.TB, srv *fallbacktest.Server) model.LLM {
		t.Helper()
		m, err := adkgemini.NewModel(t.Context(), name, srv.ClientConfig())
		return wrap(must(t, m, err))
	}
}

func must[M model.LLM](t testing.TB, m M, err error) model.LLM {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
