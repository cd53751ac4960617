package price

import "google.golang.org/genai"

// The days (year-month-day) on which the list was last compared with its sources. A model that was added later has figures of the
// day on which it was added.
const (
	SnapshotDate = "2026-11-18" // prices
	WindowDate   = "2026-11-28" // windows
)

// Rates are US dollars per million tokens.
type Rates struct {
	Input  float64
	Cached float64 // input tokens read from the provider's cache; 0 means that they cost as much as others
	Output float64 // thinking included
}

// Price is what a model costs. The zero value is a free model; Of never returns it.
type Price struct {
	Rates

	// Long holds for the whole of a request with more than LongAbove input tokens, cached ones included.
	// LongAbove 0 means that Rates hold for any length.
	Long      Rates
	LongAbove int

	Source string // URL of the price's page; "" if it is not from the list
}

// Cost returns US dollars for a request of input tokens, cached of which came from the provider's cache, that was answered
// with output tokens. The tier for long requests is used where there is one and input is above its threshold. Negative
// counts count as 0, and no more is cached than was sent.
func (p Price) Cost(input, cached, output int) float64 {
	input, output = max(input, 0), max(output, 0)
	cached = min(max(cached, 0), input)
	r := p.Rates
	if p.LongAbove > 0 && input > p.LongAbove {
		r = p.Long
	}
	if r.Cached == 0 {
		r.Cached = r.Input
	}
	const million = 1e6
	return (float64(input-cached)*r.Input + float64(cached)*r.Cached + float64(output)*r.Output) / million
}

// CostOf returns US dollars for what a model reported; thoughts count as output, the results of the provider's own tools as
// input (https://ai.google.dev/gemini-api/docs/tokens). Of a total without its parts, all counts as output, the dearest. nil
// costs nothing.
func (p Price) CostOf(usage *genai.GenerateContentResponseUsageMetadata) float64 {
	if usage == nil {
		return 0
	}
	input := int(usage.PromptTokenCount) + int(usage.ToolUsePromptTokenCount)
	output := int(usage.CandidatesTokenCount) + int(usage.ThoughtsTokenCount)
	if input == 0 && output == 0 {
		output = int(usage.TotalTokenCount)
	}
	return p.Cost(input, int(usage.CachedContentTokenCount), output)
}
