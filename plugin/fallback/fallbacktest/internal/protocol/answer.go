package protocol

import (
	"strings"

	"google.golang.org/genai"
)

// Answer is what a model says, in genai's terms but in no protocol's encoding.
type Answer struct {
	Parts         []*genai.Part // each is one event of a stream; none is nil
	Finish        genai.FinishReason
	NoFinish      bool
	NoCandidate   bool
	Blocked       genai.BlockedReason
	MetadataFirst bool
	Usage         *Usage // nil: counted
	Version       string // empty: the name of the model asked
	Strict        bool   // the server is strict: thoughts are signed, so that foreign ones can be told
}

// Usage counts tokens.
type Usage struct{ Prompt, Output int }

// FinishReason returns the finish reason, empty if there is none.
func (a Answer) FinishReason() genai.FinishReason {
	switch {
	case a.NoFinish:
		return ""
	case a.Finish == "":
		return genai.FinishReasonStop
	}
	return a.Finish
}

// VersionFor returns the version of the model that answers req.
func (a Answer) VersionFor(req *Request) string {
	if a.Version != "" {
		return a.Version
	}
	return req.Model
}

// UsageFor counts the tokens of the request and of the first n parts.
func (a Answer) UsageFor(req *Request, n int) Usage {
	if a.Usage == nil {
		prompt := 0
		for _, c := range req.Contents {
			if c != nil {
				prompt += countTokens(c.Parts)
			}
		}
		return Usage{Prompt: prompt, Output: countTokens(a.Parts[:n])}
	}
	if n == len(a.Parts) {
		return *a.Usage
	}
	return Usage{Prompt: a.Usage.Prompt, Output: a.Usage.Output * n / len(a.Parts)}
}

func countTokens(parts []*genai.Part) int {
	n := 0
	for _, p := range parts {
		if p == nil { // a client may send null
			continue
		}
		n += len(strings.Fields(p.Text))
		if p.FunctionCall != nil {
			n++
		}
	}
	return n
}

// Joined merges neighbouring texts of the same sort, as a unary answer has them.
func Joined(parts []*genai.Part) []*genai.Part {
	var out []*genai.Part
	for _, p := range parts {
		if n := len(out) - 1; n >= 0 && IsText(p) && IsText(out[n]) && p.Thought == out[n].Thought && len(out[n].ThoughtSignature) == 0 {
			merged := *out[n]
			merged.Text += p.Text
			merged.ThoughtSignature = p.ThoughtSignature
			out[n] = &merged
			continue
		}
		out = append(out, p)
	}
	return out
}

// IsText reports whether p is a text, of an answer or a thought.
func IsText(p *genai.Part) bool { return p.Text != "" && p.FunctionCall == nil }

// Arguments encodes a call's arguments. An answer that ran out of tokens, or that
// is finished as malformed, has them cut off, as models leave them.
func (a Answer) Arguments(call *genai.FunctionCall) string {
	args := "{}"
	if len(call.Args) > 0 {
		args = string(Encode(call.Args))
	}
	switch a.Finish {
	case genai.FinishReasonMaxTokens, genai.FinishReasonMalformedFunctionCall:
		return args[:len(args)/2]
	}
	return args
}

// ReasoningTokens counts the thoughts, which OpenAI counts among the output.
func (a Answer) ReasoningTokens(u Usage) int {
	n := 0
	for _, p := range a.Parts {
		if p.Thought {
			n += countTokens([]*genai.Part{p})
		}
	}
	return min(n, u.Output)
}
