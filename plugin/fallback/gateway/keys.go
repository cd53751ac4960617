package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/follow"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Keys are the API keys that a gateway accepts. Each key belongs to one tenant. The keys file
// has only their hashes; docs/gateway-operation.md describes it. Keys are safe for concurrent
// use.
type Keys struct{ set atomic.Pointer[keySet] }

// keySet is the content of a keys file.
type keySet struct {
	keys       []*key
	priorities []string // folded, the most important first
}

// key has the permissions of requests with an API key.
type key struct {
	sum         [sha256.Size]byte
	tenant      string
	priority    int      // of calls without a header, as an index of priorities
	maxPriority int      // the most important class that the header may name
	models      []string // patterns, folded; nil for all
	*allowance
}

// anyone returns the key that stands for all requests without a valid key. In a gateway without
// keys, these are all requests.
func anyone() *key { return &key{allowance: newAllowance(0, 0)} }

// ParseKeys reads the content of a keys file. The error is a [*KeysError], with the line and
// column of each mistake.
func ParseKeys(data []byte) (*Keys, error) {
	set, err := parseKeys(data, nil)
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	k.set.Store(set)
	return k, nil
}

// WatchKeys is like [ParseKeys], but reads a file and reloads it until ctx ends. When the
// content changes, new requests are checked against the new keys. A key that is in both
// versions keeps its counts. If the new file has mistakes or is missing, the current keys stay
// in use, and logger gets the reason.
//
// The file is read twice per interval; 0 means 2 s. WatchKeys starts one goroutine, which ends
// with ctx.
func WatchKeys(ctx context.Context, file string, interval time.Duration, logger *slog.Logger) (*Keys, error) {
	read := func() ([]byte, error) { return follow.Read(file, strictyaml.MaxFile) }
	data, err := read()
	if err != nil {
		return nil, fmt.Errorf("gateway: keys: %w", err)
	}
	k, err := ParseKeys(data)
	if err != nil {
		return nil, ofFile(file, err)
	}
	if interval <= 0 {
		interval = follow.Interval
	}
	go follow.Watch(ctx, interval, data, follow.File{Read: read, Changed: func(data []byte, err error) {
		if err == nil {
			err = k.replace(data)
		}
		if err != nil {
			logger.Error("gateway: the changed keys cannot be used; the keys in use stay", "file", file, "error", ofFile(file, err))
			return
		}
		logger.Info("gateway: the changed keys are in use", "file", file)
	}})
	return k, nil
}

// replace puts the keys of another content of the file into use.
func (k *Keys) replace(data []byte) error {
	set, err := parseKeys(data, k.set.Load())
	if err == nil {
		k.set.Store(set)
	}
	return err
}

// NewKey returns a random API key, and its hash for the keys file.
func NewKey() (apiKey, hash string) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	apiKey = keyPrefix + base64.RawURLEncoding.EncodeToString(random)
	sum := sha256.Sum256([]byte(apiKey))
	return apiKey, hex.EncodeToString(sum[:])
}

// keyPrefix begins every key that NewKey makes. Scanners for leaked secrets know it.
const keyPrefix = "sk-"

// maxKey is the longest API key that is compared, in bytes.
const maxKey = 512

// keyOf returns the key of a request. Its time does not depend on how much of a wrong key is
// right.
func (s *keySet) keyOf(apiKey string) (*key, bool) {
	if apiKey == "" || len(apiKey) > maxKey {
		return nil, false
	}
	sum := sha256.Sum256([]byte(apiKey))
	var found *key
	for _, k := range s.keys {
		if subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1 {
			found = k
		}
	}
	return found, found != nil
}

// credential returns the API key of a request, "" for none, and removes it from the request,
// so that no later code can log it or send it on. Clients of each protocol send it in another
// header or parameter.
func credential(r *http.Request) (apiKey string) {
	h := r.Header
	scheme, bearer, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		apiKey = strings.TrimSpace(bearer)
	}
	for _, name := range []string{"X-Api-Key", "X-Goog-Api-Key"} {
		if apiKey == "" {
			apiKey = strings.TrimSpace(h.Get(name))
		}
		h.Del(name)
	}
	h.Del("Authorization")
	if strings.Contains(r.URL.RawQuery, "key=") {
		query := r.URL.Query()
		if apiKey == "" {
			apiKey = query.Get("key")
		}
		query.Del("key")
		r.URL.RawQuery = query.Encode()
		r.RequestURI = r.URL.RequestURI()
	}
	return apiKey
}

// priorityOf returns the class of a call and its rank; more important classes rank higher.
// asked is the header's value, "" for none; ok is false if there is no such class.
func (s *keySet) priorityOf(k *key, asked string) (class string, rank int, ok bool) {
	if s == nil { // without keys, the header may name every class
		s = &keySet{priorities: defaultPriorities}
		k = &key{priority: len(s.priorities) - 1}
		if asked != "" && s.indexOf(asked) < 0 {
			return asked, 0, true
		}
	}
	at := k.priority
	if asked != "" {
		if at = s.indexOf(asked); at < 0 {
			return "", 0, false
		}
		at = max(at, k.maxPriority)
	}
	return s.priorities[at], len(s.priorities) - 1 - at, true
}

// ranks returns how many classes of calls there are. s may be nil.
func (s *keySet) ranks() int {
	if s == nil {
		return len(defaultPriorities)
	}
	return len(s.priorities)
}

// indexOf returns the index of a class, -1 if there is none of that name.
func (s *keySet) indexOf(class string) int {
	class = match.Fold(class)
	for i, one := range s.priorities {
		if match.Fold(one) == class {
			return i
		}
	}
	return -1
}

// allows reports whether a request with the key may name a model or route.
func (k *key) allows(name string) bool {
	if k.models == nil {
		return true
	}
	name = match.Fold(name)
	for _, pattern := range k.models {
		if match.Folded(pattern, name) {
			return true
		}
	}
	return false
}
