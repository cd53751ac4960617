package request

import (
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

func isText(p *genai.Part) bool { return p != nil && !p.Thought && p.Text != "" }

// Text returns the text in content, without thoughts.
func Text(content *genai.Content) string {
	if content == nil {
		return ""
	}
	if len(content.Parts) == 1 && isText(content.Parts[0]) {
		return content.Parts[0].Text
	}
	var text strings.Builder
	for _, part := range content.Parts {
		if isText(part) {
			text.WriteString(part.Text)
		}
	}
	return text.String()
}

// IsForText reports whether req asks for plain text: neither for JSON, with or without a schema,
// nor for another format.
func IsForText(req *model.LLMRequest) bool {
	c := req.Config
	return c == nil || c.ResponseSchema == nil && c.ResponseJsonSchema == nil &&
		(c.ResponseMIMEType == "" || strings.HasPrefix(c.ResponseMIMEType, "text/plain"))
}

// foreignEvent begins a content of the user's role in which ADK tells an agent what
// another agent said.
const foreignEvent = "For context:"

// Question returns the user's last message in contents, trimmed, or "".
func Question(contents []*genai.Content) string {
	for _, c := range slices.Backward(contents) {
		if c == nil || c.Role != genai.RoleUser || isForeign(c) {
			continue
		}
		if text := strings.TrimSpace(Text(c)); text != "" {
			return text
		}
	}
	return ""
}

func isForeign(c *genai.Content) bool {
	return len(c.Parts) > 0 && c.Parts[0] != nil && c.Parts[0].Text == foreignEvent
}

// BeginsTurn reports whether content is a message of the user's own: neither results of
// tools nor what another agent said.
func BeginsTurn(content *genai.Content) bool {
	return isUserMessage(content) && !isEmptyContent(content) && !isForeign(content)
}

// WithText returns a partial response with rest in the place of its text, whose end
// rest is or ends with, or nil if there is nothing else in it.
func WithText(resp *model.LLMResponse, rest string) *model.LLMResponse {
	left := len(rest)
	if resp.Content == nil || left == len(Text(resp.Content)) {
		return resp
	}
	content := &genai.Content{Role: resp.Content.Role}
	for _, part := range slices.Backward(resp.Content.Parts) {
		if isText(part) {
			n := min(left, len(part.Text))
			left -= n
			if n == 0 {
				continue
			}
			end := *part
			end.Text = part.Text[len(part.Text)-n:]
			part = &end
		}
		content.Parts = append(content.Parts, part)
	}
	if len(content.Parts) == 0 && left == 0 {
		return nil
	}
	slices.Reverse(content.Parts)
	changed := *resp
	changed.Content = Prepended(content, rest[:left])
	return &changed
}

// Whole returns the final ones among the responses of a call as one, nil if there is none: the last,
// with the parts of all, which it shares. A model may send a text and the call that follows it apart.
func Whole(responses []*model.LLMResponse) *model.LLMResponse {
	var last *model.LLMResponse
	var contents []*genai.Content
	for _, resp := range responses {
		if resp.Partial {
			continue
		}
		if last = resp; resp.Content != nil {
			contents = append(contents, resp.Content)
		}
	}
	if len(contents) == 0 || len(contents) == 1 && contents[0] == last.Content {
		return last
	}
	own := *last
	own.Content = &genai.Content{Role: contents[0].Role}
	for _, content := range contents {
		own.Content.Parts = append(own.Content.Parts, content.Parts...)
	}
	return &own
}

// Prepended returns content with text in front of its own, after thoughts.
func Prepended(content *genai.Content, text string) *genai.Content {
	if text == "" {
		return content
	}
	if content == nil {
		return genai.NewContentFromText(text, genai.RoleModel)
	}
	changed := &genai.Content{Role: content.Role, Parts: slices.Clone(content.Parts)}
	at := slices.IndexFunc(changed.Parts, func(p *genai.Part) bool { return p != nil && !p.Thought })
	switch {
	case at < 0:
		changed.Parts = append(changed.Parts, &genai.Part{Text: text})
	case isText(changed.Parts[at]):
		first := *changed.Parts[at]
		first.Text = text + first.Text
		changed.Parts[at] = &first
	default:
		changed.Parts = slices.Insert(changed.Parts, at, &genai.Part{Text: text})
	}
	return changed
}

// CallsFunction reports whether content calls a function of the application. Tools that
// the provider runs itself do not count: their results are part of the same answer.
func CallsFunction(content *genai.Content) bool {
	return content != nil && slices.ContainsFunc(content.Parts, isCall)
}

// HasContent tells whether content has anything to show: text, also thoughts, a
// call or data.
func HasContent(content *genai.Content) bool {
	if content == nil {
		return false
	}
	for _, p := range content.Parts {
		if p != nil && (p.Text != "" || p.FunctionCall != nil || p.FunctionResponse != nil || p.InlineData != nil ||
			p.FileData != nil || p.ExecutableCode != nil || p.CodeExecutionResult != nil || p.ToolCall != nil || p.ToolResponse != nil ||
			p.AudioTranscription != nil) {
			return true
		}
	}
	return false
}

// SaysJSON reports whether text has the word JSON, in any case. OpenAI's APIs refuse a request
// for JSON without a schema if no text of its input does.
func SaysJSON(text string) bool {
	const word = "json"
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == 'j' && strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// OnlyText returns the text of a tool's result that has only a text, under one of keys. Within JSON, its quotes and
// line breaks would be escaped. The key is "output" in the Gemini API (genai.FunctionResponse), and "result" in ADK's
// function tools.
func OnlyText(result map[string]any, keys ...string) (text string, ok bool) {
	if len(result) != 1 {
		return "", false
	}
	for _, key := range keys {
		if text, ok = result[key].(string); ok {
			return text, true
		}
	}
	return "", false
}
