package request

import (
	"slices"
	"strings"

	"google.golang.org/genai"
)

// Neutral is in a history where nothing was answered: a model that reads a placeholder
// as its own words repeats it.
const Neutral = "[No answer was given to this message.]"

// said is between the name of another agent and its text, where ADK quotes it to an
// agent.
const said = "] said: "

// WithoutTexts returns contents in which [Neutral] stands for each answer whose text is
// one of texts, also where ADK quotes the answer to another agent. It returns contents
// itself if there is none. Nothing that contents refers to is changed.
func WithoutTexts(contents []*genai.Content, texts map[string]bool) []*genai.Content {
	own := contents
	for i, content := range contents {
		changed := withoutTexts(content, texts)
		if changed == content {
			continue
		}
		if &own[0] == &contents[0] {
			own = slices.Clone(contents)
		}
		own[i] = changed
	}
	return own
}

func withoutTexts(content *genai.Content, texts map[string]bool) *genai.Content {
	switch {
	case content == nil:
	case content.Role == genai.RoleModel && texts[Text(content)] && !slices.ContainsFunc(content.Parts, isMore):
		return genai.NewContentFromText(Neutral, genai.RoleModel)
	case content.Role == genai.RoleUser && isForeign(content):
		return withoutQuotes(content, texts)
	}
	return content
}

// isMore reports whether a part is neither a text nor empty. No placeholder has one.
func isMore(p *genai.Part) bool { return !isEmpty(p) && !isText(p) }

// withoutQuotes does for a content that quotes another agent what [WithoutTexts] does.
func withoutQuotes(content *genai.Content, texts map[string]bool) *genai.Content {
	own := content
	for i, part := range content.Parts {
		if part == nil {
			continue
		}
		agent, text, quoted := strings.Cut(part.Text, said)
		if !quoted || !texts[text] {
			continue
		}
		if own == content {
			own = &genai.Content{Role: content.Role, Parts: slices.Clone(content.Parts)}
		}
		own.Parts[i] = &genai.Part{Text: agent + said + Neutral}
	}
	return own
}
