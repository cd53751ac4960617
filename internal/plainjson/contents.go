package plainjson

import (
	"encoding/json"

	"google.golang.org/genai"
)

// exactContents are the values of contents in which package json, decoding genai's types,
// would change whole numbers above 2⁵³, such as ids of 64 bits.
type exactContents struct {
	Contents []struct {
		Parts []struct {
			FunctionCall struct {
				Args json.RawMessage `json:"args"`
			} `json:"functionCall"`
			FunctionResponse struct {
				Response json.RawMessage `json:"response"`
			} `json:"functionResponse"`
		} `json:"parts"`
	} `json:"contents"`
}

// KeepNumbers puts the exact numbers of body into contents, which package json has decoded
// from body's field contents. The values are then as [Object] reads them.
func KeepNumbers(body []byte, contents []*genai.Content) {
	if !HasLongNumber(body) {
		return
	}
	var exact exactContents
	if json.Unmarshal(body, &exact) != nil {
		return // not reached: it has been decoded
	}
	for i, content := range contents {
		if content == nil || i >= len(exact.Contents) || len(exact.Contents[i].Parts) != len(content.Parts) {
			continue
		}
		for j, part := range content.Parts {
			if part == nil {
				continue
			}
			from := &exact.Contents[i].Parts[j]
			if part.FunctionCall != nil {
				keep(&part.FunctionCall.Args, from.FunctionCall.Args)
			}
			if part.FunctionResponse != nil {
				keep(&part.FunctionResponse.Response, from.FunctionResponse.Response)
			}
		}
	}
}

func keep(to *map[string]any, from json.RawMessage) {
	if object, err := Object(from); err == nil && object != nil {
		*to = object
	}
}
