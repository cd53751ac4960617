package policy_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// env is a set of environment variables.
func env(values map[string]string) policy.Option {
	return policy.WithEnv(func(name string) (string, bool) { value, ok := values[name]; return value, ok })
}

// gemini-* is called through provider gemini, with the settings in the file.
func TestGeminiModelsAreBuilt(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("gemini-2.5-flash", fallbacktest.Overloaded(), fallbacktest.Text("flash"))
	srv.Script("gemini-2.5-pro", fallbacktest.Text("pro"))
	var keys []string
	target, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		keys = append(keys, r.In.Header.Get("X-Goog-Api-Key"))
		r.SetURL(target)
	}})
	defer proxy.Close()
	text := "primary: fast\nfallbacks: [{name: gemini-2.5-pro}]\n" +
		"models:\n  fast: {provider: gemini, id: gemini-2.5-flash, credential_env: MY_KEY, base_url: " + proxy.URL + "}\n" +
		"  gemini-2.5-*: {base_url: " + proxy.URL + "}\n"
	m := build(t, text, env(map[string]string{"MY_KEY": "one", "GEMINI_API_KEY": "two"}))

	if _, ok := m.(interface{ GetGoogleLLMVariant() genai.Backend }); !ok {
		t.Error("the model does not tell its backend")
	}
	got := ask(t.Context(), m, false)
	if got.text != "pro" || got.md.OriginalModel != "fast" || got.md.FallbackModel != "gemini-2.5-pro" || got.md.ErrorCode != "503" {
		t.Errorf("%q (%v): %+v", got.text, got.err, got.md)
	}
	if got := ask(t.Context(), m, true); got.text != "flash" || got.md.ModelName != "fast" {
		t.Errorf("%q (%v) by %s", got.text, got.err, got.md.ModelName)
	}
	if want := []string{"one", "two", "one"}; !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
}

// The transport keeps what the SDK drops from a failure. B35
func TestBuiltModelsKeepRetryAfter(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("gemini-2.5-flash", fallbacktest.Overloaded().Header("Retry-After", "77"))
	m := build(t, "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: {base_url: "+srv.URL+"}}", env(map[string]string{"GOOGLE_API_KEY": "key"}))
	got := ask(t.Context(), m, false)
	if v := failure.Classify(got.err); v.RetryAfter != 77*time.Second && v.Cooldown != 77*time.Second {
		t.Errorf("verdict %+v of %v: want the server's 77 s", v, got.err)
	}
}

// The environment selects one of Google's two APIs if the file does not.
func TestGeminiByTheEnvironment(t *testing.T) {
	vertex := map[string]string{"GOOGLE_GENAI_USE_VERTEXAI": "True", "GOOGLE_CLOUD_PROJECT": "project", "GOOGLE_API_KEY": "key"}
	for _, test := range []struct {
		name, model string
		env         map[string]string
		want        genai.Backend
	}{
		{"nothing said", "{}", map[string]string{"GEMINI_API_KEY": "key"}, genai.BackendGeminiAPI},
		{"the environment", "{credential_env: GOOGLE_API_KEY}", vertex, genai.BackendVertexAI},
		{"the file", "{provider: gemini}", vertex, genai.BackendGeminiAPI},
		{"the file, with a key", "{provider: vertexai, credential_env: KEY}", map[string]string{"KEY": "key"}, genai.BackendVertexAI},
	} {
		m := build(t, "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: "+test.model+"}", env(test.env))
		if got := m.(interface{ GetGoogleLLMVariant() genai.Backend }).GetGoogleLLMVariant(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// genai puts its configuration into errors; the key in it must not get out.
func TestErrorsOfClientsTellNoKeys(t *testing.T) {
	const text = "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: {provider: vertexai}}" // without a project
	_, err := policy.Build(t.Context(), parsed(t, text), quiet, env(nil))
	if err == nil || strings.Contains(err.Error(), "ClientConfig") || !strings.Contains(err.Error(), "cannot be built: gemini: ") {
		t.Errorf("error %v", err)
	}
}

// gpt-* is called through provider openai, once.
func TestOpenAIModelsAreBuilt(t *testing.T) {
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1); r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("authorization %q", r.Header.Get("Authorization"))
		}
		http.Error(w, `{"error":{"message":"overloaded","type":"server_error"}}`, http.StatusServiceUnavailable)
	}))
	defer srv.Close()
	text := "primary: gpt-4o\nfallbacks: [{name: b}]\nmodels: {gpt-4o: {base_url: " + srv.URL + "}}"
	m := build(t, text, named("b"), env(map[string]string{"OPENAI_API_KEY": "secret"}))
	if got := ask(t.Context(), m, false); got.text != "b" || got.md.ErrorCode != "503" {
		t.Errorf("%q (%v), error code %s", got.text, got.err, got.md.ErrorCode)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1: retries are the policy's", n)
	}
}

// Everything that cannot be built is reported at once, with its place and what to do. B91
func TestWhatCannotBeBuilt(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"a name that nothing resolves", "primary: a\nfallbacks: [{name: mystery}, {name: mistery}]", []string{
			`2:20: fallbacks[0].name: "mystery" is not a known model`, `2:37: fallbacks[1].name`, "supply the model from the application",
		}},
		{"a variable that is not set", "primary: a\nfallbacks:\n  - name: b2\nmodels:\n  b2:\n    provider: openai\n    credential_env: NO_KEY", []string{
			"7:21: models.b2.credential_env: variable NO_KEY is not set",
		}},
		{"no key at all", "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]", []string{
			`1:10: primary: "gpt-4o" cannot be built: no key for openai; set OPENAI_API_KEY, or name another variable in credential_env`,
			`2:20: fallbacks[0].name: "gemini-2.5-flash" cannot be built: no key for gemini; set GOOGLE_API_KEY`,
		}},
		{"a store without a client", "primary: a\nstate: {url_env: REDIS}", []string{"2:1: state: state needs a client; add policy.WithState"}},
		{"a provider that is not in the program", "primary: claude-sonnet-5", []string{
			`1:10: primary: "claude-sonnet-5" needs provider anthropic, which this program does not have; add anthropic.Provider`,
		}},
		{"a region beside a key", "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: {provider: vertexai, region: europe-west4, credential_env: KEY}}", []string{
			`1:10: primary: "gemini-2.5-flash" cannot be built: gemini: an API key on Vertex AI is served by the global endpoint`,
		}},
		{"a region that the environment does not choose", "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: {region: europe-west4, credential_env: KEY}}\ncompliance: {rules: [{regions: [europe-*]}]}", []string{
			`1:10: primary: "gemini-2.5-flash" cannot be built: the Gemini API has no regions, and a compliance rule relies on europe-west4; set provider: vertexai`,
		}},
	} {
		_, err := policy.Build(t.Context(), parsed(t, test.text), quiet, named("a", "b"), env(map[string]string{"KEY": "key"}))
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not say %q", test.name, err, want)
			}
		}
	}
}

func TestProviderWithoutUsualVariable(t *testing.T) {
	none := provider.Factory{Name: "anthropic", New: func(provider.Settings) (model.LLM, error) { return llmtest.NewModel("m"), nil }}
	_, err := policy.Build(t.Context(), parsed(t, "primary: claude-sonnet-5"), none, env(map[string]string{"": "key"}))
	if err == nil || !strings.Contains(err.Error(), "no key for anthropic; name the variable that holds it in credential_env") {
		t.Errorf("error %v; want one that names credential_env alone", err)
	}
}

// B15
func TestProviderWithoutNew(t *testing.T) {
	_, err := policy.Build(t.Context(), parsed(t, "primary: claude-sonnet-5"), provider.Factory{Name: "anthropic", KeyEnv: "KEY"}, env(map[string]string{"KEY": "key"}))
	if err == nil || !strings.Contains(err.Error(), "the provider.Factory of anthropic has no New; set it") {
		t.Errorf("error %v; want one that names New", err)
	}
}

// A region that a rule relies on is the one that is called, whatever the environment says. B130
func TestRegionsThatRulesRelyOnWithTheEnvironment(t *testing.T) {
	const (
		elsewhere = "https://elsewhere.example.com"
		rule      = "\ncompliance: {rules: [{regions: ['*']}]}"
		pinned    = "{provider: vertexai, region: europe-west4}"
	)
	vertex := map[string]string{"GOOGLE_CLOUD_PROJECT": "project", "KEY": "key"}
	for _, test := range []struct {
		name, model, rule string
		set, process      string // the variable that is set for WithEnv, and the one of the process
		vertex            bool   // the environment selects Vertex AI
		want              string // "" if the model is built
	}{
		{"nothing is set", pinned, rule, "", "", false, ""},
		{"Vertex AI elsewhere", pinned, rule, "GOOGLE_VERTEX_BASE_URL", "", false, "GOOGLE_VERTEX_BASE_URL is set, and a compliance rule relies on region europe-west4; unset it, or set base_url"},
		{"the Gemini API elsewhere", pinned, rule, "GOOGLE_GEMINI_BASE_URL", "", false, "GOOGLE_GEMINI_BASE_URL is set"},
		{"in the process alone", pinned, rule, "", "GOOGLE_VERTEX_BASE_URL", false, "GOOGLE_VERTEX_BASE_URL is set"},
		{"no rule", pinned, "", "GOOGLE_VERTEX_BASE_URL", "", false, ""},
		{"no region", "{provider: vertexai}", rule, "GOOGLE_VERTEX_BASE_URL", "", false, ""},
		{"a base URL in the file", "{provider: vertexai, region: europe-west4, base_url: https://europe-west4-aiplatform.googleapis.com}", rule, "GOOGLE_VERTEX_BASE_URL", "", false, ""},
		{"by the environment", "{region: europe-west4}", rule, "", "", true, ""},
		{"by the environment, elsewhere", "{region: europe-west4}", rule, "GOOGLE_VERTEX_BASE_URL", "", true, "GOOGLE_VERTEX_BASE_URL is set"},
		{"by the environment, no location", "{region: EU West}", rule, "", "", true, "region must be a location of Vertex AI"},
		{"the Gemini API", "{region: europe-west4, credential_env: KEY}", rule, "", "", false, "the Gemini API has no regions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := filepath.Join(t.TempDir(), "account.json")
			if err := os.WriteFile(account, []byte(`{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", account)
			for _, name := range []string{"GOOGLE_VERTEX_BASE_URL", "GOOGLE_GEMINI_BASE_URL"} {
				t.Setenv(name, "")
			}
			values := maps.Clone(vertex)
			if test.vertex {
				values["GOOGLE_GENAI_USE_VERTEXAI"] = "true"
			}
			if test.set != "" {
				values[test.set] = elsewhere
			}
			if test.process != "" {
				t.Setenv(test.process, elsewhere)
			}
			text := "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: " + test.model + "}" + test.rule
			_, err := policy.Build(t.Context(), parsed(t, text), quiet, env(values))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// A rule of a new policy applies to models that are already built. B130
func TestARegionThatANewRuleReliesOn(t *testing.T) {
	const text = "primary: gemini-2.5-flash\nmodels: {gemini-2.5-flash: {region: europe-west4, credential_env: KEY}}\n"
	live, err := policy.NewLive(t.Context(), parsed(t, text), quiet, env(map[string]string{"KEY": "key"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Replace(t.Context(), parsed(t, text+"compliance: {rules: [{regions: [europe-*]}]}")); err == nil || !strings.Contains(err.Error(), "the Gemini API has no regions") {
		t.Errorf("error %v, want one about the region", err)
	}
}

// Models of the application take precedence, by the name in the file or the one that it is an
// alias for. The provider sees the model's own name. B60
func TestModelsOfTheApplication(t *testing.T) {
	own := llmtest.NewModel("llama-3.3-70b", llmtest.Text("own"))
	for _, name := range []string{"house", "local-llama", "gemini-2.5-flash"} {
		text := "primary: " + name + "\naliases: {house: local-llama}"
		m := build(t, text, policy.Models{"local-llama": own, "gemini-2.5-flash": own})
		if got := ask(t.Context(), m, false); got.text != "own" {
			t.Errorf("%s: %q (%v)", name, got.text, got.err)
		}
	}
	if asked := own.Asked(); !slices.Equal(asked, []string{"llama-3.3-70b", "llama-3.3-70b", "llama-3.3-70b"}) {
		t.Errorf("asked as %v", asked)
	}
}

// Signatures belong to the provider's model, whatever its name in the file is. B63
func TestSignaturesOfARenamedModel(t *testing.T) {
	own := llmtest.NewModel("gemini-3-flash", llmtest.Text("own"))
	req := &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText("weather?", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "weather"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "weather"}}}},
	}}
	askFor(t.Context(), build(t, "primary: fast", policy.Models{"fast": own}), false, req)
	if len(own.Requests()[0].Contents[1].Parts[0].ThoughtSignature) == 0 {
		t.Error("the call has no signature, which Gemini 3 refuses")
	}
	if len(req.Contents[1].Parts[0].ThoughtSignature) > 0 {
		t.Error("the caller's request was changed")
	}
}

// A model's config replaces the agent's settings, for that model only. B62
func TestConfigOfAModel(t *testing.T) {
	a, b := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Text("b"))
	const text = `
primary: a
fallbacks: [{name: b}]
models:
  b:
    config: {temperature: 0.1, top_p: 0.5, top_k: 3, max_output_tokens: 99, stop_sequences: [END], seed: 7, presence_penalty: 1, frequency_penalty: -1, thinking_budget: 0}
`
	agents := &genai.GenerateContentConfig{Temperature: genai.Ptr[float32](0.9), ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true}}
	askFor(t.Context(), build(t, text, models(a, b)), false, &model.LLMRequest{Contents: genai.Text("x"), Config: agents})
	if diff := cmp.Diff(agents, a.Requests()[0].Config); diff != "" {
		t.Errorf("what a saw (-want +got):\n%s", diff)
	}
	want := &genai.GenerateContentConfig{
		Temperature: genai.Ptr[float32](0.1), TopP: genai.Ptr[float32](0.5), TopK: genai.Ptr[float32](3), MaxOutputTokens: 99, StopSequences: []string{"END"},
		Seed: genai.Ptr[int32](7), PresencePenalty: genai.Ptr[float32](1), FrequencyPenalty: genai.Ptr[float32](-1),
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingBudget: genai.Ptr[int32](0)},
	}
	if diff := cmp.Diff(want, b.Requests()[0].Config); diff != "" {
		t.Errorf("what b saw (-want +got):\n%s", diff)
	}
}

// onGoogle is a model with the optional methods that ADK uses.
type onGoogle struct {
	model.LLM
	backend genai.Backend
}

func (m onGoogle) GetGoogleLLMVariant() genai.Backend { return m.backend }
func (m onGoogle) Client() *genai.Client              { return &genai.Client{} }

// B65
func TestOptionalMethodsAreThePrimarys(t *testing.T) {
	given := named("plain")
	given["vertex"] = onGoogle{llmtest.NewModel("vertex", llmtest.Text("v")), genai.BackendVertexAI}
	given["studio"] = onGoogle{llmtest.NewModel("studio", llmtest.Text("s")), genai.BackendGeminiAPI}
	type variant interface{ GetGoogleLLMVariant() genai.Backend }
	type client interface{ Client() *genai.Client }

	plain := build(t, "primary: plain\nfallbacks: [{name: vertex}]", given)
	if _, ok := plain.(variant); ok {
		t.Error("a primary that is no Gemini tells a backend")
	}
	if _, ok := plain.(client); ok {
		t.Error("a primary that is no Gemini has a client")
	}

	l, err := policy.NewLive(context.Background(), parsed(t, "primary: vertex\ncache: {}"), quiet, given)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := l.Model()
	if c, ok := m.(client); !ok || c.Client() == nil {
		t.Error("the primary's client is hidden")
	}
	for _, test := range []struct {
		primary string
		want    genai.Backend
	}{{"vertex", genai.BackendVertexAI}, {"studio", genai.BackendGeminiAPI}, {"plain", genai.BackendUnspecified}} {
		if err := l.Replace(t.Context(), parsed(t, "primary: "+test.primary+"\ncache: {}")); err != nil {
			t.Fatal(err)
		}
		if got := m.(variant).GetGoogleLLMVariant(); got != test.want || m.Name() != test.primary {
			t.Errorf("primary %s: %s tells %v, want %v", test.primary, m.Name(), got, test.want)
		}
	}
}

// A key that has changed in the environment is used from the next reload on, with a new
// breaker.
func TestReloadTakesANewKey(t *testing.T) {
	for _, credential := range []string{"", "credential_env: OPENAI_API_KEY, "} {
		keys := map[string]string{"OPENAI_API_KEY": "one"}
		var asked []string
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			http.Error(w, `{"error":{"message":"overloaded","type":"server_error"}}`, http.StatusServiceUnavailable)
		}))
		defer web.Close()
		text := "primary: gpt-4o\nmodels: {gpt-4o: {provider: openai, " + credential + "base_url: " + web.URL + "}}\ncircuit_breaker: {failure_threshold: 1}\n"
		l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, env(keys))
		if err != nil {
			t.Fatal(err)
		}
		reload := func(more string) {
			if err := l.Replace(t.Context(), parsed(t, text+more)); err != nil {
				t.Fatal(err)
			}
			ask(t.Context(), l.Model(), false)
		}
		ask(t.Context(), l.Model(), false)
		keys["OPENAI_API_KEY"] = "two"
		reload("timeouts: {total: 1m}")
		if want := []string{"one", "two"}; !slices.Equal(asked, want) {
			t.Errorf("%sasked with keys %v, want %v", credential, asked, want)
		}
	}
}
