package openaiwire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"reflect"
)

// EmbeddingsRequest asks for the embeddings of texts.
//
// Source: openai/openai-openapi, CreateEmbeddingRequest.
type EmbeddingsRequest struct {
	Model          string          `json:"model"`
	Input          EmbeddingsInput `json:"input"`
	Dimensions     *int64          `json:"dimensions,omitempty"`
	EncodingFormat string          `json:"encoding_format,omitempty"` // "float" or "base64"; "" means float
	User           string          `json:"user,omitempty"`
}

// EmbeddingsInput is a list of texts. On the wire it may be one text.
type EmbeddingsInput []string

// ErrTokens is an input of tokens, which only the model that they are made for can read.
var ErrTokens = errors.New("openaiwire: the input is a list of tokens; it must be texts")

// UnmarshalJSON implements json.Unmarshaler.
func (in *EmbeddingsInput) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*in = make(EmbeddingsInput, 1)
		return json.Unmarshal(data, &(*in)[0])
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil {
		return err
	}
	*in = make(EmbeddingsInput, len(elements))
	for i, element := range elements {
		if c := element[0]; c == '[' || c == '-' || c >= '0' && c <= '9' {
			return ErrTokens
		}
		if string(element) == "null" { // package json would decode it as an empty text
			return &json.UnmarshalTypeError{Value: "null", Type: reflect.TypeFor[string]()}
		}
		if err := json.Unmarshal(element, &(*in)[i]); err != nil {
			return err
		}
	}
	return nil
}

// Embeddings is the answer.
type Embeddings struct {
	Object string          `json:"object"`
	Data   []Embedding     `json:"data"`
	Model  string          `json:"model"`
	Usage  EmbeddingsUsage `json:"usage"`
}

// EmbeddingsUsage counts tokens.
type EmbeddingsUsage struct {
	PromptTokens int64 `json:"prompt_tokens"`
	TotalTokens  int64 `json:"total_tokens"`
}

// Embedding is the embedding of one text.
type Embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding Vector `json:"embedding"`
}

// Vector is a list of numbers. On the wire it is a list, or in base64 the numbers in
// 32 bits each, the lowest first.
type Vector struct {
	Values []float32
	Base64 bool
}

// MarshalJSON implements json.Marshaler.
func (v Vector) MarshalJSON() ([]byte, error) {
	if !v.Base64 {
		return json.Marshal(v.Values)
	}
	data := make([]byte, 0, 4*len(v.Values))
	for _, value := range v.Values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(data))
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Vector) UnmarshalJSON(data []byte) error {
	*v = Vector{}
	if len(data) == 0 || data[0] != '"' {
		return json.Unmarshal(data, &v.Values)
	}
	v.Base64 = true
	var packed []byte
	if err := json.Unmarshal(data, &packed); err != nil {
		return err
	}
	if len(packed)%4 != 0 {
		return errors.New("openaiwire: an embedding in base64 has not 32 bits per number")
	}
	for ; len(packed) > 0; packed = packed[4:] {
		v.Values = append(v.Values, math.Float32frombits(binary.LittleEndian.Uint32(packed)))
	}
	return nil
}
