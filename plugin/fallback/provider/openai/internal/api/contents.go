package api

import (
	"strings"

	"google.golang.org/genai"
)

// StartWords stand in for a user's message where there is none: the API refuses
// an empty input. ADK's Gemini model does the same.
const StartWords = "Handle the requests as specified in the system instruction."

// Instruction returns the text of a system instruction.
func Instruction(content *genai.Content) string {
	if content == nil {
		return ""
	}
	var texts []string
	for _, part := range content.Parts {
		if part != nil && part.Text != "" && !part.Thought {
			texts = append(texts, part.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// OwnWords returns the index of the user's last own words in contents: what
// follows is the current turn. The results of tools have the user's role too, but
// are not the user's words, nor is media that was moved from them to the content
// after them.
func OwnWords(contents []*genai.Content) int {
	for i := len(contents) - 1; i >= 0; i-- {
		c := contents[i]
		if c == nil || c.Role == genai.RoleModel || hasResponse(c) {
			continue
		}
		if i > 0 && contents[i-1] != nil && hasResponse(contents[i-1]) && !hasText(c) {
			continue
		}
		return i
	}
	return -1
}

func hasText(c *genai.Content) bool {
	for _, part := range c.Parts {
		if part != nil && part.Text != "" {
			return true
		}
	}
	return false
}

func hasResponse(c *genai.Content) bool {
	for _, part := range c.Parts {
		if part != nil && part.FunctionResponse != nil {
			return true
		}
	}
	return false
}
