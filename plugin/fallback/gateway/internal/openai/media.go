package openai

import (
	"encoding/base64"
	"mime"
	"net/url"
	"path"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// partOf returns a part of a user's message.
func partOf(part *openaiwire.ChatPart, at string) (*genai.Part, *problem.Problem) {
	switch {
	case part.Type == "text":
		return &genai.Part{Text: part.Text}, nil
	case part.Type == "image_url" && part.ImageURL != nil:
		image, p := imageOf(part.ImageURL.URL, at+".image_url.url")
		if level := details[part.ImageURL.Detail]; level != "" && p == nil {
			image.MediaResolution = &genai.PartMediaResolution{Level: level}
		}
		return image, p
	case part.Type == "input_audio" && part.InputAudio != nil:
		kind := audioTypes[part.InputAudio.Format]
		if kind == "" {
			return nil, problem.Invalid(at+".input_audio.format", "format must be wav or mp3")
		}
		data, err := base64.StdEncoding.DecodeString(part.InputAudio.Data)
		if err != nil || len(data) == 0 {
			return nil, problem.Invalid(at+".input_audio.data", "data is not base64")
		}
		return &genai.Part{InlineData: &genai.Blob{MIMEType: kind, Data: data}}, nil
	case part.Type == "file" && part.File != nil:
		return fileOf(part.File, at+".file")
	}
	return nil, problem.Invalid(at+".type", "a part of type "+problem.Quote(part.Type)+" is not supported, or has no content")
}

// audioTypes are the types of recordings, by their names in the protocol.
var audioTypes = map[string]string{"wav": "audio/wav", "mp3": "audio/mpeg"}

// details are the resolutions of images, by their names in the protocol. The others, such as auto, leave it
// to the model.
var details = map[string]genai.PartMediaResolutionLevel{
	"low":      genai.PartMediaResolutionLevelMediaResolutionLow,
	"high":     genai.PartMediaResolutionLevelMediaResolutionHigh,
	"original": genai.PartMediaResolutionLevelMediaResolutionUltraHigh,
}

// imageOf returns an image.
func imageOf(address, at string) (*genai.Part, *problem.Problem) {
	if strings.HasPrefix(address, "data:") {
		blob, ok := readDataURL(address)
		if !ok {
			return nil, problem.Invalid(at, "a data URL must be data:image/TYPE;base64,DATA")
		}
		return &genai.Part{InlineData: blob}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, problem.Invalid(at, "url must be an http, https or data URL")
	}
	kind, _, _ := mime.ParseMediaType(mime.TypeByExtension(strings.ToLower(path.Ext(u.Path))))
	if !strings.HasPrefix(kind, "image/") {
		kind = "image/jpeg" // by its place, it is an image
	}
	return &genai.Part{FileData: &genai.FileData{FileURI: address, MIMEType: kind}}, nil
}

// fileOf returns a document.
func fileOf(file *openaiwire.ChatFile, at string) (*genai.Part, *problem.Problem) {
	if file.FileData == "" {
		if file.FileID == "" {
			return nil, problem.Invalid(at, "a file needs file_data or file_id")
		}
		return &genai.Part{FileData: &genai.FileData{FileURI: file.FileID, DisplayName: file.Filename}}, nil
	}
	blob, ok := readDataURL(file.FileData)
	if !ok {
		data, err := base64.StdEncoding.DecodeString(file.FileData)
		if err != nil || len(data) == 0 {
			return nil, problem.Invalid(at+".file_data", "file_data is not base64")
		}
		blob = &genai.Blob{MIMEType: "application/pdf", Data: data}
	}
	blob.DisplayName = file.Filename
	return &genai.Part{InlineData: blob}, nil
}

// readDataURL returns the data and type of a data URL in base64.
func readDataURL(address string) (*genai.Blob, bool) {
	rest, ok := strings.CutPrefix(address, "data:")
	kind, text, isBase64 := strings.Cut(rest, ";base64,")
	if !ok || !isBase64 || kind == "" {
		return nil, false
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return &genai.Blob{MIMEType: kind, Data: data}, err == nil && len(data) > 0
}
