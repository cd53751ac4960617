package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// Kinds of failures that quotas cause; the others are the keys of section errors.
const (
	minuteQuota = "quota_minute"
	dayQuota    = "quota_day"
)

// faults makes the errors of providers. It is safe for concurrent use.
type faults struct {
	mu    sync.Mutex
	known map[string]error // by kind and wait; guarded by mu
}

// steps are the errors that a server of the Gemini API returns with a status, by kind.
var steps = map[string]func(wait time.Duration) fallbacktest.Step{
	"overloaded": func(time.Duration) fallbacktest.Step { return fallbacktest.Overloaded() },
	"capacity":   func(time.Duration) fallbacktest.Step { return fallbacktest.Capacity() },
	"server":     func(time.Duration) fallbacktest.Step { return fallbacktest.Internal() },
	"rate_limit": func(time.Duration) fallbacktest.Step { return fallbacktest.Exhausted() },
	"timeout":    func(time.Duration) fallbacktest.Step { return fallbacktest.Deadline() },
	"auth":       func(time.Duration) fallbacktest.Step { return fallbacktest.InvalidKey() },
	minuteQuota:  fallbacktest.MinuteQuota,
	dayQuota:     func(time.Duration) fallbacktest.Step { return fallbacktest.DailyQuota() },
}

// of returns the error of a kind, as the client of the Gemini API would. wait is the time
// until a quota is renewed, in whole seconds; 0 for other kinds.
func (f *faults) of(kind string, wait time.Duration) error {
	switch kind {
	case "network":
		return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	case "cut":
		return io.ErrUnexpectedEOF
	}
	key := fmt.Sprint(kind, wait)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[key] == nil {
		if f.known == nil {
			f.known = map[string]error{}
		}
		f.known[key] = played(steps[kind](wait))
	}
	return f.known[key]
}

// played returns the error of a step. The provider of package fallbacktest writes its body.
func played(step fallbacktest.Step) error {
	var p fallbacktest.Provider
	p.Script("model", step)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("POST", "/v1beta/models/model:generateContent", strings.NewReader(`{"contents":[{"role":"user","parts":[{"text":"question"}]}]}`)))
	var body struct {
		Error genai.APIError `json:"error"`
	}
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&body); err != nil {
		return fmt.Errorf("simulate: the error of a provider cannot be read: %w", err)
	}
	return body.Error
}
