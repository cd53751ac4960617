package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func openAI(url string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1/"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0))
}

var weatherSchema = map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}

// each runs a test for unary and streamed calls, answered by the primary and by the fallback.
func each(t *testing.T, test func(t *testing.T, srv *ft.Server, streamed bool, model string)) {
	for _, streamed := range []bool{false, true} {
		for _, model := range []string{"gemini-2.5-flash", "gpt-4o"} {
			t.Run(fmt.Sprintf("streamed %t, %s answers", streamed, model), func(t *testing.T) {
				srv := conversation(t)
				if model != "gemini-2.5-flash" {
					broken(srv)
				}
				test(t, srv, streamed, model)
				if v := srv.Violations(); len(v) > 0 {
					t.Errorf("the gateway sent what a provider refuses: %q", v)
				}
			})
		}
	}
}

// B144
func TestOpenAISDKHoldsAConversation(t *testing.T) {
	each(t, func(t *testing.T, srv *ft.Server, streamed bool, model string) {
		client := openAI(serve(t, srv))
		params := openai.ChatCompletionNewParams{
			Model:    "assistant",
			Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage("How is it in Köln and Paris?")},
			Tools:    []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather", Parameters: weatherSchema})},
		}
		if streamed {
			params.StreamOptions.IncludeUsage = openai.Bool(true)
		}
		first := completion(t, client, params, streamed)
		message := first.Choices[0].Message
		if message.Content != "One moment." || first.Choices[0].FinishReason != "tool_calls" || len(message.ToolCalls) != 2 || first.Model != model {
			t.Fatalf("first answer = %s", first.RawJSON())
		}
		params.Messages = append(params.Messages, message.ToParam())
		for i, city := range []string{"Köln", "Paris"} {
			c := message.ToolCalls[i]
			if want := fmt.Sprintf(`{"city":%q}`, city); c.Function.Arguments != want || c.Function.Name != "weather" || c.ID == "" {
				t.Errorf("call %d = %s(%s) %q, want weather(%s)", i, c.Function.Name, c.Function.Arguments, c.ID, want)
			}
			params.Messages = append(params.Messages, openai.ToolMessage(`{"sky":"clear"}`, c.ID))
		}
		second := completion(t, client, params, streamed)
		if c := second.Choices[0]; c.Message.Content != "It is clear there." || c.FinishReason != "stop" || second.Model != model {
			t.Errorf("second answer = %s %s %q", second.Model, c.FinishReason, c.Message.Content)
		}
		if u := second.Usage; u.PromptTokens != 11 || u.CompletionTokens != 4 || u.TotalTokens != 15 {
			t.Errorf("usage = %+v, want that of the model that answered", u)
		}
	})
}

func completion(t *testing.T, client openai.Client, params openai.ChatCompletionNewParams, streamed bool) openai.ChatCompletion {
	t.Helper()
	if !streamed {
		resp, err := client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		return *resp
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), params)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatalf("the accumulator refuses %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return acc.ChatCompletion
}

// B144
func TestOpenAISDKSeesErrors(t *testing.T) {
	client := openAI(serve(t, conversation(t)))
	for _, test := range []struct {
		model  string
		status int
		code   string
	}{
		{"other-locked", 502, ""}, // the gateway's key, not the client's
		{"other-full", 429, "rate_limit_exceeded"},
		{"unknown", 404, "model_not_found"},
	} {
		_, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: test.model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}})
		var refused *openai.Error
		if !errors.As(err, &refused) || refused.StatusCode != test.status || test.code != "" && refused.Code != test.code {
			t.Errorf("%s: %v, want %d %s", test.model, err, test.status, test.code)
		}
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{Model: "other-breaks", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}})
	for stream.Next() {
	}
	if stream.Err() == nil {
		t.Error("an answer that breaks off has no error")
	}
}

// B144
func TestOpenAISDKListsModels(t *testing.T) {
	client := openAI(serve(t, conversation(t)))
	page, err := client.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range page.Data {
		names = append(names, m.ID)
	}
	slices.Sort(names)
	if want := []string{"assistant", "gemini-2.5-flash", "gpt-4o"}; !slices.Equal(names, want) {
		t.Errorf("models %q, want %q", names, want)
	}
	if m, err := client.Models.Get(t.Context(), "assistant"); err != nil || m.ID != "assistant" {
		t.Errorf("model %+v, %v", m, err)
	}
}

// B144
func TestOpenAISDKBringsItsOwnFallbacks(t *testing.T) {
	srv := conversation(t)
	client := openAI(serve(t, srv))
	resp, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "other-full", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}},
		option.WithJSONSet("fallbacks", []string{"gpt-4o"}))
	if err != nil || resp.Model != "gpt-4o" {
		t.Fatalf("model %v, %v; want gpt-4o", resp, err)
	}
}
