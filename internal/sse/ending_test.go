package sse_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/sse"
)

// B54: a server that neither ends nor closes a complete stream holds nobody up.
func TestEndingClosesTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, w := io.Pipe()
		defer w.Close()
		var ending sse.Ending
		defer ending.Stop()
		start := time.Now()
		ending.Expect(body)
		time.Sleep(time.Second)
		ending.Expect(body) // the wait does not begin anew
		if _, err := body.Read(make([]byte, 1)); err == nil || time.Since(start) != 2*time.Second {
			t.Errorf("read returned %v after %v, want an error after 2 s", err, time.Since(start))
		}
	})
}

func TestStoppedEndingLeavesTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, w := io.Pipe()
		var ending sse.Ending
		ending.Stop() // without a wait
		ending.Expect(body)
		ending.Stop()
		go func() { // ends with its write, which the read below takes
			time.Sleep(time.Minute)
			_, _ = w.Write([]byte("a"))
		}()
		if _, err := body.Read(make([]byte, 1)); err != nil {
			t.Errorf("the body was closed: %v", err)
		}
	})
}

func TestDrainWaitsShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, w := io.Pipe()
		defer w.Close()
		start := time.Now()
		sse.Drain(body)
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("took %v, want 100 ms", took)
		}
	})
}
