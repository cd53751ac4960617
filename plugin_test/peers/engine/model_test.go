package engine_test

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// errGone is the error of a model that fails. Neither side retries it, so that no
// row waits; both sides' breakers count it.
var errGone = genai.APIError{Code: 404, Status: "NOT_FOUND", Message: "the model is not found"}

// fake answers from memory, always with the same responses. It is not safe for
// concurrent use, as nothing here calls it concurrently.
type fake struct {
	name   string
	chunks []*model.LLMResponse // of a stream
	whole  *model.LLMResponse
	err    error // takes the place of whole; nil means none
	calls  int
}

// newFake returns a model that says the words from first to last, the latter not
// included. Each is a chunk of its streams.
func newFake(name string, first, last int, err error) *fake {
	f := &fake{name: name, err: err}
	for i := first; i < last; i++ {
		f.chunks = append(f.chunks, &model.LLMResponse{Content: genai.NewContentFromText(words(i, i+1), genai.RoleModel), Partial: true})
	}
	f.whole = &model.LLMResponse{Content: genai.NewContentFromText(words(first, last), genai.RoleModel), FinishReason: genai.FinishReasonStop}
	return f
}

// words returns the words from first to last, the latter not included. All are
// different, so that no part of an answer looks like another.
func words(first, last int) string {
	var text strings.Builder
	for i := first; i < last; i++ {
		fmt.Fprintf(&text, "%06d ", i)
	}
	return text.String()
}

func (f *fake) Name() string { return f.name }

// GenerateContent sends the chunks, then the error if there is one, else the answer.
func (f *fake) GenerateContent(_ context.Context, _ *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		f.calls++
		if stream {
			for _, chunk := range f.chunks {
				if !yield(chunk, nil) {
					return
				}
			}
		}
		if f.err != nil {
			yield(nil, f.err)
			return
		}
		yield(f.whole, nil)
	}
}

// fakes returns n models. The first failing ones fail at once, the others say so many
// words.
func fakes(n, failing, words int) []*fake {
	models := make([]*fake, n)
	for i := range models {
		name := "model-" + string(rune('a'+i))
		models[i] = newFake(name, 0, words, nil)
		if i < failing {
			models[i] = newFake(name, 0, 0, errGone)
		}
	}
	return models
}

// tiny is the smallest request.
func tiny() *model.LLMRequest {
	return &model.LLMRequest{Model: "model-a", Contents: genai.Text("hi")}
}

// conversation is a request of ordinary size: an instruction, ten tools and 20
// contents, 12 KB of text in all.
func conversation() *model.LLMRequest {
	req := &model.LLMRequest{Model: "model-a", Config: &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText(strings.Repeat("Be kind. ", 200), genai.RoleUser),
	}}
	for i := range 10 {
		req.Config.Tools = append(req.Config.Tools, &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{
			Name: "tool_" + string(rune('a'+i)), Description: "Returns the weather.",
			Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{
				"city": {Type: genai.TypeString, Description: "Where."}, "day": {Type: genai.TypeString, Description: "When."},
			}},
		}}})
	}
	for i := range 20 {
		role := genai.Role(genai.RoleUser)
		if i%2 == 1 {
			role = genai.RoleModel
		}
		req.Contents = append(req.Contents, genai.NewContentFromText(strings.Repeat("word ", 100), role))
	}
	return req
}
