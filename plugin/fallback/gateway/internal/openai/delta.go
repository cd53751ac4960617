package openai

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

func partsOf(resp *model.LLMResponse) []*genai.Part {
	if resp.Content == nil {
		return nil
	}
	return resp.Content.Parts
}

// deltaOf returns parts as a piece of a message. It numbers the calls. It returns an error if the
// arguments of a call have no JSON.
func deltaOf(parts []*genai.Part) (delta openaiwire.ChatDelta, err error) {
	var text strings.Builder
	var images []openaiwire.ChatPart
	for _, part := range parts {
		switch {
		case part == nil:
		case part.FunctionCall != nil:
			one, err := callOf(part, len(delta.ToolCalls))
			if err != nil {
				return delta, err
			}
			delta.ToolCalls = append(delta.ToolCalls, one)
		case part.Thought:
			delta.ReasoningContent += part.Text
		case part.InlineData != nil:
			images = append(images, openaiwire.ChatPart{Type: "image_url", ImageURL: &openaiwire.ChatImage{
				URL: "data:" + part.InlineData.MIMEType + ";base64," + base64.StdEncoding.EncodeToString(part.InlineData.Data),
			}})
		default:
			text.WriteString(part.Text)
		}
	}
	if text.Len() > 0 {
		content := text.String()
		delta.Content = &content
	}
	if images != nil {
		delta.Images = openaiwire.AppendParts(nil, images)
	}
	return delta, nil
}

// callOf returns a function call. Its thought signature is in the same field as in Google's own
// endpoint for this protocol.
func callOf(part *genai.Part, index int) (one openaiwire.ChatCallDelta, err error) {
	args := []byte("{}")
	if part.FunctionCall.Args != nil {
		if args, err = protocol.AppendJSON(nil, part.FunctionCall.Args); err != nil {
			return one, err
		}
	}
	id := part.FunctionCall.ID
	if id == "" {
		id = "call_" + rand.Text()
	}
	one = openaiwire.ChatCallDelta{Index: index, ID: id, Type: "function", Function: openaiwire.ChatFunction{Name: part.FunctionCall.Name, Arguments: string(args)}}
	if len(part.ThoughtSignature) > 0 {
		var extra extraContent
		extra.Google.ThoughtSignature = base64.StdEncoding.EncodeToString(part.ThoughtSignature)
		one.ExtraContent, err = protocol.AppendJSON(nil, extra)
	}
	return one, err
}
