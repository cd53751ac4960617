package state_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// check checks that there is one line for each of want, in order, and nothing else.
func (j *journal) check(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := strings.Split(strings.TrimSuffix(j.text.String(), "\n"), "\n")
	if len(want) == 0 && j.text.Len() == 0 {
		return
	}
	ok := len(lines) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(lines[i], want[i])
	}
	if !ok || strings.Contains(j.text.String(), "my prompt") {
		t.Errorf("logged:\n%swant lines with %q", j.text.String(), want)
	}
}
