package provider

import (
	"fmt"
	"math"
)

// wholeTopK cuts off the fraction of top_k for Gemini, where it is an integer from 1
// (ai.google.dev/api/generate-content, GenerationConfig). The other adapters do that for
// their own APIs.
func (f *fitting) wholeTopK() {
	k := f.req.Config.TopK
	if k == nil || !f.isGemini() {
		return
	}
	if whole := max(1, float32(math.Trunc(float64(*k)))); *k > 0 && whole != *k {
		f.edit().TopK = &whole
		f.note(fmt.Sprintf("top_k: %d", int(whole)))
	}
}

// maxLogprobs is the most alternatives of a token that Gemini returns; the fewest is 1.
// They require responseLogprobs: ai.google.dev/api/generate-content, GenerationConfig.
const maxLogprobs = 20

// topLogprobs brings the number of alternatives into Gemini's range. The other adapters do
// that for their own APIs.
func (f *fitting) topLogprobs() {
	n := f.req.Config.Logprobs
	switch {
	case n == nil || !f.isGemini():
	case !f.req.Config.ResponseLogprobs, *n < 1:
		f.edit().Logprobs = nil
		f.note("top_logprobs")
	case *n > maxLogprobs:
		most := int32(maxLogprobs)
		f.edit().Logprobs = &most
		f.note(fmt.Sprintf("top_logprobs: %d", maxLogprobs))
	}
}
