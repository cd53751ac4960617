package request

import (
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// HasThoughts reports whether contents hold thoughts.
func HasThoughts(contents []*genai.Content) bool {
	return slices.ContainsFunc(contents, hasThought)
}

func hasThought(content *genai.Content) bool {
	return content != nil && slices.ContainsFunc(content.Parts, isThought)
}

func isThought(p *genai.Part) bool { return p != nil && p.Thought }

// WithoutThoughts returns contents without thoughts, and without contents that
// were nothing else. It writes to nothing that contents point to.
func WithoutThoughts(contents []*genai.Content) []*genai.Content {
	return without(contents, isThought)
}

// DropSealed removes from an answer the thoughts that an adapter of this module
// has sealed, and the seals on other parts. It is for an answer that will be sent to
// a model that is called without such an adapter. It replaces what resp points to.
func DropSealed(resp *model.LLMResponse) {
	if resp.Content == nil || !slices.ContainsFunc(resp.Content.Parts, isSealed) {
		return
	}
	content := *resp.Content
	content.Parts = nil
	for _, part := range resp.Content.Parts {
		switch {
		case !isSealed(part):
			content.Parts = append(content.Parts, part)
		case !part.Thought:
			bare := *part
			bare.ThoughtSignature = nil
			content.Parts = append(content.Parts, &bare)
		}
	}
	resp.Content = &content
}

func isSealed(p *genai.Part) bool { return p != nil && VendorOf(p.ThoughtSignature) != "" }

// without returns contents without the parts that drop names; contents itself
// if there are none.
func without(contents []*genai.Content, drop func(*genai.Part) bool) []*genai.Content {
	if !slices.ContainsFunc(contents, func(c *genai.Content) bool { return c != nil && slices.ContainsFunc(c.Parts, drop) }) {
		return contents
	}
	kept := make([]*genai.Content, 0, len(contents))
	for _, content := range contents {
		if content == nil || !slices.ContainsFunc(content.Parts, drop) {
			kept = append(kept, content)
			continue
		}
		rest := *content
		rest.Parts = slices.DeleteFunc(slices.Clone(content.Parts), drop)
		if len(rest.Parts) > 0 {
			kept = append(kept, &rest)
		}
	}
	return kept
}
