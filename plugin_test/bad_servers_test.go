package plugin_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

const badKey = "sk-made-up-0123456789abcdef"

// badServer is a provider whose server sends what is not in its API's documents.
type badServer struct {
	name string
	new  func(t *testing.T, url string) model.LLM
	// An answer around its text, as a document and as a stream.
	document, stream [2]string
	// A call around its arguments. They are JSON within a string, or else a value.
	call, streamedCall [2]string
	callIsString       bool
	streamIsString     bool
	// Errors, as bodies.
	wrongKey, limited string
}

var badServers = []badServer{
	{
		name: "gemini",
		new: func(t *testing.T, url string) model.LLM {
			m, err := gemini.New(t.Context(), "gemini-3.5-flash", gemini.Config{Client: &genai.ClientConfig{
				Backend: genai.BackendGeminiAPI, APIKey: badKey, HTTPOptions: genai.HTTPOptions{BaseURL: url},
			}})
			return must(t, m, err)
		},
		document:     [2]string{`{"candidates":[{"content":{"role":"model","parts":[{"text":"`, `"}]},"finishReason":"STOP"}]}`},
		stream:       [2]string{`data: {"candidates":[{"content":{"role":"model","parts":[{"text":"`, `"}]},"finishReason":"STOP"}]}` + "\n\n"},
		call:         [2]string{`{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","args":`, `}}]},"finishReason":"STOP"}]}`},
		streamedCall: [2]string{`data: {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","args":`, `}}]},"finishReason":"STOP"}]}` + "\n\n"},
		wrongKey:     `{"error":{"code":401,"message":"Request had invalid authentication credentials: ` + badKey + `","status":"UNAUTHENTICATED"}}`,
		limited:      `{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}`,
	},
	{
		name: "openai",
		new: func(t *testing.T, url string) model.LLM {
			m, err := openai.New("gpt-5.2", openai.Config{APIKey: badKey, BaseURL: url, API: openai.Responses})
			return must(t, m, err)
		},
		document: [2]string{responsesDocument + `{"id":"m","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","annotations":[],"text":"`, `"}]}]}`},
		stream: [2]string{
			`event: response.completed` + "\n" + `data: {"type":"response.completed","sequence_number":1,"response":` + responsesDocument +
				`{"id":"m","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","annotations":[],"text":"`, `"}]}]}}` + "\n\n"},
		call: [2]string{responsesDocument + `{"id":"f","type":"function_call","status":"completed","call_id":"c1","name":"weather","arguments":`, `}]}`},
		streamedCall: [2]string{
			`event: response.completed` + "\n" + `data: {"type":"response.completed","sequence_number":1,"response":` + responsesDocument +
				`{"id":"f","type":"function_call","status":"completed","call_id":"c1","name":"weather","arguments":`, `}]}}` + "\n\n"},
		callIsString: true, streamIsString: true,
		wrongKey: openAIWrongKey, limited: openAILimited,
	},
	{
		name: "chat",
		new: func(t *testing.T, url string) model.LLM {
			m, err := openai.New("llama-4-maverick", openai.Config{APIKey: badKey, BaseURL: url})
			return must(t, m, err)
		},
		document: [2]string{`{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"`, `"},"finish_reason":"stop"}]}`},
		stream:   [2]string{`data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"`, `"},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"},
		call: [2]string{`{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,` +
			`"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":`, `}}]},"finish_reason":"tool_calls"}]}`},
		streamedCall: [2]string{`data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{` +
			`"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"weather","arguments":`, `}}]},"finish_reason":"tool_calls"}]}` + "\n\ndata: [DONE]\n\n"},
		callIsString: true, streamIsString: true,
		wrongKey: openAIWrongKey, limited: openAILimited,
	},
	{
		name: "anthropic",
		new: func(t *testing.T, url string) model.LLM {
			m, err := anthropic.New("claude-sonnet-5", anthropic.Config{APIKey: badKey, BaseURL: url})
			return must(t, m, err)
		},
		document: [2]string{`{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"`, `"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`},
		stream: [2]string{messageStart + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n" +
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`, `"}}` + messageEnd("end_turn")},
		call: [2]string{`{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t1","name":"weather","input":`,
			`}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}`},
		streamedCall: [2]string{messageStart + `data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"weather","input":{}}}` + "\n\n" +
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":`, `}}` + messageEnd("tool_use")},
		streamIsString: true,
		wrongKey:       `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key ` + badKey + `"}}`,
		limited:        `{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests has exceeded your rate limit."}}`,
	},
}

const (
	responsesDocument = `{"id":"r","object":"response","status":"completed","model":"m","output":[`
	openAIWrongKey    = `{"error":{"message":"Incorrect API key provided: ` + badKey + `.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`
	openAILimited     = `{"error":{"message":"Rate limit reached for requests","type":"requests","param":null,"code":"rate_limit_exceeded"}}`
	messageStart      = `data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}` + "\n\n"
)

func messageEnd(reason string) string {
	return "\n\n" + `data: {"type":"content_block_stop","index":0}` + "\n\n" +
		`data: {"type":"message_delta","delta":{"stop_reason":"` + reason + `"},"usage":{"output_tokens":1}}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n"
}

// around returns the two halves of an answer in one mode.
func (s *badServer) around(stream bool) [2]string {
	if stream {
		return s.stream
	}
	return s.document
}
