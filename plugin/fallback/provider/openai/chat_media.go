package openai

import (
	"encoding/base64"
	"fmt"
	"mime"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

// chatMedia returns an image, a recording or a document as a part of a message;
// false if part is none of them.
func chatMedia(part *genai.Part) (openaiwire.ChatPart, bool, error) {
	switch {
	case part.InlineData != nil:
		return chatInline(part.InlineData)
	case part.FileData != nil:
		return chatLink(part.FileData)
	}
	return openaiwire.ChatPart{}, false, nil
}

func chatInline(blob *genai.Blob) (openaiwire.ChatPart, bool, error) {
	kind, _, _ := mime.ParseMediaType(blob.MIMEType)
	switch {
	case strings.HasPrefix(kind, "image/"):
		return openaiwire.ChatPart{Type: "image_url", ImageURL: &openaiwire.ChatImage{URL: dataURL(kind, blob.Data)}}, true, nil
	case kind == "application/pdf":
		return openaiwire.ChatPart{Type: "file", File: &openaiwire.ChatFile{
			Filename: longer(blob.DisplayName, "document.pdf"), FileData: dataURL(kind, blob.Data),
		}}, true, nil
	case audioFormats[kind] != "":
		return openaiwire.ChatPart{Type: "input_audio", InputAudio: &openaiwire.ChatAudio{
			Data: base64.StdEncoding.EncodeToString(blob.Data), Format: audioFormats[kind],
		}}, true, nil
	case strings.HasPrefix(kind, "text/"), kind == "application/json":
		return openaiwire.ChatPart{Type: "text", Text: string(blob.Data)}, len(blob.Data) > 0, nil
	}
	return openaiwire.ChatPart{}, false, untaken("input of type " + blob.MIMEType)
}

// audioFormats are the types of recordings that have a name in the protocol.
var audioFormats = map[string]string{
	"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3",
}

func chatLink(file *genai.FileData) (openaiwire.ChatPart, bool, error) {
	kind, _, _ := mime.ParseMediaType(file.MIMEType)
	isWeb := strings.HasPrefix(file.FileURI, "https://") || strings.HasPrefix(file.FileURI, "http://") || strings.HasPrefix(file.FileURI, "data:")
	switch {
	case isWeb && (strings.HasPrefix(kind, "image/") || kind == ""):
		return openaiwire.ChatPart{Type: "image_url", ImageURL: &openaiwire.ChatImage{URL: file.FileURI}}, true, nil
	case strings.HasPrefix(file.FileURI, "file-"):
		return openaiwire.ChatPart{Type: "file", File: &openaiwire.ChatFile{FileID: file.FileURI}}, true, nil
	case kind == "application/pdf" && strings.HasPrefix(file.FileURI, "data:"):
		return openaiwire.ChatPart{Type: "file", File: &openaiwire.ChatFile{Filename: longer(file.DisplayName, "document.pdf"), FileData: file.FileURI}}, true, nil
	}
	scheme, _, _ := strings.Cut(file.FileURI, ":")
	return openaiwire.ChatPart{}, false, untaken(fmt.Sprintf("a file of type %q at a URI of scheme %q", file.MIMEType, scheme))
}
