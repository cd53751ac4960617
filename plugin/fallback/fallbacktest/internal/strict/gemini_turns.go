package strict

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
)

// contentsRule: what a single content may hold. Roles are user and model, or none
// in a request of a single content (https://github.com/langbot-app/LangBot/issues/1486);
// no content and no part is empty (https://github.com/vercel/ai/issues/3775).
func (g *geminiRequest) contentsRule() string {
	if len(g.Contents) == 0 {
		return "contents is not specified"
	}
	for i, c := range g.Contents {
		switch {
		case c == nil || len(c.Parts) == 0:
			return fmt.Sprintf("contents[%d].parts must not be empty", i)
		case c.Role == "" && len(g.Contents) == 1:
		case c.Role != genai.RoleUser && c.Role != genai.RoleModel:
			return fmt.Sprintf("contents[%d]: role %q: please use a valid role: user, model", i, c.Role)
		}
		for j, p := range c.Parts {
			if text := g.partRule(p, c.Role); text != "" {
				return fmt.Sprintf("contents[%d].parts[%d]: %s", i, j, text)
			}
		}
	}
	return ""
}

func (g *geminiRequest) partRule(p *genai.Part, role string) string {
	if p == nil {
		return "part is null"
	}
	kinds := 0
	for _, set := range []bool{
		p.Text != "", p.InlineData != nil, p.FileData != nil, p.FunctionCall != nil, p.FunctionResponse != nil,
		p.ExecutableCode != nil, p.CodeExecutionResult != nil, p.ToolCall != nil, p.ToolResponse != nil,
	} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return "data: required oneof field 'data' must have one initialized field"
	case g.vertex && (p.ToolCall != nil || p.ToolResponse != nil || p.PartMetadata != nil):
		return "unknown name: toolCall, toolResponse and partMetadata are not fields of this API" // the SDK at v1.77.0, models.go
	case p.InlineData != nil:
		return blobRule(p.InlineData.MIMEType, len(p.InlineData.Data))
	case p.FileData != nil:
		return g.fileRule(p.FileData.MIMEType, p.FileData.FileURI)
	case p.FunctionCall != nil && role != genai.RoleModel:
		return "functionCall: only a turn with the role model calls functions" // inferred
	case p.FunctionCall != nil && p.FunctionCall.Name == "":
		return "functionCall.name: name cannot be empty"
	case p.FunctionResponse != nil && role == genai.RoleModel:
		return "functionResponse: only a turn with the role user answers calls" // inferred
	case p.FunctionResponse != nil:
		return g.responseRule(p.FunctionResponse)
	}
	return ""
}

// responseRule (https://github.com/router-for-me/CLIProxyAPI/issues/1903). Media
// stand in a result from Gemini 3 on, files of Cloud Storage on Vertex AI alone.
// (google.golang.org/genai v1.77.0, FunctionResponsePart)
func (g *geminiRequest) responseRule(r *genai.FunctionResponse) string {
	switch {
	case r.Name == "":
		return "function_response.name: name cannot be empty"
	case r.Response == nil:
		return "function_response.response: an object is required"
	case len(r.Parts) > 0 && g.family.before(30):
		return "function_response.parts: multimodal function responses are not supported by this model"
	}
	for _, p := range r.Parts {
		text := ""
		switch {
		case p == nil || p.InlineData == nil && p.FileData == nil:
			text = "required oneof field 'data' must have one initialized field"
		case p.InlineData != nil:
			text = blobRule(p.InlineData.MIMEType, len(p.InlineData.Data))
		case !g.vertex:
			text = `unknown name "fileData"`
		}
		if text != "" {
			return "function_response.parts: " + text
		}
	}
	return ""
}

// blobRule: gif is not among the image types.
// (https://ai.google.dev/gemini-api/docs/image-understanding)
func blobRule(mime string, size int) string {
	switch {
	case mime == "" || size == 0:
		return "inlineData: mimeType and data are required"
	case strings.HasPrefix(mime, "image/") && !slices.Contains([]string{"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}, mime):
		return "inlineData: unsupported MIME type: " + mime
	}
	return ""
}

// fileRule: Cloud Storage belongs to Vertex AI.
// (https://ai.google.dev/gemini-api/docs/file-input-methods)
func (g *geminiRequest) fileRule(mime, uri string) string {
	switch {
	case uri == "":
		return "fileData: fileUri is required"
	case strings.HasPrefix(uri, "gs://") && !g.vertex:
		return "fileData: invalid or unsupported file uri"
	}
	return blobRule(orElse(mime, "application/octet-stream"), 1)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// calls and answers are the function calls and responses of a content.
func calls(c *genai.Content) (out []*genai.FunctionCall) {
	for _, p := range c.Parts {
		if p.FunctionCall != nil {
			out = append(out, p.FunctionCall)
		}
	}
	return out
}

func answers(c *genai.Content) (out []*genai.FunctionResponse) {
	for _, p := range c.Parts {
		if p.FunctionResponse != nil {
			out = append(out, p.FunctionResponse)
		}
	}
	return out
}

// orderRule: a call follows the user's turn or results directly
// (https://github.com/google-gemini/gemini-cli/issues/26486), and the last turn is
// the user's: always if it is the only one, and from 3.6 on in every request
// (https://github.com/sst/opencode/issues/47034).
func (g *geminiRequest) orderRule() string {
	for i, c := range g.Contents {
		if len(calls(c)) > 0 && (i == 0 || g.Contents[i-1].Role != genai.RoleUser) {
			return fmt.Sprintf("contents[%d]: please ensure that function call turn comes immediately after a user turn or after a function response turn", i)
		}
	}
	if g.Contents[len(g.Contents)-1].Role != genai.RoleModel {
		return ""
	}
	if len(g.Contents) == 1 {
		return "please ensure that single turn requests end with a user role or the role field is empty"
	}
	if g.family.modern() {
		return "requests ending with a model turn are not supported"
	}
	return ""
}

// answeredRule: the turn after calls answers them, each once and by name
// (https://github.com/google-gemini/gemini-cli/issues/16543), from Gemini 3 on by id
// too (https://github.com/router-for-me/CLIProxyAPI/issues/5199); results stand
// nowhere else (https://github.com/lobehub/lobe-chat/issues/7298).
func (g *geminiRequest) answeredRule() string {
	for i, c := range g.Contents {
		asked, given := calls(c), []*genai.FunctionResponse(nil)
		if i+1 < len(g.Contents) {
			given = answers(g.Contents[i+1])
		}
		if len(asked) == 0 && len(given) > 0 || i == 0 && len(answers(c)) > 0 {
			return "please ensure that function response turn comes immediately after a function call turn"
		}
		if len(asked) != len(given) {
			return fmt.Sprintf("contents[%d]: please ensure that the number of function response parts is equal to the number of function call parts of the function call turn", i)
		}
		want, got := map[string]int{}, map[string]int{}
		for k := range asked {
			want[g.pair(asked[k].ID, asked[k].Name)]++
			got[g.pair(given[k].ID, given[k].Name)]++
		}
		if !maps.Equal(want, got) {
			return fmt.Sprintf("contents[%d]: functionResponse.id or name does not match functionCall", i+1)
		}
	}
	return ""
}

// pair is what a call and its result have in common.
func (g *geminiRequest) pair(id, name string) string {
	if g.family.from(30) {
		return id + " " + name
	}
	return name
}

// signatureRule: from Gemini 3 on, the first call of each step of the current turn,
// which is all that follows the user's last own words, is signed. Signatures of
// other models, other backends and other vendors are refused wherever they stand;
// the documented placeholder is accepted.
// (https://ai.google.dev/gemini-api/docs/thought-signatures; foreign ones:
// https://github.com/RooCodeInc/Roo-Code/issues/11716)
func (g *geminiRequest) signatureRule() string {
	if !g.family.signs() {
		return ""
	}
	current := 0
	for i, c := range g.Contents {
		if c.Role != genai.RoleModel && len(answers(c)) == 0 {
			current = i
		}
	}
	for i, c := range g.Contents {
		for _, p := range c.Parts {
			sig := p.ThoughtSignature
			if len(sig) > 0 && string(sig) != placeholder && !bytes.Equal(sig, signature.Gemini(g.model, g.vertex)) {
				return fmt.Sprintf("contents[%d]: thought signature is not valid", i)
			}
		}
		first := slices.IndexFunc(c.Parts, func(p *genai.Part) bool { return p.FunctionCall != nil })
		if i > current && first >= 0 && len(c.Parts[first].ThoughtSignature) == 0 {
			return fmt.Sprintf("contents[%d]: function call %s is missing a thought_signature", i, c.Parts[first].FunctionCall.Name)
		}
	}
	return ""
}
