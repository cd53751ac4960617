package middleware

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// A token is about four characters of English
// (https://ai.google.dev/gemini-api/docs/tokens). Bytes stand for characters:
// scripts of more bytes a character have fewer characters a token.
const bytesPerToken = 4

// maxNesting bounds the look into the values of function calls.
const maxNesting = 16

// estimateTokens returns about how many input tokens a request has, at least 1.
func estimateTokens(req *model.LLMRequest) int {
	size := 0
	for _, content := range req.Contents {
		size += contentSize(content)
	}
	if req.Config != nil {
		size += contentSize(req.Config.SystemInstruction)
	}
	return max((size+bytesPerToken-1)/bytesPerToken, 1)
}

func contentSize(content *genai.Content) int {
	if content == nil {
		return 0
	}
	size := 0
	for _, part := range content.Parts {
		if part == nil {
			continue
		}
		size += len(part.Text)
		if part.FunctionCall != nil {
			size += valueSize(part.FunctionCall.Args, maxNesting)
		}
		if part.FunctionResponse != nil {
			size += valueSize(part.FunctionResponse.Response, maxNesting)
		}
	}
	return size
}

// valueSize is about the size of a JSON value in bytes.
func valueSize(value any, nesting int) int {
	if nesting == 0 {
		return bytesPerToken
	}
	size := 0
	switch v := value.(type) {
	case string:
		return len(v)
	case map[string]any:
		for key, element := range v {
			size += len(key) + valueSize(element, nesting-1)
		}
	case []any:
		for _, element := range v {
			size += valueSize(element, nesting-1)
		}
	default:
		return bytesPerToken
	}
	return size
}
