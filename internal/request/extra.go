package request

import (
	"maps"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// chatFields is the key in ExtraBody under which a request carries fields for targets that
// speak chat completions. It is no field of any API.
const chatFields = "adk-fallback/chat"

// SetChatFields gives req fields for the body of a chat completion. The engine sends them to
// a target with that API, whichever place it has in a chain, and to no other; see
// [TakeChatFields].
func SetChatFields(req *model.LLMRequest, fields map[string]any) {
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
	body[chatFields] = fields
	req.Config.HTTPOptions.ExtraBody = body
}

// TakeChatFields removes the fields of [SetChatFields] from an attempt's own copy of a
// request and returns them; nil if there are none.
func TakeChatFields(own *model.LLMRequest) map[string]any {
	if own.Config == nil || own.Config.HTTPOptions == nil {
		return nil
	}
	body := own.Config.HTTPOptions.ExtraBody
	fields, ok := body[chatFields].(map[string]any)
	if !ok {
		return nil
	}
	delete(body, chatFields)
	if len(body) == 0 {
		own.Config.HTTPOptions.ExtraBody = nil
	}
	return fields
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
