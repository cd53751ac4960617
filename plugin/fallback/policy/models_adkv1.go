//go:build adkv1

package policy

import (
	"context"
	"fmt"

	"google.golang.org/adk/v2/model"
)

// provide builds nothing: the providers of ADK v2 do not compile in an
// application on ADK v1, which hands its models in.
func provide(_ context.Context, e endpoint, _ func(string) (string, bool)) (model.LLM, error) {
	return nil, fmt.Errorf("policy: provider %q, if any, is not in a build with the tag adkv1; hand the model in with policy.Models", e.provider)
}
