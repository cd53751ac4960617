package api

import (
	"bytes"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

// Arguments reads the arguments of a call. None are as good as {}.
func Arguments(data []byte) (map[string]any, bool) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || string(data) == "null" || string(data) == "{}" {
		return map[string]any{}, true
	}
	args, err := plainjson.Object(data)
	return args, err == nil && args != nil
}

// Logprobs returns the probabilities of the tokens, and their mean.
func Logprobs(list []openaiwire.Logprob) (*genai.LogprobsResult, float64) {
	if len(list) == 0 {
		return nil, 0
	}
	result := &genai.LogprobsResult{ChosenCandidates: make([]*genai.LogprobsResultCandidate, len(list))}
	sum, tops := 0.0, false
	for i, token := range list {
		sum += token.Logprob
		tops = tops || len(token.TopLogprobs) > 0
		result.ChosenCandidates[i] = &genai.LogprobsResultCandidate{Token: token.Token, LogProbability: float32(token.Logprob)}
	}
	for _, token := range list {
		if !tops {
			break
		}
		top := &genai.LogprobsResultTopCandidates{}
		for _, other := range token.TopLogprobs {
			top.Candidates = append(top.Candidates, &genai.LogprobsResultCandidate{Token: other.Token, LogProbability: float32(other.Logprob)})
		}
		result.TopCandidates = append(result.TopCandidates, top)
	}
	total := float32(sum)
	result.LogProbabilitySum = &total
	return result, sum / float64(len(list))
}

// Int32 returns n as genai counts tokens and characters: from 0 to the greatest int32.
func Int32(n int64) int32 { return int32(min(max(n, 0), 1<<31-1)) }
