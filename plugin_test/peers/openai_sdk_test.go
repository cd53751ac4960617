package peers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/respjson"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// The models of the script: each has what the other lacks.
const plainModel, thinkingModel = "gpt-4o", "gpt-5"

// newStrictServer plays one conversation for every model: a question that leads to
// two calls, whose results lead to an answer.
func newStrictServer(t *testing.T) *ft.Server {
	t.Helper()
	srv := ft.NewServer()
	t.Cleanup(srv.Close)
	srv.Strict()
	call := func(city string) *genai.Part {
		return &genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": city}}}
	}
	talk := ft.Func(func(r ft.Request) ft.Step {
		if f := r.FunctionResponse("weather"); f != nil {
			return ft.Text(fmt.Sprint("It is ", f.Response["sky"], " there."))
		}
		return ft.Parts(&genai.Part{Text: "They ask. ", Thought: true}, &genai.Part{Text: "I look.", Thought: true}, &genai.Part{Text: "One moment."}, call("Köln"), call("Paris"))
	})
	srv.Script(plainModel, talk)
	srv.Script(thinkingModel, talk)
	return srv
}

func sdkFor(srv *ft.Server) openai.Client {
	return openai.NewClient(option.WithBaseURL(srv.URL+"/v1/"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0), option.WithHTTPClient(srv.Client()))
}

var weatherSchema = map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}

func TestOpenAISDKHoldsAConversationOverChatCompletions(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		t.Run(fmt.Sprint("streamed ", streamed), func(t *testing.T) {
			srv := newStrictServer(t)
			client := sdkFor(srv)
			params := openai.ChatCompletionNewParams{
				Model:    plainModel,
				Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage("How is it in Köln and Paris?")},
				Tools:    []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather", Parameters: weatherSchema})},
			}
			if streamed {
				params.StreamOptions.IncludeUsage = openai.Bool(true)
			}
			first := chatTurn(t, client, params, streamed)
			message := first.Choices[0].Message
			if message.Content != "One moment." || first.Choices[0].FinishReason != "tool_calls" || len(message.ToolCalls) != 2 {
				t.Fatalf("first answer = %s", first.RawJSON())
			}
			params.Messages = append(params.Messages, message.ToParam())
			for i, city := range []string{"Köln", "Paris"} {
				c := message.ToolCalls[i]
				if want := fmt.Sprintf(`{"city":%q}`, city); c.Function.Arguments != want || c.Function.Name != "weather" {
					t.Errorf("call %d = %s(%s), want weather(%s)", i, c.Function.Name, c.Function.Arguments, want)
				}
				params.Messages = append(params.Messages, openai.ToolMessage(`{"sky":"clear"}`, c.ID))
			}
			second := chatTurn(t, client, params, streamed)
			if c := second.Choices[0]; c.Message.Content != "It is clear there." || c.FinishReason != "stop" {
				t.Errorf("second answer = %s %q", c.FinishReason, c.Message.Content)
			}
			if u := second.Usage; u.PromptTokens == 0 || u.CompletionTokens != 4 || u.TotalTokens != u.PromptTokens+4 {
				t.Errorf("usage = %+v", u)
			}
			if v := srv.Violations(); len(v) != 0 {
				t.Errorf("the SDK sent what OpenAI refuses: %q", v)
			}
		})
	}
}

func chatTurn(t *testing.T, client openai.Client, params openai.ChatCompletionNewParams, streamed bool) openai.ChatCompletion {
	t.Helper()
	if !streamed {
		resp, err := client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		complete(t, *resp)
		return *resp
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), params)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		complete(t, stream.Current())
		if !acc.AddChunk(stream.Current()) {
			t.Fatalf("the accumulator refuses %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return acc.ChatCompletion
}

func TestOpenAISDKHoldsAConversationOverResponses(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		t.Run(fmt.Sprint("streamed ", streamed), func(t *testing.T) {
			srv := newStrictServer(t)
			client := sdkFor(srv)
			input := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage("How is it in Köln and Paris?", responses.EasyInputMessageRoleUser)}
			params := responses.ResponseNewParams{
				Model: thinkingModel, Instructions: openai.String("Be brief."), Store: openai.Bool(false),
				Include: []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent},
				Tools:   []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{Name: "weather", Parameters: weatherSchema, Strict: openai.Bool(false)}}},
				Input:   responses.ResponseNewParamsInputUnion{OfInputItemList: input},
			}
			first := responsesTurn(t, client, params, streamed)
			var kinds []string
			for _, it := range first.Output {
				kinds = append(kinds, it.Type)
				switch v := it.AsAny().(type) {
				case responses.ResponseReasoningItem:
					if len(v.Summary) != 1 || v.Summary[0].Text != "They ask. I look." {
						t.Errorf("thoughts = %s", v.RawJSON())
					}
					p := v.ToParam()
					input = append(input, responses.ResponseInputItemUnionParam{OfReasoning: &p})
				case responses.ResponseOutputMessage:
					p := v.ToParam()
					input = append(input, responses.ResponseInputItemUnionParam{OfOutputMessage: &p})
				case responses.ResponseFunctionToolCall:
					p := v.ToParam()
					output := responses.ResponseInputItemParamOfFunctionCallOutput(v.CallID, `{"sky":"clear"}`)
					input = append(input, responses.ResponseInputItemUnionParam{OfFunctionCall: &p}, output)
				}
			}
			if got := strings.Join(kinds, " "); got != "reasoning message function_call function_call" {
				t.Fatalf("items = %s", got)
			}
			params.Input.OfInputItemList = input
			second := responsesTurn(t, client, params, streamed)
			if second.OutputText() != "It is clear there." || second.Status != "completed" || second.Usage.OutputTokens != 4 {
				t.Errorf("second answer = %s", second.RawJSON())
			}
			if v := srv.Violations(); len(v) != 0 {
				t.Errorf("the SDK sent what OpenAI refuses: %q", v)
			}
		})
	}
}

func responsesTurn(t *testing.T, client openai.Client, params responses.ResponseNewParams, streamed bool) responses.Response {
	t.Helper()
	if !streamed {
		resp, err := client.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		complete(t, *resp)
		return *resp
	}
	stream := client.Responses.NewStreaming(t.Context(), params)
	var whole responses.Response
	var deltas string
	for n := int64(0); stream.Next(); n++ {
		event := stream.Current()
		complete(t, event.AsAny())
		if event.SequenceNumber != n {
			t.Errorf("event %d has number %d", n, event.SequenceNumber)
		}
		switch v := event.AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			deltas += v.Delta
		case responses.ResponseCompletedEvent:
			whole = v.Response
		case nil:
			t.Errorf("the SDK knows no event %s", event.RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if deltas != whole.OutputText() {
		t.Errorf("deltas say %q, the response %q", deltas, whole.OutputText())
	}
	return whole
}

func TestOpenAISDKReadsErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		step ft.Step
		want string // status, type, code and parameter
	}{
		"wrong key":  {ft.InvalidKey(), "401 invalid_request_error invalid_api_key "},
		"no quota":   {ft.DailyQuota(), "429 insufficient_quota insufficient_quota "},
		"too long":   {ft.ContextLength(), "400 invalid_request_error context_length_exceeded "},
		"no model":   {ft.NotFound(), "404 invalid_request_error model_not_found "},
		"overloaded": {ft.Overloaded(), "503 server_error  "},
	} {
		t.Run(name, func(t *testing.T) {
			srv := ft.NewServer()
			t.Cleanup(srv.Close)
			srv.Script(plainModel, tt.step)
			for protocol, err := range bothErrors(t.Context(), sdkFor(srv)) {
				var api *openai.Error
				if !errors.As(err, &api) {
					t.Fatalf("%s: err = %v, want an openai.Error", protocol, err)
				}
				if got := fmt.Sprintf("%d %s %s ", api.StatusCode, api.Type, api.Code); got != tt.want || api.Message == "" {
					t.Errorf("%s: error = %q %q, want %q", protocol, got, api.Message, tt.want)
				}
			}
		})
	}
}

func TestOpenAISDKReadsRefusalsAndErrorsOfStreams(t *testing.T) {
	srv := ft.NewServer()
	t.Cleanup(srv.Close)
	srv.Strict()
	srv.Script(plainModel, ft.Text("It is sunny").ErrorAt(2, ft.Overloaded()))
	client := sdkFor(srv)
	ask := openai.ChatCompletionNewParams{Model: plainModel, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}, Stop: openai.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"1", "2", "3", "4", "5"}}}
	_, err := client.Chat.Completions.New(t.Context(), ask)
	var api *openai.Error
	if !errors.As(err, &api) || api.StatusCode != 400 || api.Param != "stop" || api.Code != "array_above_max_length" {
		t.Errorf("refusal = %v", err)
	}
	ask.Stop = openai.ChatCompletionNewParamsStopUnion{}
	chat := client.Chat.Completions.NewStreaming(t.Context(), ask)
	for chat.Next() {
	}
	responses := client.Responses.NewStreaming(t.Context(), hello)
	for responses.Next() {
	}
	for name, err := range map[string]error{"chat": chat.Err(), "responses": responses.Err()} {
		if err == nil || !strings.Contains(err.Error(), "overloaded") {
			t.Errorf("%s: the stream ends with %v, want the error that it carries", name, err)
		}
	}
}

var hello = responses.ResponseNewParams{Model: plainModel, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hi")}}

func bothErrors(ctx context.Context, client openai.Client) map[string]error {
	_, chat := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{Model: plainModel, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}})
	_, resp := client.Responses.New(ctx, hello)
	return map[string]error{"chat": chat, "responses": resp}
}

// complete reports every field of an answer that the SDK calls required and that
// did not come.
func complete(t *testing.T, v any) {
	t.Helper()
	for _, path := range absent(reflect.ValueOf(v), "") {
		raw, _ := json.Marshal(v)
		t.Errorf("%T lacks %s: %.300s", v, path, raw)
	}
}

func absent(v reflect.Value, path string) (out []string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return absent(v.Elem(), path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, absent(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Struct:
		if union := v.MethodByName("AsAny"); union.IsValid() {
			return absent(union.Call(nil)[0], path)
		}
		came := v.FieldByName("JSON")
		if !came.IsValid() {
			return nil
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			raw, known := respjson.Field{}, false
			if f := came.FieldByName(field.Name); f.IsValid() {
				raw, known = f.Interface().(respjson.Field)
			}
			if !known {
				continue
			}
			if raw.Raw() == respjson.Omitted {
				if strings.Contains(field.Tag.Get("api"), "required") {
					out = append(out, path+"."+field.Name)
				}
				continue
			}
			if raw.Valid() {
				out = append(out, absent(v.Field(i), path+"."+field.Name)...)
			}
		}
	}
	return out
}
