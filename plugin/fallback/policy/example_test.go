package policy_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// A file, a model of the application's own, and what an answer tells.
func ExampleLoad() {
	file := filepath.Join(os.TempDir(), "example-fallback.yaml")
	defer os.Remove(file)
	const text = `
primary: house-large
fallbacks:
  - name: house-small
    condition: "error_kind == 'overloaded' || latency > 3s"
  - name: template-response
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	large := llmtest.NewModel("house-large", llmtest.Fail(llmtest.ErrUnavailable))
	small := llmtest.NewModel("house-small", llmtest.Text("Hello!"))

	m, err := policy.Load(context.Background(), file, policy.Models{"house-large": large, "house-small": small})
	if err != nil {
		log.Fatal(err)
	}
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{Contents: genai.Text("Hi")}, false) {
		if err != nil {
			log.Fatal(err)
		}
		md, _ := call.ReadResponse(resp)
		fmt.Println(resp.Content.Parts[0].Text)
		fmt.Println(md.OriginalModel, "→", md.FallbackModel, "because of", md.ErrorCode)
	}
	// Output:
	// Hello!
	// house-large → house-small because of 503
}

// An application replaces a policy that does not come from a file while it runs.
func ExampleLive_Replace() {
	parsed := func(text string) *spec.Policy {
		p, err := spec.Parse([]byte(text))
		if err != nil {
			log.Fatal(err)
		}
		return p
	}
	ctx := context.Background()
	models := policy.Models{"flash": llmtest.NewModel("flash", llmtest.Text("From flash.")), "pro": llmtest.NewModel("pro", llmtest.Text("From pro."))}
	live, err := policy.NewLive(ctx, parsed("primary: flash"), models)
	if err != nil {
		log.Fatal(err)
	}
	defer live.Close()
	ask := func() {
		for resp, err := range live.Model().GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("Hi")}, false) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(resp.Content.Parts[0].Text)
		}
	}
	ask()
	if err := live.Replace(ctx, parsed("primary: pro")); err != nil {
		log.Fatal(err)
	}
	ask()
	// Output:
	// From flash.
	// From pro.
}

// A flag that operations switch off takes a model out of use.
func ExampleWithFlags() {
	off := memprovider.InMemoryFlag{Key: "use-new", State: memprovider.Enabled, DefaultVariant: "off", Variants: map[string]any{"off": false}}
	if err := openfeature.SetNamedProviderAndWait("assistant", memprovider.NewInMemoryProvider(map[string]memprovider.InMemoryFlag{"use-new": off})); err != nil {
		log.Fatal(err)
	}
	p, err := spec.Parse([]byte("primary: new\nfallbacks: [{name: old}]\nflags: {use-new: {targets: [new]}}"))
	if err != nil {
		log.Fatal(err)
	}
	m, err := policy.Build(context.Background(), p,
		policy.Models{"new": llmtest.NewModel("new", llmtest.Text("new")), "old": llmtest.NewModel("old", llmtest.Text("old"))},
		policy.WithFlags(openfeature.NewClient("assistant"), openfeature.NewEvaluationContext))
	if err != nil {
		log.Fatal(err)
	}
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{}, false) {
		fmt.Println(resp.Content.Parts[0].Text, err)
	}
	// Output: old <nil>
}
