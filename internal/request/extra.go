package request

import (
	"maps"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Protocol is a protocol whose own fields a request can carry.
type Protocol string

const (
	Chat      Protocol = "chat"      // chat completions
	Responses Protocol = "responses" // OpenAI's Responses
	Messages  Protocol = "messages"  // Anthropic's Messages
	Gemini    Protocol = "gemini"    // generateContent, also of Vertex AI
)

// carried begins the keys in ExtraBody under which a request carries such fields. They are no
// fields of any API.
const carried = "adk-fallback/"

// SetFields gives req fields for a body of a protocol. The engine sends them to a target that
// speaks it, whichever place it has in a chain, and to no other; see [TakeFields]. A request may
// have fields for several protocols.
func SetFields(req *model.LLMRequest, protocol Protocol, fields map[string]any) {
	if len(fields) == 0 {
		return
	}
	if req.Config == nil {
		req.Config = &genai.GenerateContentConfig{}
	}
	if req.Config.HTTPOptions == nil {
		req.Config.HTTPOptions = &genai.HTTPOptions{}
	}
	body := maps.Clone(req.Config.HTTPOptions.ExtraBody)
	if body == nil {
		body = map[string]any{}
	}
	body[carried+string(protocol)] = fields
	req.Config.HTTPOptions.ExtraBody = body
}

// TakeFields removes the fields of [SetFields] from an attempt's own copy of a request, whose
// target speaks a protocol; "" for another one. It returns those of the protocol, nil if there
// are none. fewer reports whether another protocol has more of them. A field may have another
// name in another protocol.
func TakeFields(own *model.LLMRequest, protocol Protocol) (fields map[string]any, fewer bool) {
	if own.Config == nil || own.Config.HTTPOptions == nil {
		return nil, false
	}
	body := own.Config.HTTPOptions.ExtraBody
	fields, _ = body[carried+string(protocol)].(map[string]any)
	for key, value := range body {
		if !strings.HasPrefix(key, carried) {
			continue
		}
		of, _ := value.(map[string]any)
		fewer = fewer || len(fields) < len(of)
		delete(body, key)
	}
	if len(body) == 0 {
		own.Config.HTTPOptions.ExtraBody = nil
	}
	return fields, fewer
}

// AddFields adds fields to the ExtraBody of an attempt's own copy of a request, which may
// have fields of those names: these stay.
func AddFields(own *model.LLMRequest, fields map[string]any) {
	options := own.Config.HTTPOptions
	if options.ExtraBody == nil {
		options.ExtraBody = make(map[string]any, len(fields))
	}
	for name, value := range fields {
		if _, ok := options.ExtraBody[name]; !ok {
			options.ExtraBody[name] = value
		}
	}
}
