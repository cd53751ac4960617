package gemini

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

// The Gemini API takes looser JSON than package json does, like all APIs defined by protocol buffers
// (https://protobuf.dev/programming-guides/json/):
//   - field names in snake_case, as in Google's examples for curl
//   - a single element in place of a list, as in {"contents": {"parts": {"text": "Hello"}}}
//   - base64 with the alphabet for URLs, which google-genai for Python sends, and without padding
//   - numbers as strings, as @google/genai for JavaScript sends the limits of schemas
//   - numbers as values of enumerations, as google-generativeai for Python sends them over REST

// repeated are the fields that hold a list.
var repeated = request.SetOf("contents", "parts", "tools", "functionDeclarations", "safetySettings", "requests",
	"stopSequences", "allowedFunctionNames", "responseModalities", "required", "propertyOrdering")

// binary are the fields that hold base64.
var binary = request.SetOf("data", "thoughtSignature", "continuationToken", "voiceSampleAudio", "consentAudio")

// numeric are the fields that hold a number.
var numeric = request.SetOf("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "logprobs", "presencePenalty", "frequencyPenalty", "seed", "thinkingBudget",
	"outputDimensionality", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum")

// enumerations are the names of the values of some fields, in the order of their numbers in
// google/ai/generativelanguage/v1beta.
var enumerations = map[string][]string{
	"type": {"TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"},
	"mode": {"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"},
	"category": {
		"HARM_CATEGORY_UNSPECIFIED", "HARM_CATEGORY_DEROGATORY", "HARM_CATEGORY_TOXICITY", "HARM_CATEGORY_VIOLENCE", "HARM_CATEGORY_SEXUAL", "HARM_CATEGORY_MEDICAL",
		"HARM_CATEGORY_DANGEROUS", "HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT", "HARM_CATEGORY_CIVIC_INTEGRITY",
	},
	"threshold":          {"HARM_BLOCK_THRESHOLD_UNSPECIFIED", "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"},
	"responseModalities": {"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"},
	"taskType": {
		"TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
	},
}

// opaque are the fields whose values are the client's own.
var opaque = request.SetOf("args", "response", "parametersJsonSchema", "responseJsonSchema", "labels", "partMetadata", "default", "example", "enum")

// named are the fields whose values are objects with names of the client's own, and a schema for each.
var named = request.SetOf("properties", "defs")

// decode decodes body into v, which points to a struct. It returns body, or the stricter form of it
// that it has decoded.
func decode(body []byte, v any) ([]byte, error) {
	if !hasSnakeKeys(body) {
		if err := json.Unmarshal(body, v); err == nil {
			return body, nil
		}
		reflect.ValueOf(v).Elem().SetZero() // discard what the failed call has decoded
	}
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return body, json.Unmarshal(body, v) // whose error says where
	}
	r := &rewriter{in: compact.Bytes()}
	r.value("", false)
	return r.out, json.Unmarshal(r.out, v)
}

// rewriter copies a JSON value, which must be valid and without space, and changes it to the form
// that package json decodes. It keeps the order of fields: models write arguments and answers in the
// order of the properties of their schemas.
type rewriter struct {
	in, out []byte
	at      int // the next byte of in
}

// value copies the value of a field in camelCase, or an element of its list.
func (r *rewriter) value(field string, element bool) {
	first := r.in[r.at]
	alone := repeated[field] && !element && first != '[' && first != 'n' // null
	if alone {
		r.out = append(r.out, '[')
	}
	switch first {
	case '{':
		r.object(field)
	case '[':
		r.list(func() { r.value(field, true) }, ']')
	default:
		r.out = append(r.out, strict(field, r.next())...)
	}
	if alone {
		r.out = append(r.out, ']')
	}
}

// object copies the object that a field has.
func (r *rewriter) object(field string) {
	r.list(func() {
		key := r.next()
		name := camelOf(string(key[1 : len(key)-1]))
		if named[field] {
			name = ""
			r.out = append(r.out, key...)
		} else {
			r.out = append(append(append(r.out, '"'), name...), '"')
		}
		r.out = append(r.out, ':')
		r.at++
		if opaque[name] {
			r.out = append(r.out, r.next()...)
			return
		}
		r.value(name, false)
	}, '}')
}

// list copies what begins with a bracket and ends with end; element copies each of its elements.
func (r *rewriter) list(element func(), end byte) {
	r.out = append(r.out, r.in[r.at])
	for r.at++; r.in[r.at] != end; {
		if r.in[r.at] == ',' {
			r.out = append(r.out, ',')
			r.at++
		}
		element()
	}
	r.out = append(r.out, end)
	r.at++
}

// next returns the value at r.at, or a key, and moves behind it.
func (r *rewriter) next() []byte {
	start := r.at
	r.at = jsonscan.SkipValue(r.in, start)
	return r.in[start:r.at]
}

// strict returns the text of a field's value, which is neither an object nor a list.
func strict(field string, value []byte) []byte {
	text, isText := jsonscan.Unquote(value)
	switch {
	case isText && binary[field]:
		if standard := standardBase64(text); standard != text {
			return []byte(`"` + standard + `"`)
		}
	case numeric[field]:
		if isText && json.Valid([]byte(text)) && strings.IndexByte("-0123456789", text[0]) >= 0 {
			value = []byte(text)
		}
		return jsonscan.Integers(value)
	case !isText:
		if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 && n < len(enumerations[field]) {
			return []byte(`"` + enumerations[field][n] + `"`)
		}
	}
	return value
}

var standardAlphabet = strings.NewReplacer("-", "+", "_", "/")

// standardBase64 returns base64 of either alphabet, padded or not, with the standard alphabet and
// padding.
func standardBase64(text string) string {
	digits := strings.TrimRight(text, "=")
	if pad := -len(digits) & 3; digits != "" && pad < 3 {
		return standardAlphabet.Replace(digits) + "=="[:pad]
	}
	return text // not base64
}
