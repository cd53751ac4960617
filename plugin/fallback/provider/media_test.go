package provider_test

import (
	"slices"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// B100: an image in a data: URL is sent as data, which every API takes.
func TestDataURLsAreSentAsData(t *testing.T) {
	for _, api := range []provider.API{provider.Gemini, provider.Vertex, provider.Responses, provider.Chat, provider.Anthropic} {
		url := &genai.Part{FileData: &genai.FileData{FileURI: "data:image/png;base64,aGk="}}
		req := &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "what is this?"}, url}}}}
		if _, err := (provider.Target{API: api}).Fit(req); err != nil {
			t.Errorf("%s: %v", api, err)
			continue
		}
		blob := req.Contents[0].Parts[1].InlineData
		if blob == nil || blob.MIMEType != "image/png" || string(blob.Data) != "hi" {
			t.Errorf("%s: the image became %+v, want its data", api, req.Contents[0].Parts[1])
		}
		if url.FileData == nil || url.InlineData != nil {
			t.Errorf("%s: the caller's part was changed", api)
		}
	}
}

// B102: the id of an uploaded file is sent to the vendor that has the file, and to no
// other.
func TestFilesByID(t *testing.T) {
	targets := map[provider.API]provider.Target{
		provider.Gemini: flash3, provider.Vertex: {API: provider.Vertex, Model: "gemini-3-flash"}, provider.Anthropic: sonnet,
		provider.Chat: {API: provider.Chat, Model: "gpt-4o", Endpoint: "api.openai.com"}, provider.Responses: gpt4o,
	}
	for _, test := range []struct {
		id, kind string
		owners   []provider.API
	}{
		{"file-abc123", "", []provider.API{provider.Responses, provider.Chat}},
		{"file-abc123", "application/pdf", []provider.API{provider.Responses, provider.Chat}},
		{"file_abc123", "application/pdf", []provider.API{provider.Anthropic}},
		{"files/abc123", "application/pdf", []provider.API{provider.Gemini}},
	} {
		for api, target := range targets {
			file := &genai.Part{FileData: &genai.FileData{FileURI: test.id, MIMEType: test.kind}}
			req := &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "sum it up"}, file}}}}
			_, err := target.Fit(req)
			if sent := err == nil; sent != slices.Contains(test.owners, api) {
				t.Errorf("%s %q at %s: %v", test.id, test.kind, api, err)
			} else if sent && req.Contents[0].Parts[1] != file {
				t.Errorf("%s %q at %s became %+v", test.id, test.kind, api, req.Contents[0].Parts[1])
			}
		}
	}
	ollama := provider.Target{API: provider.Chat, Model: "llama", Endpoint: "localhost:11434"}
	req := &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: []*genai.Part{genai.NewPartFromURI("file-abc123", "")}}}}
	if _, err := ollama.Fit(req); err == nil {
		t.Error("Ollama, which takes no files, is sent the id of one")
	}
}
