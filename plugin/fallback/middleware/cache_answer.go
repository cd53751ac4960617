package middleware

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// answer is a response as the cache keeps it. It is never changed and never
// handed out: what is handed out is a copy.
type answer struct {
	model   string         // the target that gave it
	content *genai.Content // without signatures
	rest    []byte         // the response but for its content and usage, as JSON: small, and a new copy each time
	weight  uint32         // estimate of the memory it takes, in bytes
	at      time.Time      // when it was given
}

// What an answer takes beside its texts, rounded up: a node of the cache, its
// key and the structs, and for each part one genai.Part.
const (
	answerOverhead = 1024
	partOverhead   = 512
)

// newAnswer returns resp as the named model's answer, for the cache to keep, or
// nil if it is none to be kept. Of resp it shares the bytes of images and other
// data, which nobody writes to.
func newAnswer(name string, resp *model.LLMResponse) *answer {
	if !isKeepable(resp) {
		return nil
	}
	rest := *resp
	request.DropSignatures(&rest)
	a := &answer{model: name, content: request.CloneContents([]*genai.Content{rest.Content})[0], at: time.Now()}
	for _, part := range a.content.Parts {
		part.Text = strings.Clone(part.Text) // it may be the half of a larger buffer
	}
	rest.Content, rest.UsageMetadata = nil, nil
	rest.CustomMetadata = foreign(resp.CustomMetadata)
	text, err := json.Marshal(a.content) // for its length alone, which is never below that of the texts and data in it
	if err != nil {
		return nil
	}
	if a.rest, err = json.Marshal(&rest); err != nil || a.response() == nil {
		return nil // somebody's metadata cannot be copied
	}
	weight := answerOverhead + len(a.content.Parts)*partOverhead + len(text) + len(a.rest)
	a.weight = uint32(min(int64(weight), math.MaxUint32))
	return a
}

// response returns a as a response.
func (a *answer) response() *model.LLMResponse {
	resp := &model.LLMResponse{}
	if err := json.Unmarshal(a.rest, resp); err != nil {
		return nil // newAnswer has made sure that it is not
	}
	resp.Content = request.CloneContents([]*genai.Content{a.content})[0]
	return resp
}

// isKeepable tells whether resp is a whole answer of a model, made of content
// that means the same to whoever asks.
func isKeepable(resp *model.LLMResponse) bool {
	if resp.Partial || resp.Interrupted || resp.ErrorCode != "" || resp.FinishReason != genai.FinishReasonStop || resp.Content == nil {
		return false
	}
	if md, ok := call.ReadResponse(resp); ok {
		given := md.CacheStatus == call.CacheHit || md.CacheStatus == call.CacheStale // by another cache: its time runs already
		if given || md.Degraded != "" {
			return false
		}
	}
	said := false
	for _, part := range resp.Content.Parts {
		if part == nil || part.FunctionCall != nil || part.FunctionResponse != nil || part.ToolCall != nil || part.ToolResponse != nil {
			return false
		}
		said = said || !part.Thought
	}
	return said
}

// foreign returns what in custom is not this module's: what is, tells of the
// call that the answer came from.
func foreign(custom map[string]any) map[string]any {
	var others map[string]any
	for key, value := range custom {
		if _, ours := call.ReadMap(map[string]any{key: value}); ours {
			continue
		}
		if others == nil {
			others = make(map[string]any)
		}
		others[key] = value
	}
	return others
}
