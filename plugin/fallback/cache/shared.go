package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxSharedBytes is the size of the largest answer that replicas share, encoded.
const MaxSharedBytes = 256 << 10

// maxAhead is how far the clock of the replica that has kept an answer may be ahead of this
// one's.
const maxAhead = time.Minute

// sharedKey returns the key of an answer that replicas share.
func sharedKey(key digest.Sum) string { return "answer:" + hex.EncodeToString(key[:]) }

// share keeps a for other replicas, if it is not too large.
func (c *Cache) share(key digest.Sum, a *answer) {
	if c.config.State == nil {
		return
	}
	if value := encode(key, a); value != nil {
		c.config.State.Set(sharedKey(key), value, c.longest)
	}
}

// unshare replaces what share has kept by a value that is no answer.
func (c *Cache) unshare(key digest.Sum) {
	if c.config.State != nil {
		c.config.State.Set(sharedKey(key), []byte{0}, time.Minute)
	}
}

// others returns the answer of another replica at p that can be returned to a call, and its
// cache_status, or nil. It notes the search in p.
func (c *Cache) others(ctx context.Context, p *place) (a *answer, status string) {
	if c.config.State == nil {
		return nil, ""
	}
	p.asked = true
	if a = c.load(ctx, p.key); a == nil {
		return nil, ""
	}
	if status = c.statusOf(a, p.ttl); status == "" {
		return nil, ""
	}
	return a, status
}

// load returns the answer that another replica has kept, nil if there is none, and keeps it
// in memory, unless a newer one is there.
func (c *Cache) load(ctx context.Context, key digest.Sum) *answer {
	if c.config.State == nil {
		return nil
	}
	a := decode(key, c.config.State.Get(ctx, sharedKey(key)))
	if a == nil || time.Since(a.at) >= c.longest {
		return nil
	}
	c.remember(key, a)
	return a
}

// envelope is an encoded answer, after the tag.
type envelope struct {
	At       int64 // when the model answered, in Unix nanoseconds
	Front    bool
	Response *model.LLMResponse
}

// format begins the tag of an encoded answer. It changes with the format.
const format = "answer 1 "

// tag returns what an encoded answer for a key begins with. With it, a value that is damaged,
// or that was kept for another request, is no answer.
func tag(key digest.Sum, body []byte) []byte {
	h := sha256.New()
	h.Write(key[:])
	h.Write(body)
	return h.Sum([]byte(format))
}

// encode returns a as bytes for its key, nil if it is too large or not the same afterwards:
// genai rounds some durations.
func encode(key digest.Sum, a *answer) []byte {
	resp := a.response()
	body, err := json.Marshal(envelope{a.at.UnixNano(), a.front, resp})
	if err != nil || len(format)+sha256.Size+len(body) > MaxSharedBytes {
		return nil
	}
	value := append(tag(key, body), body...)
	if a.text == nil { // else it is plain text
		if same := decode(key, value); same == nil || !reflect.DeepEqual(resp.Content, same.response().Content) {
			return nil
		}
	}
	return value
}

// decode returns the answer that encode has made value from, nil if value is none that may
// be used here.
func decode(key digest.Sum, value []byte) *answer {
	if len(value) < len(format)+sha256.Size || len(value) > MaxSharedBytes {
		return nil
	}
	head, body := value[:len(format)+sha256.Size], value[len(format)+sha256.Size:]
	if !bytes.Equal(head, tag(key, body)) {
		return nil
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || e.Response == nil || !isKeepable(e.Response, &call.Metadata{}) {
		return nil
	}
	at, now := time.Unix(0, e.At), time.Now()
	if at.After(now.Add(maxAhead)) {
		return nil
	}
	if at.After(now) {
		at = now
	}
	return pack(e.Response, e.Front, at)
}
