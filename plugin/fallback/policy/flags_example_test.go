package policy_test

import (
	"context"
	"fmt"
	"log"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

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
		policy.Models{"new": suite.NewModel("new", suite.Text("new")), "old": suite.NewModel("old", suite.Text("old"))},
		policy.WithFlags(openfeature.NewClient("assistant"), openfeature.NewEvaluationContext))
	if err != nil {
		log.Fatal(err)
	}
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{}, false) {
		fmt.Println(resp.Content.Parts[0].Text, err)
	}
	// Output: old <nil>
}
