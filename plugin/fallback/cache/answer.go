package cache

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// answer is a response as the cache keeps it. Only paused changes, and only copies
// are handed out.
type answer struct {
	front   bool              // it is of the model that the cache is in front of; else it is only for Lookup
	content *genai.Content    // without signatures
	plain   model.LLMResponse // the rest, if it holds nothing by reference
	other   []byte            // else the rest as JSON: a new copy each time
	text    *genai.Part       // the only part of content, if it is flat; else nil
	weight  uint32            // estimate of the memory it takes, in bytes
	at      time.Time         // when the model answered
	paused  atomic.Int64      // no refresh before this time, in Unix nanoseconds
}

// The memory of an answer besides its texts, rounded up: a node of the cache, its key
// and the structs, and one genai.Part for each part.
const (
	answerOverhead = 1024
	partOverhead   = 512
)

// newAnswer returns resp, a response in out for the cache in front of a model, as
// an answer to keep, or nil if it must not be kept. It shares the bytes of images
// and other data with resp, which nobody writes to.
func newAnswer(l *cached, out *stream.Sink, resp *model.LLMResponse) *answer {
	md, _ := call.ReadResponse(resp) // of a router inside of somebody else's model
	md.Degraded, md.CacheStatus = cmp.Or(md.Degraded, out.Notes.Degraded), cmp.Or(md.CacheStatus, out.Notes.CacheStatus)
	if !isKeepable(resp, &md) {
		return nil
	}
	front := l.Name()
	if out.Model == out.Root && slices.Contains(l.also, out.Model) {
		front = out.Model
	}
	return pack(resp, out.Model == front && (!md.Triggered || md.FallbackModel == front), time.Now())
}

// pack returns resp as an answer to keep, or nil if it cannot be copied.
func pack(resp *model.LLMResponse, front bool, at time.Time) *answer {
	rest := *resp
	request.DropSignatures(&rest)
	a := &answer{front: front, content: clone.Contents([]*genai.Content{rest.Content})[0], at: at}
	weight := answerOverhead
	for _, part := range a.content.Parts {
		part.Text = strings.Clone(part.Text) // it may be part of a larger buffer
		weight += partOverhead + len(part.Text)
		if isFlat(part) {
			continue
		}
		text, err := json.Marshal(part) // for its length alone, which is never below that of the texts and data in it
		if err != nil {
			return nil
		}
		weight += len(text)
	}
	if parts := a.content.Parts; len(parts) == 1 && isFlat(parts[0]) {
		a.text = parts[0]
	}
	rest.Content, rest.UsageMetadata = nil, nil
	rest.CustomMetadata = foreign(resp.CustomMetadata)
	if isFlat(&rest) {
		a.plain = rest
	} else {
		var err error
		if a.other, err = json.Marshal(&rest); err != nil || a.response() == nil {
			return nil // somebody's metadata cannot be copied
		}
		weight += len(a.other)
	}
	a.weight = uint32(min(int64(weight), math.MaxUint32))
	return a
}

// isFlat reports whether the struct behind a pointer holds nothing by reference, so
// that an assignment copies it. This is the common case.
func isFlat(pointer any) bool {
	v := reflect.ValueOf(pointer).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
		default:
			if !f.IsZero() {
				return false
			}
		}
	}
	return true
}

// response returns a as a response.
func (a *answer) response() *model.LLMResponse {
	if a.text != nil && a.other == nil {
		return a.textResponse()
	}
	resp := a.plain
	if a.other != nil {
		if err := json.Unmarshal(a.other, &resp); err != nil {
			return nil // not reached: newAnswer has checked
		}
	}
	resp.Content = clone.Contents([]*genai.Content{a.content})[0]
	return &resp
}

// textResponse is response for a single text, as in most answers: one allocation
// instead of six.
func (a *answer) textResponse() *model.LLMResponse {
	var memory struct {
		resp    model.LLMResponse
		content genai.Content
		parts   [1]*genai.Part
		part    genai.Part
	}
	clone := &memory
	clone.resp, clone.content, clone.part = a.plain, *a.content, *a.text
	clone.parts[0] = &clone.part
	clone.content.Parts = clone.parts[:]
	clone.resp.Content = &clone.content
	return &clone.resp
}

// isKeepable reports whether resp is a whole answer of a model, with content that is
// valid for every caller. md is its metadata.
func isKeepable(resp *model.LLMResponse, md *call.Metadata) bool {
	if resp.Partial || resp.Interrupted || resp.ErrorCode != "" || resp.FinishReason != genai.FinishReasonStop || resp.Content == nil {
		return false
	}
	given := md.CacheStatus == call.CacheHit || md.CacheStatus == call.CacheStale // by another cache: its time runs already
	if given || md.Degraded != "" {
		return false
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

// foreign returns custom without this module's keys, which describe the original
// call.
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

// place is where the answer to a request is kept, and how long it is fresh for that
// request.
type place struct {
	key   digest.Sum
	ttl   time.Duration
	asked bool // other replicas' answers have been searched, in vain
}

// within is what Lookup finds in the context of a call that went through a cache.
type within struct {
	identity []string
	at       place
}

// hasAskedFor reports whether the call has searched other replicas' answers for that key.
func (w *within) hasAskedFor(key digest.Sum) bool { return w != nil && w.at.asked && w.at.key == key }

// given returns the answer at p that can be returned to a call, and its cache_status, or
// nil.
func (c *Cache) given(p place) (a *answer, status string) {
	a, ok := c.answers.GetIfPresent(p.key)
	if !ok {
		return nil, ""
	}
	if status = c.statusOf(a, p.ttl); status == "" {
		return nil, ""
	}
	return a, status
}

// statusOf returns the cache_status of a hit with a, which is fresh for ttl, or "" if a
// cannot be a hit.
func (c *Cache) statusOf(a *answer, ttl time.Duration) string {
	age := time.Since(a.at)
	switch {
	case !a.front:
		return ""
	case age < ttl:
		return call.CacheHit
	case age-ttl < c.config.StaleWhileRevalidate:
		return call.CacheStale
	}
	return ""
}

// remember keeps an answer of another replica, unless a newer one is there.
func (c *Cache) remember(key digest.Sum, a *answer) {
	c.answers.Compute(key, func(old *answer, found bool) (*answer, otter.ComputeOp) {
		if found && (old.at.After(a.at) || old.front && !a.front) {
			return nil, otter.CancelOp
		}
		return a, otter.WriteOp
	})
}

// keep keeps a at p, if it is not nil, and reports whether it has. An answer only for Lookup
// does not replace one that can be a hit.
func (c *Cache) keep(p place, a *answer) (kept bool) {
	if a == nil {
		return false
	}
	c.answers.Compute(p.key, func(old *answer, found bool) (*answer, otter.ComputeOp) {
		if kept = !found || a.front || c.statusOf(old, p.ttl) == ""; !kept {
			return nil, otter.CancelOp
		}
		return a, otter.WriteOp
	})
	return kept
}
