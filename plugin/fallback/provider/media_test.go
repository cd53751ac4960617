package provider_test

import (
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
