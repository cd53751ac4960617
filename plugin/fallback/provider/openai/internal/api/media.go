package api

import (
	"encoding/base64"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// MediaOf returns a part of a result as a part of a content.
func MediaOf(part *genai.FunctionResponsePart) *genai.Part {
	switch {
	case part.InlineData != nil:
		return &genai.Part{InlineData: &genai.Blob{MIMEType: part.InlineData.MIMEType, Data: part.InlineData.Data, DisplayName: part.InlineData.DisplayName}}
	case part.FileData != nil:
		return &genai.Part{FileData: &genai.FileData{MIMEType: part.FileData.MIMEType, FileURI: part.FileData.FileURI, DisplayName: part.FileData.DisplayName}}
	}
	return &genai.Part{}
}

// DataURL returns data as a data URL in base64.
func DataURL(kind string, data []byte) string {
	const scheme, coding = "data:", ";base64,"
	b := make([]byte, 0, len(scheme)+len(kind)+len(coding)+base64.StdEncoding.EncodedLen(len(data)))
	b = append(append(append(b, scheme...), kind...), coding...)
	return string(base64.StdEncoding.AppendEncode(b, data))
}

// Untaken is the error for a part that affects the answer and that the API does
// not take. Its verdict is to fall back.
func Untaken(what string) error {
	return failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindUnsupported, Scope: failure.ScopeRequest,
		Message: "openai: the API does not take " + what, Reason: "the request has a part that the API does not accept",
	}.Err()
}

// Detail returns OpenAI's name for the resolution at which a model reads an image, "" for its own
// choice.
func Detail(image *genai.Part) string {
	if image.MediaResolution == nil {
		return ""
	}
	switch image.MediaResolution.Level {
	case genai.PartMediaResolutionLevelMediaResolutionLow:
		return "low"
	case genai.PartMediaResolutionLevelMediaResolutionHigh, genai.PartMediaResolutionLevelMediaResolutionUltraHigh:
		return "high"
	}
	return ""
}
