//go:build adkv1

package policy

import (
	"context"

	"google.golang.org/adk/v2/model"
)

// provide builds nothing: the providers of ADK v2 do not compile in an
// application on ADK v1, which hands its models in.
func provide(_ context.Context, _ endpoint, _ func(string) (string, bool)) (model.LLM, error) {
	return nil, &unbuildable{"no provider is in a build with the tag adkv1", "a model that the application hands in with policy.Models"}
}
