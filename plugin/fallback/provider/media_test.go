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

// B102: the resolution of a part is sent to targets that have one, and to no other.
func TestPartResolution(t *testing.T) {
	low := &genai.PartMediaResolution{Level: genai.PartMediaResolutionLevelMediaResolutionLow}
	for name, test := range map[string]struct {
		target provider.Target
		want   bool
	}{
		"Gemini 3": {flash3, true}, "Gemini 4": {provider.Target{API: provider.Vertex, Model: "gemini-4-neon"}, true}, "Gemini 2.5": {flash25, false},
		"Gemma": {provider.Target{API: provider.Gemini, Model: "gemma-4-31b-it"}, false}, "Claude": {sonnet, false}, "Responses": {gpt4o, true},
		"chat completions": {provider.Target{API: provider.Chat, Model: "pixtral", Endpoint: "127.0.0.1"}, true},
	} {
		given := []*genai.Part{
			{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("hi")}, MediaResolution: low},
			{FileData: &genai.FileData{FileURI: "data:image/png;base64,aGk="}, MediaResolution: low},
			{Text: "what is this?", MediaResolution: low},
		}
		req, _ := fit(t, test.target, nil, ask(given...))
		for i, part := range req.Contents[0].Parts {
			if got, want := part.MediaResolution != nil, test.want && i < 2; got != want {
				t.Errorf("%s, part %d: has a resolution: %v, want %v", name, i, got, want)
			}
		}
		if given[0].MediaResolution == nil {
			t.Errorf("%s: the caller's part was changed", name)
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

// everyTarget has a model of each API that takes images.
var everyTarget = []provider.Target{
	flash3, {API: provider.Vertex, Model: "gemini-3-flash"}, gpt4o, {API: provider.Chat, Model: "gpt-4o", Endpoint: "api.openai.com"}, sonnet,
}

// B100: media in a system instruction, which is text only for every API, move to the user's
// turn.
func TestMediaOfTheSystemInstruction(t *testing.T) {
	image := genai.NewPartFromBytes([]byte("png"), "image/png")
	for _, target := range everyTarget {
		given := &genai.GenerateContentConfig{SystemInstruction: &genai.Content{Parts: []*genai.Part{{Text: "be brief"}, image}}}
		req, fitted := fit(t, target, given, ask(genai.NewPartFromText("hi")))
		if system := req.Config.SystemInstruction; len(system.Parts) != 1 || system.Parts[0].Text != "be brief" {
			t.Errorf("%s: the instruction is %+v", target.API, system.Parts)
		}
		if parts := req.Contents[0].Parts; len(parts) != 2 || parts[0] != image || parts[1].Text != "hi" {
			t.Errorf("%s: the user says %+v", target.API, parts)
		}
		if !slices.Contains(fitted.Adapted, "media: from the system instruction to the user's turn") || len(given.SystemInstruction.Parts) != 2 {
			t.Errorf("%s: adapted %q, and the caller's instruction has %d parts", target.API, fitted.Adapted, len(given.SystemInstruction.Parts))
		}
	}
	req := &model.LLMRequest{Contents: ask(genai.NewPartFromText("hi")), Config: &genai.GenerateContentConfig{SystemInstruction: &genai.Content{Parts: []*genai.Part{genai.NewPartFromBytes([]byte("x"), "video/mp4")}}}}
	if _, err := sonnet.Fit(req); err == nil {
		t.Error("a video in the instruction was sent to Anthropic")
	}
}

// B100: empty media are not sent, and images have the usual name of their type, also in
// results of tools.
func TestMediaThatIsSentOtherwise(t *testing.T) {
	for _, target := range everyTarget {
		req, _ := fit(t, target, nil, []*genai.Content{
			{Role: genai.RoleUser, Parts: []*genai.Part{
				{Text: "hi"}, {InlineData: &genai.Blob{MIMEType: "image/png"}}, {FileData: &genai.FileData{MIMEType: "image/png"}}, {InlineData: &genai.Blob{MIMEType: "video/mp4"}},
				genai.NewPartFromBytes([]byte("a"), "image/jpg"), genai.NewPartFromBytes([]byte(`{"b":1}`), "application/json; charset=utf-8"),
			}},
			{Role: genai.RoleModel, Parts: []*genai.Part{call("look", nil)}},
			{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "look", Response: map[string]any{"a": "b"}, Parts: []*genai.FunctionResponsePart{
				{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png"}}, {InlineData: &genai.FunctionResponseBlob{MIMEType: "image/jpg", Data: []byte("c")}},
			}}}}},
		})
		if parts := req.Contents[0].Parts; len(parts) != 3 || parts[1].InlineData.MIMEType != "image/jpeg" || parts[2].Text != `{"b":1}` {
			t.Errorf("%s: the user says %+v", target.API, parts)
		}
		var kinds []string
		for _, content := range req.Contents[1:] {
			for _, part := range content.Parts {
				if part.InlineData != nil {
					kinds = append(kinds, part.InlineData.MIMEType)
				} else if part.FunctionResponse != nil {
					for _, media := range part.FunctionResponse.Parts {
						kinds = append(kinds, media.InlineData.MIMEType)
					}
				}
			}
		}
		if !slices.Equal(kinds, []string{"image/jpeg"}) {
			t.Errorf("%s: the result has media of %q", target.API, kinds)
		}
	}
}
