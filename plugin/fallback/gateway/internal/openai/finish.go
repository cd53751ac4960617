package openai

import (
	"strconv"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// finishReason returns why an answer ended.
func finishReason(resp *model.LLMResponse) string {
	switch {
	case resp.FinishReason == genai.FinishReasonMaxTokens:
		return "length"
	case protocol.Filtered(resp):
		return "content_filter"
	}
	for _, part := range partsOf(resp) {
		if part != nil && part.FunctionCall != nil {
			return "tool_calls"
		}
	}
	return "stop"
}

// refusalOf returns the text with which a model refuses to answer, "" for none.
func refusalOf(resp *model.LLMResponse) string {
	if !protocol.Filtered(resp) || request.Text(resp.Content) != "" { // stopped within its answer
		return ""
	}
	return problem.Redact(resp.ErrorMessage)
}

// usageOf returns the tokens of an answer; nil if they are not known.
func usageOf(u *genai.GenerateContentResponseUsageMetadata) *openaiwire.ChatUsage {
	if u == nil {
		return nil
	}
	usage := &openaiwire.ChatUsage{
		PromptTokens: int64(u.PromptTokenCount) + int64(u.ToolUsePromptTokenCount), CompletionTokens: int64(u.CandidatesTokenCount) + int64(u.ThoughtsTokenCount),
		CachedTokens: int64(u.CachedContentTokenCount), ReasoningTokens: int64(u.ThoughtsTokenCount),
	}
	usage.TotalTokens = usage.PromptTokens + usage.CompletionTokens
	return usage
}

// shortest returns f as it would be written: -0.1, not -0.10000000149011612.
func shortest(f float32) float64 {
	n, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64) // a number always reads
	return n
}

// logprobsOf returns the probabilities of an answer's tokens, nil for none.
func logprobsOf(result *genai.LogprobsResult) *openaiwire.ChatLogprobs {
	if result == nil || len(result.ChosenCandidates) == 0 {
		return nil
	}
	one := func(c *genai.LogprobsResultCandidate) openaiwire.Logprob {
		return openaiwire.Logprob{Token: c.Token, Logprob: shortest(c.LogProbability)}
	}
	list := make([]openaiwire.Logprob, 0, len(result.ChosenCandidates))
	for i, chosen := range result.ChosenCandidates {
		if chosen == nil {
			continue
		}
		token := one(chosen)
		if i < len(result.TopCandidates) && result.TopCandidates[i] != nil {
			for _, top := range result.TopCandidates[i].Candidates {
				if top != nil {
					token.TopLogprobs = append(token.TopLogprobs, one(top))
				}
			}
		}
		list = append(list, token)
	}
	return &openaiwire.ChatLogprobs{Content: list}
}
