package openaiwire

import (
	"encoding/json"
	"errors"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

// ChatAnswer is a whole chat completion, or one chunk of it.
type ChatAnswer struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []ChatChoice `json:"choices"`
	Usage   *ChatUsage   `json:"usage,omitempty"`

	// Failed is the whole JSON if it tells of an error instead.
	Failed []byte `json:"-"`
	// Alien reports JSON that has none of the fields of an answer.
	Alien bool `json:"-"`

	usage ChatUsage // memory for the pointer
}

// ChatChoice is one of several answers to a request. A whole answer has a
// Message, a chunk has a Delta.
type ChatChoice struct {
	Index        int           `json:"index"`
	Delta        *ChatDelta    `json:"delta,omitempty"`
	Message      *ChatDelta    `json:"message,omitempty"`
	FinishReason *string       `json:"finish_reason"`
	Logprobs     *ChatLogprobs `json:"logprobs,omitempty"`

	NativeFinishReason string `json:"native_finish_reason,omitempty"` // OpenRouter: what the model behind it said

	delta, message ChatDelta // memory for the pointers
	finish         string
}

// Part returns the delta, else the message, else nil.
func (c *ChatChoice) Part() *ChatDelta {
	if c.Delta != nil {
		return c.Delta
	}
	return c.Message
}

// ChatDelta is a message, or what a chunk adds to one.
type ChatDelta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"` // of a list of parts, the texts
	Refusal string  `json:"refusal,omitempty"`

	// The thoughts, of which a server sends one field, or the same text in several.
	ReasoningContent string          `json:"reasoning_content,omitempty"`
	Reasoning        string          `json:"reasoning,omitempty"`
	ReasoningDetails json.RawMessage `json:"reasoning_details,omitempty"` // a list
	Thinking         string          `json:"-"`                           // the thinking parts of the content (Mistral)

	ToolCalls   []ChatCallDelta `json:"tool_calls,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"` // a list
	Images      json.RawMessage `json:"images,omitempty"`      // a list (OpenRouter)

	content string
}

// ChatCallDelta is a tool call, or a piece of one.
type ChatCallDelta struct {
	Index        int             `json:"index"` // -1 if the server gave none
	ID           string          `json:"id,omitempty"`
	Type         string          `json:"type,omitempty"`
	Function     ChatFunction    `json:"function"`
	ExtraContent json.RawMessage `json:"extra_content,omitempty"` // Gemini
}

// ChatUsage counts tokens.
type ChatUsage struct {
	PromptTokens     int64 `json:"prompt_tokens"`     // cached ones included
	CompletionTokens int64 `json:"completion_tokens"` // reasoning included, except at xAI and Gemini
	TotalTokens      int64 `json:"total_tokens"`
	CachedTokens     int64 `json:"-"`
	ReasoningTokens  int64 `json:"-"`
}

// MarshalJSON implements json.Marshaler. The details have all fields of OpenAI's, because
// some clients fail if one is missing: https://github.com/openai-php/client/issues/524.
func (u ChatUsage) MarshalJSON() ([]byte, error) {
	type prompt struct {
		CachedTokens int64 `json:"cached_tokens"`
		AudioTokens  int64 `json:"audio_tokens"`
	}
	type completion struct {
		ReasoningTokens          int64 `json:"reasoning_tokens"`
		AudioTokens              int64 `json:"audio_tokens"`
		AcceptedPredictionTokens int64 `json:"accepted_prediction_tokens"`
		RejectedPredictionTokens int64 `json:"rejected_prediction_tokens"`
	}
	type usage ChatUsage
	return json.Marshal(struct {
		usage
		Prompt     prompt     `json:"prompt_tokens_details"`
		Completion completion `json:"completion_tokens_details"`
	}{usage(u), prompt{CachedTokens: u.CachedTokens}, completion{ReasoningTokens: u.ReasoningTokens}})
}

// ChatLogprobs holds the log probabilities of tokens.
type ChatLogprobs struct {
	Content []Logprob `json:"content"`
}

// Logprob is a token with its log probability, and the likeliest others in
// its place.
type Logprob struct {
	Token       string    `json:"token"`
	Logprob     float64   `json:"logprob"`
	TopLogprobs []Logprob `json:"top_logprobs"`
}

// MarshalJSON implements json.Marshaler. A token has all fields of OpenAI's, since
// clients read the lists without a look whether they are there. Its bytes are not
// known, as null says.
func (p Logprob) MarshalJSON() ([]byte, error) {
	type token struct {
		Token   string  `json:"token"`
		Logprob float64 `json:"logprob"`
		Bytes   []int   `json:"bytes"`
	}
	top := make([]token, len(p.TopLogprobs))
	for i, other := range p.TopLogprobs {
		top[i] = token{Token: other.Token, Logprob: other.Logprob}
	}
	return json.Marshal(struct {
		token
		TopLogprobs []token `json:"top_logprobs"`
	}{token{Token: p.Token, Logprob: p.Logprob}, top})
}

// errNotAnswer is JSON that is no object.
var errNotAnswer = errors.New("openaiwire: the answer is not a JSON object")

// Decode reads a chunk, or a whole answer, into a. Of what a held before, only
// memory is used again; it keeps nothing of data. A field of another type than
// expected reads as absent: one odd field must not cost the answer. The error is
// of JSON that is cut off or broken.
func (a *ChatAnswer) Decode(data []byte) error {
	*a = ChatAnswer{ID: a.ID, Object: a.Object, Model: a.Model, Choices: a.Choices[:0]}
	known, failed, relay := false, false, ChatUsage{}
	err := jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "id":
			a.ID = same(value, a.ID)
		case "model":
			a.Model = same(value, a.Model)
		case "object":
			a.Object = same(value, a.Object)
			failed = failed || a.Object == "error"
		case "created":
			a.Created = count(value)
		case "choices":
			known = known || value[0] == '['
			jsonscan.Each(value, a.choice)
		case "usage":
			known = known || value[0] == '{'
			a.usage.read(value)
		case "x_groq":
			_ = jsonscan.Members(value, func(key, value []byte) {
				switch string(key) {
				case "usage":
					relay.read(value)
				case "error":
					failed = failed || isError(value)
				}
			})
		case "error":
			failed = failed || isError(value)
		}
	})
	if err == jsonscan.ErrNotObject {
		err = errNotAnswer
	}
	if a.usage == (ChatUsage{}) {
		a.usage = relay
	}
	if a.usage != (ChatUsage{}) {
		a.Usage = &a.usage
	}
	a.Alien = !known
	if failed || a.Alien && err == nil && hasErrorWords(data) {
		a.Failed = data
	}
	return err
}

// isError reports whether the value of a field "error" tells of one. Some servers
// decorate each answer with an empty one.
func isError(value []byte) bool {
	switch string(value) {
	case "null", "false", `""`, "{}", "[]", "0":
		return false
	}
	return true
}

// hasErrorWords reports whether JSON without choices has the fields of an error
// body; see readWords.
func hasErrorWords(data []byte) bool {
	found := false
	_ = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "message", "msg", "detail", "errors":
			found = found || isError(value)
		}
	})
	return found
}
