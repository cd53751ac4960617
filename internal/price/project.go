package price

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/tokens"
)

// DefaultOutput is the length in tokens of an answer about which nothing is known. It is a guess at an ordinary answer;
// the most that a model could answer (often 65,536) would make every request look dear.
const DefaultOutput = 1024

// Project returns US dollars for a request that has not been sent: its estimated input, none of it cached, and an answer of
// output tokens, once for each of Config.CandidateCount candidates.
func Project(p Price, req *model.LLMRequest, output int) float64 {
	candidates := 1
	if c := req.Config; c != nil {
		candidates = max(int(c.CandidateCount), 1)
	}
	return p.Cost(tokens.Estimate(req), 0, output*candidates)
}
