package confidence

import (
	"math"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Of returns the confidence of a final response: the geometric mean of the
// probabilities of its tokens. It is NaN if the response has no log-probabilities,
// which a request must ask for.
func Of(resp *model.LLMResponse) float64 {
	if resp.AvgLogprobs != 0 {
		return math.Exp(resp.AvgLogprobs)
	}
	var mean Mean
	mean.Add(resp.LogprobsResult)
	return math.Exp(mean.Logprob())
}

// Mean is the mean log-probability of an answer's tokens, which may arrive in pieces.
// The zero value has no tokens.
type Mean struct {
	sum float64
	n   int
}

// Add adds the tokens of a piece; nil has none.
func (m *Mean) Add(piece *genai.LogprobsResult) {
	if piece == nil {
		return
	}
	for _, chosen := range piece.ChosenCandidates {
		if chosen != nil {
			m.sum += float64(chosen.LogProbability)
			m.n++
		}
	}
}

// Logprob returns the mean, or NaN without tokens.
func (m *Mean) Logprob() float64 {
	if m.n == 0 {
		return math.NaN()
	}
	return m.sum / float64(m.n)
}
