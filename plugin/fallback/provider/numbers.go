package provider

import (
	"fmt"
	"math"
)

// wholeTopK: top_k is an integer for Gemini (ai.google.dev/api/generate-content,
// GenerationConfig), as it is for the others, whose adapters cut off fractions.
func (f *fitting) wholeTopK() {
	k := f.req.Config.TopK
	if k == nil || !f.isGemini() {
		return
	}
	if whole := float32(math.Trunc(float64(*k))); whole != *k {
		f.edit().TopK = &whole
		f.note(fmt.Sprintf("top_k: %d", int(whole)))
	}
}

// maxLogprobs is how many alternatives of a token Gemini gives, from 1. It asks for
// responseLogprobs beside them: ai.google.dev/api/generate-content, GenerationConfig.
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
