package request

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
)

// SkipSignature stands for a missing thought signature. Gemini 3 models refuse
// a function call of the current turn without a signature, and accept this in
// its place for calls that another model made.
// https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
const SkipSignature = "skip_thought_signature_validator"

// Adapt makes Gemini's signatures in contents, which must be a copy, fit target.
// Such a signature is bound to the model that made it: foreign says that those
// in contents are of another model than target, and removes them. Calls of the
// current turn that then lack one get [SkipSignature] if target asks for it.
// Signatures that [Seal] made tell whose they are and stay.
func Adapt(contents []*genai.Content, target string, foreign bool) {
	if foreign {
		for _, content := range contents {
			stripSignatures(content)
		}
	}
	if needsSignature(target) {
		for _, part := range unsignedCalls(contents) {
			part.ThoughtSignature = []byte(SkipSignature)
		}
	}
}

// DropSignatures removes Gemini's thought signatures of an answer that is not of
// the turn's own model: the session would hand them to that model later. What
// resp points to may be shared, so it is replaced, not changed.
func DropSignatures(resp *model.LLMResponse) {
	content := resp.Content
	if content == nil || !slices.ContainsFunc(content.Parts, isSigned) {
		return
	}
	resp.Content = clone.Contents([]*genai.Content{content})[0]
	stripSignatures(resp.Content)
}

func isSigned(p *genai.Part) bool { return p != nil && len(p.ThoughtSignature) > 0 && !isSealed(p) }

func stripSignatures(content *genai.Content) {
	if content == nil {
		return
	}
	for _, part := range content.Parts {
		if isSigned(part) {
			part.ThoughtSignature = nil
		}
	}
}

// LacksSignature tells whether target would refuse contents for want of a
// signature.
func LacksSignature(contents []*genai.Content, target string) bool {
	return needsSignature(target) && len(unsignedCalls(contents)) > 0
}

// unsignedCalls returns the first function call of each step of the current
// turn that has no signature: of parallel calls only the first carries one.
// The current turn is what follows the user's last own words.
func unsignedCalls(contents []*genai.Content) []*genai.Part {
	var unsigned []*genai.Part
	for _, content := range slices.Backward(contents) {
		if isUserMessage(content) {
			break
		}
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if part != nil && part.FunctionCall != nil {
				if len(part.ThoughtSignature) == 0 {
					unsigned = append(unsigned, part)
				}
				break
			}
		}
	}
	return unsigned
}

// isUserMessage tells the user's own words from the results of tools, which
// have the user's role too.
func isUserMessage(content *genai.Content) bool {
	if content == nil || content.Role != genai.RoleUser {
		return false
	}
	return !slices.ContainsFunc(content.Parts, func(p *genai.Part) bool {
		return p != nil && p.FunctionResponse != nil
	})
}

// needsSignature tells whether model is a Gemini of generation 3 or later. The
// "latest" aliases count as such: they moved to generation 3, and older models
// ignore the placeholder.
func needsSignature(model string) bool {
	_, version, found := strings.Cut(model, "gemini-")
	if !found {
		return false
	}
	if strings.HasSuffix(version, "-latest") {
		return true
	}
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	major, err := strconv.Atoi(version[:end])
	return err == nil && major >= 3
}
