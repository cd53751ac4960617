package gemini_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

func TestNewRefuses(t *testing.T) {
	noEnvironment(t)
	const key = "AIzaSecretSecretSecret"
	retries := genai.HTTPOptions{RetryOptions: &genai.HTTPRetryOptions{}}
	for _, test := range []struct {
		name, model string
		config      *genai.ClientConfig
		want        string
	}{
		{"no key", "gemini-3-flash", nil, "set GOOGLE_API_KEY"},
		{"a key with a line break", "gemini-3-flash", &genai.ClientConfig{APIKey: key + "\n"}, "line break"},
		{"a key with a location on Vertex AI", "gemini-3-flash", &genai.ClientConfig{Backend: genai.BackendVertexAI, APIKey: key, Location: "europe-west4"}, `not by location "europe-west4"`},
		{"a key with a project on Vertex AI", "gemini-3-flash", &genai.ClientConfig{Backend: genai.BackendEnterprise, APIKey: key, Project: "p"}, "remove Location and Project"},
		{"a project on the Gemini API", "gemini-3-flash", &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: key, Project: "p"}, "project and location are not supported"},
		{"retries of genai", "gemini-3-flash", &genai.ClientConfig{APIKey: key, HTTPOptions: retries}, "use middleware.NewRetry"},
		{"a base URL that is none", "gemini-3-flash", &genai.ClientConfig{APIKey: key, HTTPOptions: genai.HTTPOptions{BaseURL: "ftp://user:" + key + "@x"}}, "set HTTPOptions.BaseURL"},
		{"no name", "", &genai.ClientConfig{APIKey: key}, "no name of a model"},
		{"a path out of the API", "../x", &genai.ClientConfig{APIKey: key}, "no name of a model"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := gemini.New(t.Context(), test.model, gemini.Config{Client: test.config})
			if err == nil || m != nil || !strings.HasPrefix(err.Error(), "gemini: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got model %v and error %v, want an error with %q", m, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

// B65, B107,: a model tells its backend, client and endpoint, which is the one
// that is asked.
func TestTarget(t *testing.T) {
	noEnvironment(t)
	takes := provider.Takes{TopK: genai.Ptr(false)}
	for _, test := range []struct {
		config   genai.ClientConfig
		api      provider.API
		endpoint string
	}{
		{genai.ClientConfig{APIKey: "k"}, provider.Gemini, "generativelanguage.googleapis.com"},
		{genai.ClientConfig{APIKey: "k", HTTPOptions: genai.HTTPOptions{BaseURL: "http://LOCALHOST:8080/x"}}, provider.Gemini, "localhost:8080"},
		{genai.ClientConfig{APIKey: "k", HTTPOptions: genai.HTTPOptions{BaseURL: "https://localhost:443/x"}}, provider.Gemini, "localhost"},
		{genai.ClientConfig{Backend: genai.BackendVertexAI, APIKey: "k"}, provider.Vertex, "aiplatform.googleapis.com"},
		{genai.ClientConfig{Backend: genai.BackendVertexAI, Project: "p", Location: "eu", HTTPClient: &http.Client{}}, provider.Vertex, "aiplatform.eu.rep.googleapis.com"},
		{genai.ClientConfig{Backend: genai.BackendVertexAI, Project: "p", Location: "europe-west4", HTTPClient: &http.Client{}}, provider.Vertex, "europe-west4-aiplatform.googleapis.com"},
	} {
		given := test.config
		m, err := gemini.New(t.Context(), "gemini-3-flash", gemini.Config{Client: &given, Takes: takes, Drop: true})
		if err != nil {
			t.Fatal(err)
		}
		target := m.Target()
		if target.API != test.api || target.Endpoint != test.endpoint || target.Model != "gemini-3-flash" || !target.Drop || target.Takes.TopK != takes.TopK {
			t.Errorf("target %+v, want %s at %s", target, test.api, test.endpoint)
		}
		if vertex := m.GetGoogleLLMVariant() == genai.BackendVertexAI; vertex != (test.api == provider.Vertex) || m.Client() == nil || m.Name() != "gemini-3-flash" {
			t.Errorf("variant %v, client %v, name %s", m.GetGoogleLLMVariant(), m.Client(), m.Name())
		}
		if given.HTTPOptions.APIVersion != "" || given.HTTPClient != test.config.HTTPClient || given.HTTPClient != nil && given.HTTPClient.Transport != nil {
			t.Error("the configuration was changed")
		}
	}
}

// B64, B101, B104: a request that was shaped for others is fitted before it is
// sent, and a server as strict as the real one takes it.
func TestStrictServerTakesForeignHistory(t *testing.T) {
	noEnvironment(t)
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Strict()
	srv.Script("gemini-3.6-flash", fallbacktest.Text("Sunny."))
	weather := &genai.FunctionDeclaration{Name: "weather", ParametersJsonSchema: map[string]any{"type": "object", "properties": map[string]any{}}}
	req := &model.LLMRequest{
		Model: "gemini-3.6-flash",
		Contents: []*genai.Content{
			{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "weather?"}, {}}},
			{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "hm", Thought: true}, {Text: "let me see"}}},
			{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "weather"}}, {FunctionCall: &genai.FunctionCall{Name: "weather"}}}},
			{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "weather", Response: map[string]any{"sky": "clear"}}}}},
		},
		Config: &genai.GenerateContentConfig{
			Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{weather}}}, PresencePenalty: genai.Ptr[float32](1), Labels: map[string]string{"a": "b"},
		},
	}
	for _, config := range []*genai.ClientConfig{srv.ClientConfig(), srv.VertexClientConfig()} {
		m, err := gemini.New(t.Context(), "gemini-3-flash", gemini.Config{Client: config})
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range []bool{false, true} {
			_, final, err := ask(t.Context(), m, req, stream)
			if err != nil || final.Content.Parts[0].Text != "Sunny." {
				t.Errorf("got %+v and error %v; the server says %q", final, err, srv.Violations())
			}
		}
	}
}

// Every fault of the test server ends in an error, and its verdict is that of the
// fault.
func TestFaults(t *testing.T) {
	noEnvironment(t)
	sunny := fallbacktest.Text("It is sunny in Paris today.")
	for _, test := range []struct {
		name string
		step fallbacktest.Step
		want failure.Kind
	}{
		{"overloaded", fallbacktest.Overloaded(), failure.KindOverloaded},
		{"minute quota", fallbacktest.MinuteQuota(time.Second), failure.KindRateLimit},
		{"daily quota", fallbacktest.DailyQuota(), failure.KindQuota},
		{"context length", fallbacktest.ContextLength(), failure.KindContextLength},
		{"invalid key", fallbacktest.InvalidKey(), failure.KindAuth},
		{"cut", sunny.CutAfter(2), failure.KindTruncated},
		{"no finish", sunny.NoFinish(), failure.KindTruncated},
		{"no candidates", fallbacktest.NoCandidates(), failure.KindEmpty},
		{"error in the stream", sunny.ErrorAt(2, fallbacktest.Overloaded()), failure.KindOverloaded},
		{"reset", fallbacktest.Reset(), failure.KindNetwork},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := fallbacktest.NewServer()
			defer srv.Close()
			srv.Script("gemini-3-flash", test.step)
			m, err := gemini.New(t.Context(), "gemini-3-flash", gemini.Config{Client: srv.ClientConfig()})
			if err != nil {
				t.Fatal(err)
			}
			_, final, err := ask(t.Context(), m, hello(), true)
			if final != nil || err == nil {
				t.Fatalf("got %+v and error %v, want an error alone", final, err)
			}
			if v := failure.Classify(err); v.Kind != test.want {
				t.Errorf("%v is of kind %s, want %s", err, v.Kind, test.want)
			}
			if n := len(srv.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func ExampleNew() {
	srv := fallbacktest.NewServer() // stands for the Gemini API
	defer srv.Close()
	srv.Script("gemini-3-flash", fallbacktest.Text("It is sunny."))

	ctx := context.Background()
	m, err := gemini.New(ctx, "gemini-3-flash", gemini.Config{Client: srv.ClientConfig()})
	if err != nil {
		fmt.Println(err)
		return
	}
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("How is the weather?", genai.RoleUser)}}
	for resp, err := range m.GenerateContent(ctx, req, true) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if resp.Partial {
			continue // shown while it comes
		}
		fmt.Println(resp.Content.Parts[0].Text, resp.FinishReason)
	}
	// Output: It is sunny. STOP
}
