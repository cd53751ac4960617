package chat

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"mime"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// media returns an image, a recording or a document in the form of the server; false if
// part is none of them.
func (e *encoder) media(part *genai.Part) (openaiwire.ChatPart, bool, error) {
	one, ok, err := mediaPart(part)
	if one.ImageURL != nil {
		one.ImageURL.Detail = api.Detail(part)
	}
	if e.dialect.documentURL && one.File != nil && one.File.FileData != "" {
		one = openaiwire.ChatPart{Type: "document_url", DocumentURL: one.File.FileData}
	}
	return one, ok, err
}

// mediaPart returns an image, a recording or a document as a part of a message;
// false if part is none of them.
func mediaPart(part *genai.Part) (openaiwire.ChatPart, bool, error) {
	switch {
	case part.InlineData != nil:
		return inlinePart(part.InlineData)
	case part.FileData != nil:
		return linkedPart(part.FileData)
	}
	return openaiwire.ChatPart{}, false, nil
}

func inlinePart(blob *genai.Blob) (openaiwire.ChatPart, bool, error) {
	kind, _, _ := mime.ParseMediaType(blob.MIMEType)
	switch {
	case strings.HasPrefix(kind, "image/"):
		return openaiwire.ChatPart{Type: "image_url", ImageURL: &openaiwire.ChatImage{URL: api.DataURL(kind, blob.Data)}}, true, nil
	case kind == "application/pdf":
		return openaiwire.ChatPart{Type: "file", File: &openaiwire.ChatFile{
			Filename: cmp.Or(blob.DisplayName, "document.pdf"), FileData: api.DataURL(kind, blob.Data),
		}}, true, nil
	case audioFormats[kind] != "":
		return openaiwire.ChatPart{Type: "input_audio", InputAudio: &openaiwire.ChatAudio{
			Data: base64.StdEncoding.EncodeToString(blob.Data), Format: audioFormats[kind],
		}}, true, nil
	case strings.HasPrefix(kind, "text/"), kind == "application/json":
		return openaiwire.ChatPart{Type: "text", Text: string(blob.Data)}, len(blob.Data) > 0, nil
	}
	return openaiwire.ChatPart{}, false, api.Untaken("input of type " + blob.MIMEType)
}

// audioFormats are the types of recordings that have a name in the protocol.
var audioFormats = map[string]string{
	"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3",
}

func linkedPart(file *genai.FileData) (openaiwire.ChatPart, bool, error) {
	kind, _, _ := mime.ParseMediaType(file.MIMEType)
	isWeb := strings.HasPrefix(file.FileURI, "https://") || strings.HasPrefix(file.FileURI, "http://") || strings.HasPrefix(file.FileURI, "data:")
	switch {
	case isWeb && (strings.HasPrefix(kind, "image/") || kind == ""):
		return openaiwire.ChatPart{Type: "image_url", ImageURL: &openaiwire.ChatImage{URL: file.FileURI}}, true, nil
	case strings.HasPrefix(file.FileURI, "file-"):
		return openaiwire.ChatPart{Type: "file", File: &openaiwire.ChatFile{FileID: file.FileURI}}, true, nil
	case kind == "application/pdf" && strings.HasPrefix(file.FileURI, "data:"):
		return openaiwire.ChatPart{Type: "file", File: &openaiwire.ChatFile{Filename: cmp.Or(file.DisplayName, "document.pdf"), FileData: file.FileURI}}, true, nil
	}
	scheme, _, _ := strings.Cut(file.FileURI, ":")
	return openaiwire.ChatPart{}, false, api.Untaken(fmt.Sprintf("a file of type %q at a URI of scheme %q", file.MIMEType, scheme))
}

// readDataURL returns what a data URL in base64 holds.
func readDataURL(url string) (kind string, data []byte, ok bool) {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return "", nil, false
	}
	kind, text, ok := strings.Cut(rest, ";base64,")
	if !ok {
		return "", nil, false
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return kind, data, err == nil && len(data) > 0
}
