package cascade_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// logprobs returns a piece with tokens of these log-probabilities.
func logprobs(resp *model.LLMResponse, values ...float32) *model.LLMResponse {
	resp.LogprobsResult = &genai.LogprobsResult{}
	for _, p := range values {
		resp.LogprobsResult.ChosenCandidates = append(resp.LogprobsResult.ChosenCandidates, &genai.LogprobsResultCandidate{Token: "x", LogProbability: p})
	}
	return resp
}

// averaging returns resp with an average log-probability.
func averaging(resp *model.LLMResponse, value float64) *model.LLMResponse {
	resp.AvgLogprobs = value
	return resp
}

func TestJudgeLogProbs(t *testing.T) {
	average := func(value float64) *model.LLMResponse { return averaging(whole("cheap", 1), value) }
	for name, test := range map[string]struct {
		step   llmtest.Step
		reason string // "" if the answer is accepted
	}{
		"average, sure":         {llmtest.Send(average(-0.1)), ""},
		"average, unsure":       {llmtest.Send(average(-1)), "judge: confidence 0.367 below 0.8"},
		"tokens":                {llmtest.Send(logprobs(whole("cheap", 1), -0.5, -1.5)), "judge: confidence 0.367 below 0.8"},
		"none":                  {llmtest.Send(whole("cheap", 1)), "judge: the answer has no log-probabilities"},
		"in the pieces, unsure": {llmtest.Send(logprobs(llmtest.Chunk("che"), -0.5), logprobs(llmtest.Chunk("ap"), -1.5), whole("cheap", 1)), "judge: confidence 0.367 below 0.8"},
		"in the pieces, sure":   {llmtest.Send(logprobs(llmtest.Chunk("che"), -0.1), logprobs(llmtest.Chunk("ap"), -0.1), whole("cheap", 1)), ""},
		"not a number":          {llmtest.Send(logprobs(whole("cheap", 1), float32(math.NaN()))), "judge: the answer has no log-probabilities"},
	} {
		t.Run(name, func(t *testing.T) {
			got, record := judgedBy(t.Context(), cascade.JudgeLogProbs(true), test.step, true)
			want := []string{"flash failed: " + test.reason, "pro ok"}
			if test.reason == "" {
				want = []string{"flash ok"}
			}
			if diff := cmp.Diff(want, attempts(record)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.Final.LogprobsResult != nil || got.Final.AvgLogprobs != 0 {
				t.Error("the answer has log-probabilities that only the cascade has asked for")
			}
		})
	}
}

// Log-probabilities that only the cascade has asked for are in no response, nor is their
// average, whether the answer is accepted or stands.
func TestLogProbsAreRemoved(t *testing.T) {
	pieces := llmtest.Send(logprobs(llmtest.Chunk("che"), -0.1), logprobs(llmtest.Chunk("ap"), -0.1), whole("cheap", 1))
	average := llmtest.Send(logprobs(llmtest.Chunk("cheap"), -0.1), averaging(whole("cheap", 1), -0.1))
	for name, step := range map[string]llmtest.Step{"pieces": pieces, "average": average} {
		for _, threshold := range []float64{0.8, 1} { // accepted, and stands
			for _, hold := range []bool{false, true} {
				for _, callers := range []bool{false, true} {
					config := cascade.Config{Judges: []cascade.Judge{cascade.JudgeLogProbs(true)}, Threshold: threshold, Hold: hold}
					m := cascade.MustNew(config, llmtest.NewModel("flash", step), llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota)))
					req := llmtest.UserSays("hi")
					req.Config = &genai.GenerateContentConfig{ResponseLogprobs: callers}
					seen, final := false, false
					for resp, err := range m.GenerateContent(t.Context(), req, true) {
						if err != nil {
							t.Fatal(err)
						}
						seen = seen || resp.LogprobsResult != nil || resp.AvgLogprobs != 0
						final = final || !resp.Partial && resp.AvgLogprobs != 0
					}
					if seen != callers || final != callers {
						t.Errorf("%s, threshold %v, hold %t: log-probabilities seen: %t, in the final response: %t, want %t", name, threshold, hold, seen, final, callers)
					}
				}
			}
		}
	}
}

// Log-probabilities are asked for where the target takes them, and stay in the answer if
// the caller asks for them too.
func TestLogProbsAreAskedFor(t *testing.T) {
	no := false
	for name, test := range map[string]struct {
		ask, callers bool
		takes        *bool
		want         bool
	}{
		"asked":            {true, false, nil, true},
		"not asked":        {false, false, nil, false},
		"not taken":        {true, false, &no, false},
		"the caller's own": {true, true, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			cheap := llmtest.NewModel("flash", llmtest.Send(logprobs(whole("cheap", 1), -0.1)))
			target := router.Describe(cheap, router.Traits{Target: provider.Target{Takes: provider.Takes{Logprobs: test.takes}}})
			m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeLogProbs(test.ask)}}, target, llmtest.NewModel("pro", llmtest.Text("strong")))
			req := llmtest.UserSays("hi")
			if test.callers {
				req.Config = &genai.GenerateContentConfig{ResponseLogprobs: true}
			}
			got := llmtest.Collect(m.GenerateContent(t.Context(), req, false))
			if config := cheap.Requests()[0].Config; (config != nil && config.ResponseLogprobs) != test.want {
				t.Errorf("log-probabilities asked for: %t, want %t", !test.want, test.want)
			}
			if kept := got.Final.LogprobsResult != nil; kept != (test.callers || !test.ask) {
				t.Errorf("log-probabilities in the answer: %t", kept)
			}
		})
	}
}
