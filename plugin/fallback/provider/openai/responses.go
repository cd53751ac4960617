package openai

import (
	"context"
	"errors"

	"google.golang.org/adk/v2/model"
)

// responses asks through the Responses API.
func (m *Model) responses(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	yield(nil, errors.New("openai: the Responses API is not there yet"))
}
