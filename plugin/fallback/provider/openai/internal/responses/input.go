package responses

import (
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// maxCallID bounds the id of a call, in bytes.
// https://github.com/openai/openai-openapi
const maxCallID = 64

// callID is the id rule for [request.Pair].
func callID(id string, _ int) string { return api.AllowedID(id, maxCallID) }

// input builds the input items of a request.
type input struct {
	names     api.Names
	items     []wire.Item
	message   wire.Content // of the message that is being built
	later     wire.Content // images of a model: only a user's message can hold them
	reasoning reasoning
}

// add appends contents.
func (in *input) add(contents []*genai.Content) error {
	contents = request.Pair(contents, callID)
	turn := api.OwnWords(contents)
	in.items = make([]wire.Item, 0, len(contents)+4)
	for i, content := range contents {
		if content == nil {
			continue
		}
		in.reasoning.drop()
		role := content.Role
		if role == "" {
			role = genai.RoleUser
		}
		for _, part := range content.Parts {
			if part == nil {
				continue
			}
			var err error
			if role == genai.RoleModel {
				err = in.addModelPart(part, i > turn)
			} else {
				err = in.addUserPart(part, role)
			}
			if err != nil {
				return err
			}
		}
		in.flush(role)
		in.message, in.later = in.later, nil
		in.flush(genai.RoleUser)
	}
	if len(in.items) == 0 {
		in.message = wire.Content{{Type: wire.PartInputText, Text: api.StartWords}}
		in.flush(genai.RoleUser)
	}
	return nil
}

// flush ends the message that is being built.
func (in *input) flush(role string) {
	if len(in.message) == 0 {
		return
	}
	item := wire.Item{Type: wire.ItemMessage, Role: role, Content: in.message}
	in.message = nil
	if role == genai.RoleModel {
		item.Role = "assistant"
		in.items = in.reasoning.before(in.items, item)
		return
	}
	in.items = append(in.items, item)
}

// addModelPart adds what a model said. The model's text is output_text: as
// input_text OpenAI refuses it from the second turn on. Thoughts go back within
// the current turn only.
func (in *input) addModelPart(part *genai.Part, current bool) error {
	switch {
	case part.FunctionCall != nil:
		in.flush(genai.RoleModel)
		args, err := api.CallArguments(part.FunctionCall)
		if err != nil {
			return err
		}
		in.items = in.reasoning.before(in.items, wire.Item{
			Type: wire.ItemFunctionCall, CallID: part.FunctionCall.ID, Name: in.names.Wire(part.FunctionCall.Name),
			Arguments: wire.JSON(args),
		})
	case part.Thought:
		in.flush(genai.RoleModel)
		if current {
			in.reasoning.add(part)
		}
	case part.Text != "":
		in.message = append(in.message, wire.Part{Type: wire.PartOutputText, Text: part.Text})
	default:
		media, ok, err := mediaPart(part)
		if err != nil {
			return err
		}
		if ok {
			in.later = append(in.later, media)
		}
	}
	return nil
}

// addUserPart adds what a user, a tool or the application said.
func (in *input) addUserPart(part *genai.Part, role string) error {
	switch {
	case part.FunctionResponse != nil:
		in.flush(role)
		return in.addOutput(part.FunctionResponse)
	case part.Text != "":
		if !part.Thought {
			in.message = append(in.message, wire.Part{Type: wire.PartInputText, Text: part.Text})
		}
	default:
		media, ok, err := mediaPart(part)
		if err != nil {
			return err
		}
		if ok {
			in.message = append(in.message, media)
		}
	}
	return nil
}

// addOutput adds the result of a call, with its images.
func (in *input) addOutput(response *genai.FunctionResponse) error {
	text, err := api.ResultText(response)
	if err != nil {
		return err
	}
	output := &wire.Output{Text: text}
	for _, part := range response.Parts {
		if part == nil {
			continue
		}
		media, ok, err := mediaPart(api.MediaOf(part))
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case output.Parts == nil:
			output.Parts = wire.Content{{Type: wire.PartInputText, Text: output.Text}, media}
		default:
			output.Parts = append(output.Parts, media)
		}
	}
	in.items = append(in.items, wire.Item{Type: wire.ItemFunctionOutput, CallID: response.ID, Output: output})
	return nil
}
