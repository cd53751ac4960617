package router_test

import (
	"net"
	"slices"
	"syscall"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B107: a target whose endpoint could not be reached is asked after the others,
// in front of answers of last resort, and never left out.
func TestSameEndpointIsAskedLast(t *testing.T) {
	refused := llmtest.Fail(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	at := func(endpoint, name string, step llmtest.Step) model.LLM {
		return router.Describe(llmtest.NewModel(name, step), router.Traits{Target: provider.Target{Endpoint: endpoint}})
	}
	template := degrade.Template("sorry")
	for _, test := range []struct {
		name   string
		models []model.LLM
		want   []string // the models in the record, in order
	}{
		{"another endpoint first", []model.LLM{at("x", "a", refused), at("x", "b", llmtest.Text("b")), at("y", "c", llmtest.Text("c"))}, []string{"a", "c"}},
		{"then the same one", []model.LLM{at("x", "a", refused), at("x", "b", llmtest.Text("b")), at("y", "c", refused)}, []string{"a", "c", "b"}},
		{"before a last resort", []model.LLM{at("x", "a", refused), at("y", "b", refused), at("x", "c", llmtest.Text("c")), template}, []string{"a", "b", "c"}},
		{"none is left out", []model.LLM{at("x", "a", refused), at("x", "b", refused), at("x", "c", llmtest.Text("c"))}, []string{"a", "b", "c"}},
		{"unknown endpoints keep their order", []model.LLM{at("", "a", refused), at("", "b", llmtest.Text("b")), at("y", "c", llmtest.Text("c"))}, []string{"a", "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := router.MustFallback(router.Config{}, test.models...)
			var answer *model.LLMResponse
			for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hello")}, false) {
				if err != nil {
					t.Fatal(err)
				}
				answer = resp
			}
			md, _ := call.ReadResponse(answer)
			var asked []string
			for _, a := range md.Attempts {
				asked = append(asked, a.Model)
			}
			if !slices.Equal(asked, test.want) {
				t.Errorf("asked %v, want %v", asked, test.want)
			}
		})
	}
}
