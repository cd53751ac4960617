package responses

import (
	"cmp"
	"mime"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// mediaPart returns an image or a document as a part of a message; false if part
// is neither.
func mediaPart(part *genai.Part) (wire.Part, bool, error) {
	var media wire.Part
	var ok bool
	var err error
	switch {
	case part.InlineData != nil:
		media, ok, err = inlinePart(part.InlineData)
	case part.FileData != nil:
		media, ok, err = linkedPart(part.FileData)
	}
	if media.Type == wire.PartInputImage {
		media.Detail = cmp.Or(api.Detail(part), "auto")
	}
	return media, ok, err
}

func inlinePart(blob *genai.Blob) (media wire.Part, ok bool, err error) {
	kind, _, _ := mime.ParseMediaType(blob.MIMEType)
	switch {
	case strings.HasPrefix(kind, "image/"):
		return wire.Part{Type: wire.PartInputImage, ImageURL: api.DataURL(kind, blob.Data)}, true, nil
	case kind == "application/pdf":
		return wire.Part{Type: wire.PartInputFile, Filename: cmp.Or(blob.DisplayName, "document.pdf"), FileData: api.DataURL(kind, blob.Data)}, true, nil
	case strings.HasPrefix(kind, "text/"), kind == "application/json":
		return wire.Part{Type: wire.PartInputText, Text: strings.ToValidUTF8(string(blob.Data), "\uFFFD")}, len(blob.Data) > 0, nil
	}
	return media, false, api.Untaken("input of type " + blob.MIMEType)
}

func linkedPart(file *genai.FileData) (media wire.Part, ok bool, err error) {
	kind, _, _ := mime.ParseMediaType(file.MIMEType)
	image := strings.HasPrefix(kind, "image/")
	switch {
	case strings.HasPrefix(file.FileURI, "file-"):
		media.Type, media.FileID = wire.PartInputFile, file.FileURI
	case !strings.HasPrefix(file.FileURI, "https://") && !strings.HasPrefix(file.FileURI, "http://") && !strings.HasPrefix(file.FileURI, "data:"):
		scheme, _, _ := strings.Cut(file.FileURI, ":")
		return media, false, api.Untaken("a file at a URI of scheme " + scheme)
	case image:
		media.ImageURL = file.FileURI
	case kind == "application/pdf" || kind == "":
		media.Type, media.FileURL = wire.PartInputFile, file.FileURI
	default:
		return media, false, api.Untaken("input of type " + file.MIMEType)
	}
	if image {
		media.Type = wire.PartInputImage
	}
	return media, true, nil
}
