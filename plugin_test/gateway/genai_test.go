package gateway_test

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func geminiClient(t *testing.T, url string) *genai.Client {
	t.Helper()
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: "test", HTTPOptions: genai.HTTPOptions{BaseURL: url}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// B144
func TestGenaiSDKHoldsAConversation(t *testing.T) {
	each(t, func(t *testing.T, srv *ft.Server, streamed bool, model string) {
		client := geminiClient(t, serve(t, srv))
		config := &genai.GenerateContentConfig{
			SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser),
			Tools:             []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather", ParametersJsonSchema: weatherSchema}}}},
		}
		contents := genai.Text("How is it in Köln and Paris?")
		first := generate(t, client, contents, config, streamed)
		calls := first.FunctionCalls()
		if len(calls) != 2 || first.ModelVersion == "" || first.Text() != "One moment." {
			t.Fatalf("first answer = %+v", first)
		}
		results := &genai.Content{Role: genai.RoleUser}
		for i, city := range []string{"Köln", "Paris"} {
			if calls[i].Name != "weather" || calls[i].Args["city"] != city {
				t.Errorf("call %d = %s(%v), want weather(%s)", i, calls[i].Name, calls[i].Args, city)
			}
			results.Parts = append(results.Parts, &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: calls[i].ID, Name: "weather", Response: map[string]any{"sky": "clear"}}})
		}
		second := generate(t, client, append(contents, first.Candidates[0].Content, results), config, streamed)
		if second.Text() != "It is clear there." || second.Candidates[0].FinishReason != genai.FinishReasonStop {
			t.Errorf("second answer = %q %v", second.Text(), second.Candidates[0].FinishReason)
		}
		if u := second.UsageMetadata; u == nil || u.PromptTokenCount != 11 || u.CandidatesTokenCount != 4 {
			t.Errorf("usage = %+v, want that of %s", u, model)
		}
	})
}

// generate returns the answer; the chunks of a stream are joined.
func generate(t *testing.T, client *genai.Client, contents []*genai.Content, config *genai.GenerateContentConfig, streamed bool) *genai.GenerateContentResponse {
	t.Helper()
	if !streamed {
		resp, err := client.Models.GenerateContent(t.Context(), "assistant", contents, config)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	whole := &genai.Content{Role: genai.RoleModel}
	var last *genai.GenerateContentResponse
	text := ""
	for resp, err := range client.Models.GenerateContentStream(t.Context(), "assistant", contents, config) {
		if err != nil {
			t.Fatal(err)
		}
		last = resp
		if len(resp.Candidates) == 0 || resp.Candidates[0].Content == nil {
			continue
		}
		for _, part := range resp.Candidates[0].Content.Parts {
			if part.FunctionCall != nil {
				whole.Parts = append(whole.Parts, part)
			}
			text += part.Text
		}
	}
	whole.Parts = append([]*genai.Part{{Text: text}}, whole.Parts...)
	if len(last.Candidates) == 0 {
		t.Fatalf("the last chunk has no candidate: %+v", last)
	}
	last.Candidates[0].Content = whole
	return last
}

// B144
func TestGenaiSDKSeesErrors(t *testing.T) {
	client := geminiClient(t, serve(t, conversation(t)))
	for _, test := range []struct {
		model, word string
		status      int
	}{
		{"other-locked", "", 502},
		{"other-full", "RESOURCE_EXHAUSTED", 429},
		{"unknown", "NOT_FOUND", 404},
	} {
		_, err := client.Models.GenerateContent(t.Context(), test.model, genai.Text("hi"), nil)
		var refused genai.APIError
		if !errors.As(err, &refused) || refused.Code != test.status || test.word != "" && refused.Status != test.word {
			t.Errorf("%s: %v, want %d %s", test.model, err, test.status, test.word)
		}
	}
	broke := false
	for _, err := range client.Models.GenerateContentStream(t.Context(), "other-breaks", genai.Text("hi"), nil) {
		broke = broke || err != nil
	}
	if !broke {
		t.Error("an answer that breaks off has no error")
	}
}

// B144
func TestGenaiSDKListsModels(t *testing.T) {
	client := geminiClient(t, serve(t, conversation(t)))
	var names []string
	for m, err := range client.Models.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	if want := []string{"models/assistant", "models/gemini-2.5-flash", "models/gpt-4o"}; !slices.Equal(names, want) {
		t.Errorf("models %q, want %q", names, want)
	}
}
