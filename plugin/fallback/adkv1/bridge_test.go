package adkv1_test

import (
	"context"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/agent"
	"google.golang.org/adk/agent/llmagent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/runner"
	"google.golang.org/adk/session"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

type variant struct{}

func (variant) GetGoogleLLMVariant() genai.Backend { return genai.BackendVertexAI }

type client struct{}

func (client) Client() *genai.Client { return nil }

// B65
func TestBridgesForwardWhatTheModelHas(t *testing.T) {
	m := llmtest.NewModel("flash", llmtest.Text("hi"))
	has := func(m any) [2]bool {
		_, v := m.(interface{ GetGoogleLLMVariant() genai.Backend })
		_, c := m.(interface{ Client() *genai.Client })
		return [2]bool{v, c}
	}
	for name, llm := range map[string]modelv2.LLM{
		"neither": m,
		"variant": struct {
			*llmtest.Model
			variant
		}{m, variant{}},
		"client": struct {
			*llmtest.Model
			client
		}{m, client{}},
		"both": struct {
			*llmtest.Model
			variant
			client
		}{m, variant{}, client{}},
	} {
		v1 := adkv1.FromV2(llm)
		if got, want := has(v1), has(llm); got != want {
			t.Errorf("%s: FromV2 has %v, want %v", name, got, want)
		}
		if adkv1.ToV2(v1) != llm {
			t.Errorf("%s: ToV2 of FromV2 is not the original", name)
		}
	}
	for _, foreign := range []model.LLM{
		struct{ model.LLM }{adkv1.FromV2(m)},
		struct {
			model.LLM
			variant
		}{adkv1.FromV2(m), variant{}},
		struct {
			model.LLM
			client
		}{adkv1.FromV2(m), client{}},
		struct {
			model.LLM
			variant
			client
		}{adkv1.FromV2(m), variant{}, client{}},
	} {
		if got, want := has(adkv1.ToV2(foreign)), has(foreign); got != want {
			t.Errorf("ToV2 has %v, want %v", got, want)
		}
	}
	if adkv1.FromV2(nil) != nil || adkv1.ToV2(nil) != nil {
		t.Error("a bridge of no model is a model")
	}
}

// infoModel answers with what it knows of its caller.
type infoModel struct{ got *call.Info }

func (infoModel) Name() string { return "info" }

func (m infoModel) GenerateContent(ctx context.Context, _ *modelv2.LLMRequest, _ bool) iter.Seq2[*modelv2.LLMResponse, error] {
	return func(yield func(*modelv2.LLMResponse, error) bool) {
		*m.got = call.From(ctx)
		yield(&modelv2.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel)}, nil)
	}
}

func TestFromV2CarriesTheCaller(t *testing.T) {
	for name, test := range map[string]struct {
		model func(modelv2.LLM) model.LLM
		want  call.Info
	}{
		"alone":                         {adkv1.FromV2, call.Info{App: "app", User: "ada", Session: "s1", Agent: "assistant"}},
		"in a model that says who pays": {func(m modelv2.LLM) model.LLM { return paid{adkv1.FromV2(m), acme} }, call.Info{App: "app", User: "ada", Session: "s1", Agent: "assistant", Tenant: "acme"}},
		"in a model that says who asks": {func(m modelv2.LLM) model.LLM { return paid{adkv1.FromV2(m), call.Info{User: "bob", Session: "own"}} }, call.Info{App: "app", User: "bob", Session: "own", Agent: "assistant"}},
	} {
		var got call.Info
		a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: test.model(infoModel{&got})})
		if err != nil {
			t.Fatal(err)
		}
		r, err := runner.New(runner.Config{AppName: "app", Agent: a, SessionService: session.InMemoryService(), AutoCreateSession: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range r.Run(t.Context(), "ada", "s1", genai.NewContentFromText("hi", genai.RoleUser), agent.RunConfig{}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got.Invocation == "" {
			t.Errorf("%s: the invocation is not known", name)
		}
		got.Invocation = ""
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: caller (-want +got):\n%s", name, diff)
		}
	}
}

// The iterator stops when its consumer does.
func TestBridgeStops(t *testing.T) {
	both := adkv1.ToV2(adkv1.FromV2(llmtest.NewModel("flash", llmtest.Text("one two three"))))
	n := 0
	for range both.GenerateContent(t.Context(), &modelv2.LLMRequest{}, true) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d responses after a break, want 1", n)
	}
}
