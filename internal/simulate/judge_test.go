package simulate_test

import (
	"testing"
)

// A cascade judges the cheap model's answers by its log-probabilities, its statement, or the grade
// that another model gives. Errors of the judge are wrong answers that are kept, and calls of the
// strong model that are not needed.
func TestCascadesAreJudged(t *testing.T) {
	const (
		models = "length: 10m\ntraffic: {rps: 5}\nmodels: {primary: {wrong: 4%, price: {input: 10, output: 10}}, lite: {wrong: 30%, judges: 90%, price: {input: 1, output: 1}}}\n"
		prices = "models: {flash: {price: {input: 10, output: 10}}, lite: {price: {input: 1, output: 1}}}\n"
	)
	for name, test := range map[string]struct {
		judge               string
		wrong, escalated    float64
		requests, wrongBare float64
	}{
		// 30 % × 90 % + 70 % × 10 % go to the strong model, which answers 4 % wrongly: those
		// that were noticed stay wrong. 3 % are not noticed.
		"logprobs": {"judge: logprobs", 0.04*0.9 + 0.3*0.1, 0.34, 1.34, 0.04},
		"stated":   {"judge: stated", 0.04*0.9 + 0.3*0.1, 0.34, 1.34, 0.04},
		// The grader can tell of all answers.
		"grader": {"grader: pro", 0.04, 0.30, 2.30, 0.04},
	} {
		t.Run(name, func(t *testing.T) {
			r := simulated(t, models, 1e6, "primary: flash\n"+prices+"cascade: {model: lite, confidence: 75%, "+test.judge+"}\n")
			with, without := r.Runs[0], r.Runs[1]
			if !near(with.Wrong, test.wrong, 0.01) || !near(without.Wrong, test.wrongBare, 0.01) {
				t.Errorf("%.3f wrong with and %.3f without the cascade, want about %.3f and %.3f", with.Wrong, without.Wrong, test.wrong, test.wrongBare)
			}
			if !near(with.Amplification, test.requests, 0.03) || with.Available != 1 {
				t.Errorf("%.3f requests for each call and %.3f available, want about %.2f and 1", with.Amplification, with.Available, test.requests)
			}
			for _, m := range with.Models {
				if got := float64(m.Requests) / float64(r.Sampling.Calls); m.Name == "flash" && !near(got, test.escalated, 0.03) {
					t.Errorf("the strong model gets %.3f of the calls, want about %.2f", got, test.escalated)
				}
			}
		})
	}
}

// A grader judges the answer that it is given, and not the preview of it.
func TestPreviewsAreNotGraded(t *testing.T) {
	const models = "length: 10m\ntraffic: {rps: 5}\nmodels: {primary: {wrong: 4%}, pro: {wrong: 30%}, lite: {wrong: 100%}}\n"
	r := simulated(t, models, 1e6, "primary: flash\ncascade: {model: pro, grader: lite}\npreview: {model: lite}\n")
	for _, m := range r.Runs[0].Models {
		if got := float64(m.Requests) / float64(r.Sampling.Calls); m.Name == "flash" && !near(got, 0.30, 0.03) {
			t.Errorf("the strong model gets %.3f of the calls, want about 0.30", got)
		}
	}
}

// Hits are counted, and a wrong answer from the cache counts as wrong.
func TestHitsAreCounted(t *testing.T) {
	r := simulated(t, "length: 20m\ntraffic: {rps: 5, questions: 100}\nmodels: {primary: {wrong: 50%}}\n", 1e6, "primary: flash\ncache: {ttl: 1h}\n")
	with, without := r.Runs[0], r.Runs[1]
	if !near(with.Cached, 1-with.Amplification, 0.001) || with.Cached < 0.9 || without.Cached != 0 {
		t.Errorf("%.3f cached at %.3f requests for each call, and %.3f without a cache", with.Cached, with.Amplification, without.Cached)
	}
	if with.Wrong != without.Wrong || with.Wrong < 0.2 {
		t.Errorf("%.3f wrong with and %.3f without a cache, want the same", with.Wrong, without.Wrong)
	}
}
