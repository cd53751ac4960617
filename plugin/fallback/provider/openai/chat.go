package openai

import (
	"context"
	"errors"

	"google.golang.org/adk/v2/model"
)

// chat asks through chat completions.
func (m *Model) chat(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	yield(nil, errors.New("openai: chat completions are not there yet"))
}
