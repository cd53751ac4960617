package openai

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// Responses is OpenAI's Responses API
// (https://platform.openai.com/docs/api-reference/responses), at any path that ends
// like OpenAI's. It keeps nothing: previous_response_id means nothing to it.
type Responses struct{}

func (Responses) Owns(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/responses")
}

func (Responses) Decode(r *http.Request, body []byte, req *protocol.Request) error {
	in, err := readBody(r, body, req)
	if err != nil {
		return err
	}
	if s := wire.Str(in, "instructions"); s != "" {
		req.System = &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{Text: s}}}
	}
	if s := wire.Str(in, "input"); s != "" {
		req.Contents = genai.Text(s)
	}
	names := map[string]string{} // of the functions called, by call_id
	for _, item := range wire.List(in["input"]) {
		decodeItem(req, item, names)
	}
	var functions []*genai.FunctionDeclaration
	for _, t := range wire.List(in["tools"]) {
		if t["type"] == "function" {
			functions = append(functions, &genai.FunctionDeclaration{Name: wire.Str(t, "name"), Description: wire.Str(t, "description"), ParametersJsonSchema: t["parameters"]})
		}
	}
	if len(functions) > 0 {
		req.Tools = []*genai.Tool{{FunctionDeclarations: functions}}
	}
	return nil
}

// decodeItem adds one item of the input to the request. The items of one turn of
// the model become one content.
func decodeItem(req *protocol.Request, item object, names map[string]string) {
	switch wire.Str(item, "type") {
	case "function_call":
		id, name := wire.Str(item, "call_id"), wire.Str(item, "name")
		names[id] = name
		addModel(req, functionCall(id, name, wire.Str(item, "arguments")))
	case "function_call_output":
		id, output := wire.Str(item, "call_id"), ""
		for _, p := range decodeContent(item["output"]) {
			output += p.Text
		}
		addResult(req, protocol.FunctionResult(id, names[id], output))
	case "reasoning":
		thought := &genai.Part{Thought: true}
		for _, s := range wire.List(item["summary"]) {
			thought.Text += wire.Str(s, "text")
		}
		if data, ok := signature.Open(wire.Str(item, "encrypted_content")); ok {
			thought.ThoughtSignature = data
		}
		addModel(req, thought)
	case "", "message":
		parts := decodeContent(item["content"])
		switch wire.Str(item, "role") {
		case "system", "developer":
			if req.System == nil {
				req.System = &genai.Content{Role: genai.RoleUser}
			}
			req.System.Parts = append(req.System.Parts, parts...)
		case "assistant":
			addModel(req, parts...)
		default:
			req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleUser, Parts: parts})
		}
	}
}

func addModel(req *protocol.Request, parts ...*genai.Part) {
	if n := len(req.Contents); n > 0 && req.Contents[n-1].Role == genai.RoleModel {
		req.Contents[n-1].Parts = append(req.Contents[n-1].Parts, parts...)
		return
	}
	req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleModel, Parts: slices.Clone(parts)})
}

// ErrorEvent nests the error as OpenAI's own endpoint does; the flat form of its
// reference is not what it sends (https://github.com/openai/openai-node/pull/2021).
func (Responses) ErrorEvent(body string) []byte {
	body = strings.ReplaceAll(body, "\n", " ")
	if rest, ok := strings.CutPrefix(body, "{"); ok && strings.HasPrefix(rest, `"error"`) {
		body = `{"type":"error","sequence_number":2,` + rest
	}
	return []byte("event: error\ndata: " + body + "\n\n")
}

func (Responses) Check(r *http.Request, body []byte, req *protocol.Request) *protocol.Violation {
	return protocol.Refused(strict.Responses(protocol.Asked(r, body, req)), refused)
}

func (Responses) Problem(req *protocol.Request, p protocol.Problem) protocol.Status {
	return problem(req, p, "input")
}
