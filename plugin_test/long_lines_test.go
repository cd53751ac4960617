package plugin_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

const (
	mebibyte = 1 << 20
	longLine = 10 * mebibyte
	endless  = 256 * mebibyte // more than any client reads

	// What the heap may grow by: a line is held twice while its buffer grows, and
	// once more as text. The largest answer that is read has 32 MiB.
	maxLongHeap, maxEndlessHeap = 64 * mebibyte, 128 * mebibyte
)

// heap is the size of objects in bytes, at the start and at its peak. It is safe
// for concurrent use.
type heap struct {
	start uint64
	peak  atomic.Uint64
}

// watchHeap collects garbage eagerly until the test ends, so that samples show what
// is in use.
func watchHeap(t *testing.T) *heap {
	t.Helper()
	percent := debug.SetGCPercent(10)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	runtime.GC()
	h := &heap{}
	h.sample()
	h.start = h.peak.Load()
	return h
}

func (h *heap) sample() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for now := m.HeapAlloc; ; {
		peak := h.peak.Load()
		if now <= peak || h.peak.CompareAndSwap(peak, now) {
			return
		}
	}
}

func (h *heap) check(t *testing.T, limit uint64) {
	t.Helper()
	h.sample()
	if grown := h.peak.Load() - h.start; grown > limit {
		t.Errorf("the heap grew by %d MiB, want at most %d", grown/mebibyte, limit/mebibyte)
	}
}

// writeLong writes n bytes of text within an answer, a MiB at a time, and samples
// the heap. It stops when the client has gone.
func (h *heap) writeLong(w io.Writer, before string, n int, after string) error {
	piece := []byte(strings.Repeat("a", mebibyte/16))
	_, err := io.WriteString(w, before)
	for written := 0; written < n && err == nil; written += len(piece) {
		if written%mebibyte == 0 {
			h.sample()
		}
		_, err = w.Write(piece)
	}
	if err == nil {
		_, err = io.WriteString(w, after)
	}
	return err
}

// A line of 10 MiB is read, or fails cleanly, in bounded memory.
func TestLongLines(t *testing.T) {
	forEachServer(t, func(t *testing.T, s *badServer, stream bool) {
		h := watchHeap(t)
		at := s.around(stream)
		r := s.askAt(t, stream, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", map[bool]string{false: "application/json", true: "text/event-stream"}[stream])
			_ = h.writeLong(w, at[0], longLine, at[1])
			h.sample()
		})
		h.check(t, maxLongHeap)
		if r.err != nil || r.verdict.Action != "" {
			t.Fatalf("error %v, verdict %s/%s; want the answer", r.err, r.verdict.Action, r.verdict.Kind)
		}
		if got := len(r.final.Content.Parts[0].Text); got != longLine {
			t.Errorf("%d bytes of text, want %d", got, longLine)
		}
	})
}

// B54, B58: an answer, a comment or an error without an end is given up in bounded
// memory, and its connection is closed.
func TestEndlessLines(t *testing.T) {
	truncated := failure.KindTruncated
	for _, test := range []struct {
		name   string
		status int
		before func(s *badServer, stream bool) string
		means  failure.Kind
	}{
		{"in an answer", 200, func(s *badServer, stream bool) string { return s.around(stream)[0] }, truncated},
		{"in a comment", 200, func(*badServer, bool) string { return ": " }, truncated},
		{"in an error", 500, func(*badServer, bool) string { return `{"error":{"message":"` }, failure.KindServer},
	} {
		t.Run(test.name, func(t *testing.T) {
			forEachServer(t, func(t *testing.T, s *badServer, stream bool) {
				h := watchHeap(t)
				gone := make(chan error, 1)
				r := s.askAt(t, stream, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", map[bool]string{false: "application/json", true: "text/event-stream"}[stream])
					w.WriteHeader(test.status)
					gone <- h.writeLong(w, test.before(s, stream), endless, "")
				})
				h.check(t, maxEndlessHeap)
				if err := <-gone; err == nil {
					t.Error("the client has read all of it")
				}
				r.check(t, failure.Retry, test.means)
				if errors.Is(r.err, io.EOF) {
					t.Errorf("%v says that the server has ended it", r.err)
				}
			})
		})
	}
}
