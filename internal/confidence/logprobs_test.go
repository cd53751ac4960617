package confidence_test

import (
	"math"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/confidence"
)

func TestOf(t *testing.T) {
	tokens := func(logprobs ...float32) *genai.LogprobsResult {
		r := &genai.LogprobsResult{}
		for _, p := range logprobs {
			r.ChosenCandidates = append(r.ChosenCandidates, &genai.LogprobsResultCandidate{LogProbability: p})
		}
		return r
	}
	withNil := tokens(-1)
	withNil.ChosenCandidates = append(withNil.ChosenCandidates, nil)
	for name, test := range map[string]struct {
		resp *model.LLMResponse
		want float64
	}{
		"nothing":        {&model.LLMResponse{}, math.NaN()},
		"no tokens":      {&model.LLMResponse{LogprobsResult: tokens()}, math.NaN()},
		"the average":    {&model.LLMResponse{AvgLogprobs: -1, LogprobsResult: tokens(-5)}, math.Exp(-1)},
		"tokens":         {&model.LLMResponse{LogprobsResult: tokens(-1, -3)}, math.Exp(-2)},
		"nil tokens":     {&model.LLMResponse{LogprobsResult: withNil}, math.Exp(-1)},
		"certain tokens": {&model.LLMResponse{LogprobsResult: tokens(0, 0)}, 1},
		"no number":      {&model.LLMResponse{LogprobsResult: tokens(float32(math.NaN()))}, math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			if got := confidence.Of(test.resp); !same(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
