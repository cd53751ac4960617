package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// startWords stand in for a user's message where there is none: the API refuses
// an empty input. ADK's Gemini model does the same.
const startWords = "Handle the requests as specified in the system instruction."

// responsesInput builds the input items of a request.
type responsesInput struct {
	names     wireNames
	items     []wire.Item
	message   wire.Content // of the message that is being built
	later     wire.Content // images of a model: only a user's message can hold them
	reasoning reasoning
}

// add appends contents.
func (in *responsesInput) add(contents []*genai.Content) error {
	contents = request.Pair(contents, wireCallID)
	turn := ownWords(contents)
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
		in.message = wire.Content{{Type: wire.PartInputText, Text: startWords}}
		in.flush(genai.RoleUser)
	}
	return nil
}

// flush ends the message that is being built.
func (in *responsesInput) flush(role string) {
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
func (in *responsesInput) addModelPart(part *genai.Part, current bool) error {
	switch {
	case part.FunctionCall != nil:
		in.flush(genai.RoleModel)
		args := []byte("{}")
		if len(part.FunctionCall.Args) > 0 {
			var err error
			if args, err = marshal(part.FunctionCall.Args); err != nil {
				return fmt.Errorf("openai: the arguments of the call of %q are no JSON: %w", part.FunctionCall.Name, err)
			}
		}
		in.items = in.reasoning.before(in.items, wire.Item{
			Type: wire.ItemFunctionCall, CallID: part.FunctionCall.ID, Name: in.names.wire(part.FunctionCall.Name),
			Arguments: wire.JSON(args),
		})
	case part.Thought:
		in.flush(genai.RoleModel)
		if current {
			in.reasoning.add(part)
		}
	case part.Text != "":
		in.message = append(in.message, wire.Part{Type: wire.PartOutputText, Text: part.Text})
	case part.ExecutableCode != nil, part.CodeExecutionResult != nil:
		in.message = append(in.message, wire.Part{Type: wire.PartOutputText, Text: codeText(part)})
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

// codeText describes the work of a provider's own tool as text. No API takes such
// a part of another provider.
func codeText(part *genai.Part) string {
	if code := part.ExecutableCode; code != nil {
		return "```" + strings.ToLower(string(code.Language)) + "\n" + code.Code + "\n```"
	}
	return "```\n" + part.CodeExecutionResult.Output + "\n```"
}

// addUserPart adds what a user, a tool or the application said.
func (in *responsesInput) addUserPart(part *genai.Part, role string) error {
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
func (in *responsesInput) addOutput(response *genai.FunctionResponse) error {
	text := []byte("{}")
	if response.Response != nil {
		var err error
		if text, err = marshal(response.Response); err != nil {
			return fmt.Errorf("openai: the result of %q is no JSON: %w", response.Name, err)
		}
	}
	output := &wire.Output{Text: string(text)}
	for _, part := range response.Parts {
		if part == nil {
			continue
		}
		media, ok, err := mediaPart(mediaOf(part))
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

// mediaOf returns a part of a result as a part of a content.
func mediaOf(part *genai.FunctionResponsePart) *genai.Part {
	switch {
	case part.InlineData != nil:
		return &genai.Part{InlineData: &genai.Blob{MIMEType: part.InlineData.MIMEType, Data: part.InlineData.Data, DisplayName: part.InlineData.DisplayName}}
	case part.FileData != nil:
		return &genai.Part{FileData: &genai.FileData{MIMEType: part.FileData.MIMEType, FileURI: part.FileData.FileURI, DisplayName: part.FileData.DisplayName}}
	}
	return &genai.Part{}
}

// mediaPart returns an image or a document as a part of a message; false if part
// is neither.
func mediaPart(part *genai.Part) (wire.Part, bool, error) {
	switch {
	case part.InlineData != nil:
		return inlineMedia(part.InlineData)
	case part.FileData != nil:
		return linkedMedia(part.FileData)
	}
	return wire.Part{}, false, nil
}

func inlineMedia(blob *genai.Blob) (media wire.Part, ok bool, err error) {
	kind, _, _ := mime.ParseMediaType(blob.MIMEType)
	switch {
	case strings.HasPrefix(kind, "image/"):
		return wire.Part{Type: wire.PartInputImage, Detail: "auto", ImageURL: dataURL(kind, blob.Data)}, true, nil
	case kind == "application/pdf":
		name := blob.DisplayName
		if name == "" {
			name = "document.pdf"
		}
		return wire.Part{Type: wire.PartInputFile, Filename: name, FileData: dataURL(kind, blob.Data)}, true, nil
	case strings.HasPrefix(kind, "text/"), kind == "application/json":
		return wire.Part{Type: wire.PartInputText, Text: strings.ToValidUTF8(string(blob.Data), "\uFFFD")}, len(blob.Data) > 0, nil
	}
	return media, false, untaken("input of type " + blob.MIMEType)
}

func linkedMedia(file *genai.FileData) (media wire.Part, ok bool, err error) {
	kind, _, _ := mime.ParseMediaType(file.MIMEType)
	image := strings.HasPrefix(kind, "image/")
	switch {
	case strings.HasPrefix(file.FileURI, "file-"):
		media.Type, media.FileID = wire.PartInputFile, file.FileURI
	case !strings.HasPrefix(file.FileURI, "https://") && !strings.HasPrefix(file.FileURI, "http://") && !strings.HasPrefix(file.FileURI, "data:"):
		scheme, _, _ := strings.Cut(file.FileURI, ":")
		return media, false, untaken("a file at a URI of scheme " + scheme)
	case image:
		media.ImageURL = file.FileURI
	case kind == "application/pdf" || kind == "":
		media.Type, media.FileURL = wire.PartInputFile, file.FileURI
	default:
		return media, false, untaken("input of type " + file.MIMEType)
	}
	if image {
		media.Type, media.Detail = wire.PartInputImage, "auto"
	}
	return media, true, nil
}

func dataURL(kind string, data []byte) string {
	const scheme, coding = "data:", ";base64,"
	b := make([]byte, 0, len(scheme)+len(kind)+len(coding)+base64.StdEncoding.EncodedLen(len(data)))
	b = append(append(append(b, scheme...), kind...), coding...)
	return string(base64.StdEncoding.AppendEncode(b, data))
}

// untaken is the error for a part that affects the answer and that the API does
// not take. Its verdict is to fall back.
func untaken(what string) error {
	return failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindUnsupported, Scope: failure.ScopeRequest,
		Message: "openai: the Responses API does not take " + what, Reason: "the request holds what the API cannot take",
	}.Err()
}

// marshal is json.Marshal that leaves <, > and & as they are: the model reads
// what is written.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
