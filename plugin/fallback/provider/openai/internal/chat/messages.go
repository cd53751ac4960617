package chat

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// The texts of messages that are added because a server requires one.
const (
	betweenWords  = "OK."
	continueWords = "Continue."
)

// messages writes the instruction and the conversation.
func (e *encoder) messages(system *genai.Content, contents []*genai.Content) error {
	contents = request.Pair(contents, e.dialect.callID)
	turn := api.OwnWords(contents)
	e.body.Messages = make([]openaiwire.ChatMessage, 0, len(contents)+2)
	if text := api.Instruction(system); text != "" {
		e.body.Messages = append(e.body.Messages, openaiwire.ChatMessage{Role: e.dialect.instructions(), Content: openaiwire.ChatContent{Text: text}})
	}
	instructions := len(e.body.Messages)
	for i, content := range contents {
		if content == nil {
			continue
		}
		var err error
		if content.Role == genai.RoleModel {
			err = e.model(content, i > turn)
		} else {
			err = e.user(content)
		}
		if err != nil {
			return err
		}
	}
	if len(e.body.Messages) == instructions {
		e.add(openaiwire.ChatMessage{Role: "user", Content: openaiwire.ChatContent{Text: api.StartWords}})
	}
	if last := e.body.Messages[len(e.body.Messages)-1]; last.Role == "assistant" && e.dialect.endsWithUser {
		e.add(openaiwire.ChatMessage{Role: "user", Content: openaiwire.ChatContent{Text: continueWords}})
	}
	return nil
}

// instructions returns the role of the system instruction.
func (d *dialect) instructions() string {
	if d.developer {
		return "developer"
	}
	return "system"
}

// instruct adds a text to the instruction.
func (e *encoder) instruct(text string) {
	role := e.dialect.instructions()
	if len(e.body.Messages) > 0 && e.body.Messages[0].Role == role {
		e.body.Messages[0].Content.Text += "\n\n" + text
		return
	}
	e.body.Messages = slices.Insert(e.body.Messages, 0, openaiwire.ChatMessage{Role: role, Content: openaiwire.ChatContent{Text: text}})
}

// add appends a message in the order that the server demands.
func (e *encoder) add(message openaiwire.ChatMessage) {
	if n := len(e.body.Messages); n > 0 && e.dialect.noUserAfterTool && message.Role == "user" && e.body.Messages[n-1].Role == "tool" {
		e.body.Messages = append(e.body.Messages, openaiwire.ChatMessage{Role: "assistant", Content: openaiwire.ChatContent{Text: betweenWords}})
	}
	e.body.Messages = append(e.body.Messages, message)
}

// model writes what the model said: one message. current says that it belongs to
// the current turn.
func (e *encoder) model(content *genai.Content, current bool) error {
	message := openaiwire.ChatMessage{Role: "assistant"}
	var text strings.Builder
	var thoughts []*genai.Part // several if steps were merged
	var media []openaiwire.ChatPart
	for _, part := range content.Parts {
		switch {
		case part == nil:
		case part.FunctionCall != nil:
			call, err := e.call(part)
			if err != nil {
				return err
			}
			if e.dialect.geminiThoughts {
				call.ExtraContent = e.geminiSignature(part.ThoughtSignature, current && len(message.ToolCalls) == 0)
			}
			message.ToolCalls = append(message.ToolCalls, call)
		case part.Thought:
			if _, own := request.Unseal(e.m.vendor(), part.ThoughtSignature); own {
				thoughts = append(thoughts, part)
			}
		case part.Text != "":
			text.WriteString(part.Text)
		default:
			one, ok, err := e.media(part)
			if err != nil {
				return err
			}
			if ok {
				media = append(media, one)
			}
		}
	}
	e.thoughts(&message, thoughts, current)
	message.Content = openaiwire.ChatContent{Text: text.String(), Null: text.Len() == 0}
	if text.Len() > 0 || len(message.ToolCalls) > 0 {
		e.add(message)
	}
	switch { // an assistant's message takes no media
	case len(media) == 0:
	case len(message.ToolCalls) > 0:
		e.pending = append(e.pending, media...) // the results come first
	default:
		e.add(openaiwire.ChatMessage{Role: "user", Content: contentOf(media)})
	}
	return nil
}

// thoughts adds to a message the thoughts that precede it, in their order, if the
// server expects them back.
func (e *encoder) thoughts(message *openaiwire.ChatMessage, parts []*genai.Part, current bool) {
	switch e.dialect.thoughts {
	case reasoningContent:
		if len(message.ToolCalls) > 0 {
			message.ReasoningContent = textOfParts(parts)
		}
	case reasoningDetails:
		if !current {
			return
		}
		var blocks [][]byte
		var bare []*genai.Part // thoughts that came as text alone
		for _, part := range parts {
			details, _ := request.Unseal(e.m.vendor(), part.ThoughtSignature)
			var list []json.RawMessage
			if json.Unmarshal(details, &list) == nil && len(list) > 0 {
				for _, block := range list {
					blocks = append(blocks, block)
				}
			} else if part.Text != "" {
				bare = append(bare, part)
			}
		}
		if len(blocks) > 0 {
			message.ReasoningDetails = slices.Concat([]byte("["), bytes.Join(blocks, []byte(",")), []byte("]"))
		}
		if len(bare) > 0 {
			message.Reasoning = textOfParts(bare)
		}
	}
}

// textOfParts returns the texts of parts as paragraphs.
func textOfParts(parts []*genai.Part) *string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.Text
	}
	text := strings.Join(texts, "\n\n")
	return &text
}

// call writes a call. Its arguments are always the text of an object.
func (e *encoder) call(part *genai.Part) (openaiwire.ChatToolCall, error) {
	args, err := api.CallArguments(part.FunctionCall)
	if err != nil {
		return openaiwire.ChatToolCall{}, err
	}
	return openaiwire.ChatToolCall{ID: part.FunctionCall.ID, Function: openaiwire.ChatFunction{
		Name: e.names.Wire(part.FunctionCall.Name), Arguments: args,
	}}, nil
}

// skipSignature stands for the signature that Gemini 3 demands of the first call
// of each step of the current turn; see [request.SkipSignature].
const skipSignature = `{"google":{"thought_signature":"` + request.SkipSignature + `"}}`

// geminiSignature returns the extra content that a call came with.
func (e *encoder) geminiSignature(signature []byte, demanded bool) json.RawMessage {
	extra, own := request.Unseal(e.m.vendor(), signature)
	switch {
	case own && json.Valid(extra):
		return extra
	case demanded:
		return json.RawMessage(skipSignature)
	}
	return nil
}

// user writes what a user or the tools said: a message for each result, then one
// with the rest and with the media of the calls and results, which the messages of
// model and tool cannot hold.
func (e *encoder) user(content *genai.Content) error {
	parts := e.pending
	e.pending = nil
	for _, part := range content.Parts {
		switch {
		case part == nil:
		case part.FunctionResponse != nil:
			media, err := e.result(part.FunctionResponse)
			if err != nil {
				return err
			}
			parts = append(parts, media...)
		case part.Text != "":
			if !part.Thought {
				parts = append(parts, openaiwire.ChatPart{Type: "text", Text: part.Text})
			}
		default:
			media, ok, err := e.media(part)
			if err != nil {
				return err
			}
			if ok {
				parts = append(parts, media)
			}
		}
	}
	if len(parts) > 0 {
		e.add(openaiwire.ChatMessage{Role: "user", Content: contentOf(parts)})
	}
	return nil
}

// contentOf returns parts as a content: a text, which every server takes, where
// they are nothing else.
func contentOf(parts []openaiwire.ChatPart) openaiwire.ChatContent {
	if len(parts) == 1 && parts[0].Type == "text" {
		return openaiwire.ChatContent{Text: parts[0].Text}
	}
	texts := make([]string, len(parts))
	for i := range parts {
		if parts[i].Type != "text" {
			return openaiwire.ChatContent{Parts: parts}
		}
		texts[i] = parts[i].Text
	}
	return openaiwire.ChatContent{Text: strings.Join(texts, "\n")}
}

// result writes the result of a call, and returns the media in it.
func (e *encoder) result(response *genai.FunctionResponse) (media []openaiwire.ChatPart, err error) {
	text, err := api.ResultText(response)
	if err != nil {
		return nil, err
	}
	e.add(openaiwire.ChatMessage{Role: "tool", ToolCallID: response.ID, Content: openaiwire.ChatContent{Text: text}})
	for _, part := range response.Parts {
		if part == nil {
			continue
		}
		one, ok, err := e.media(api.MediaOf(part))
		if err != nil {
			return nil, err
		}
		if ok {
			media = append(media, one)
		}
	}
	return media, nil
}
