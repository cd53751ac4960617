package router_test

import (
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

type onVertex struct{ model.LLM }

func (onVertex) GetGoogleLLMVariant() genai.Backend { return genai.BackendVertexAI }

// The optional methods of a target do not hide what is known of it. B38, B65
func TestTraitsOfAModelWithOptionalMethods(t *testing.T) {
	elsewhere := genai.APIError{Code: 400, Status: "FAILED_PRECONDITION", Message: "User location is not supported for the API use."}
	first, second, third := llmtest.NewModel("first", llmtest.Fail(elsewhere)), llmtest.NewModel("second", llmtest.Text("no")), llmtest.NewModel("third", llmtest.Text("yes"))
	google := router.Traits{Provider: "google"}
	m := router.MustFallback(router.Config{}, router.Describe(onVertex{first}, google), router.Describe(onVertex{second}, google), third)

	var answer *model.LLMResponse
	for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hello")}, false) {
		if err != nil {
			t.Fatal(err)
		}
		answer = resp
	}
	md, _ := call.ReadResponse(answer)
	if md.ModelName != "third" {
		t.Errorf("%s answered, want third: the provider that refuses this place is to be left alone", md.ModelName)
	}
	if a := md.Attempts[1]; a.Model != "second" || a.Outcome != call.Skipped || !strings.Contains(a.Reason, "provider google has failed in this call") {
		t.Errorf("the skipped target is on record as %+v", a)
	}
	if asked := second.Asked(); len(asked) != 0 {
		t.Errorf("second was asked %d times", len(asked))
	}
}

// A description counts wherever it stands in the layers of a target; the outer one of two.
func TestTraitsWithinOtherLayers(t *testing.T) {
	breaker := middleware.MustBreaker(middleware.BreakerConfig{})
	team := func(name string, step llmtest.Step) model.LLM {
		return router.Describe(llmtest.NewModel(name, step), router.Traits{Credential: "team"})
	}
	for name, test := range map[string]struct {
		second model.LLM
		want   string
	}{
		"within a breaker":     {breaker(team("second", llmtest.Text("second"))), "[third]"},
		"within another, own":  {router.Describe(team("second", llmtest.Text("second")), router.Traits{Credential: "own"}), "[second]"},
		"within a group, own":  {router.Describe(fallback(team("second", llmtest.Text("second"))), router.Traits{}), "[second]"},
		"within a rule, twice": {router.When(router.Rule{}, breaker(breaker(team("second", llmtest.Text("second"))))), "[third]"},
	} {
		m := fallback(breaker(team("first", llmtest.Fail(errBilling))), test.second, llmtest.NewModel("third", llmtest.Text("third")))
		if got := ask(t.Context(), m, false); got.stream != test.want {
			t.Errorf("%s: %s (%v), want %s", name, got.stream, got.err, test.want)
		}
	}
}

// What is said of a group holds for a target in it, unless its own description says
// otherwise.
func TestDescriptionOfAGroupReachesItsTargets(t *testing.T) {
	takesNot := func(takes provider.Takes) router.Traits { return router.Traits{Target: provider.Target{Takes: takes}} }
	no, yes := new(bool), genai.Ptr(true)
	inner := llmtest.NewModel("inner", llmtest.Text("answer"))
	group := router.MustFallback(router.Config{}, router.Describe(inner, takesNot(provider.Takes{Seed: no, TopK: yes})))
	m := router.Describe(group, takesNot(provider.Takes{Temperature: no, TopK: no}))
	req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{
		Temperature: genai.Ptr[float32](1), TopK: genai.Ptr[float32](1), Seed: genai.Ptr[int32](1),
	}}
	for _, err := range m.GenerateContent(t.Context(), req, false) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if c := inner.Requests()[0].Config; c.Temperature != nil || c.Seed != nil || c.TopK == nil {
		t.Errorf("sent temperature %v, seed %v, top_k %v; want top_k alone", c.Temperature, c.Seed, c.TopK)
	}
}
