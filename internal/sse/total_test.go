package sse_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/sse"
)

// endless repeats an event.
type endless struct {
	event []byte
	rest  []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = e.event
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// Small events without an end would fill the memory of whoever keeps them.
func TestReaderBoundsTheStream(t *testing.T) {
	event := sse.AppendEvent(nil, "", bytes.Repeat([]byte("x"), 1<<20))
	r := sse.NewReader(&endless{event: event})
	for n := 0; ; n++ {
		_, err := r.Next()
		if errors.Is(err, sse.ErrTooLong) {
			if n == 0 || n > sse.MaxStream>>20 {
				t.Errorf("%d events of 1 MiB were read", n)
			}
			return
		}
		if err != nil || n > sse.MaxStream>>20 {
			t.Fatalf("event %d: error %v, want %v", n, err, sse.ErrTooLong)
		}
	}
}
