package sse

import (
	"io"
	"time"
)

const (
	drainFor = 100 * time.Millisecond
	drainMax = 64 << 10

	// endWithin is how long the events after the finish reason are waited for: the
	// usage, and the end mark.
	endWithin = 2 * time.Second
)

// Drain reads the rest of a body whose last event has come, for at most 100 ms and
// 64 KiB. net/http reuses a connection only if its response was read to the end.
// Drain may close the body.
func Drain(body io.ReadCloser) {
	timer := time.AfterFunc(drainFor, func() { _ = body.Close() })
	defer timer.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(body, drainMax))
}

// Ending limits the wait for the end of a stream whose answer is complete: some
// servers and proxies never send an end mark and never close the connection. The
// zero value waits without limit.
type Ending struct{ timer *time.Timer }

// Expect closes body 2 s after its first call, unless [Ending.Stop] is called
// before. A read from body then fails.
func (e *Ending) Expect(body io.Closer) {
	if e.timer == nil {
		e.timer = time.AfterFunc(endWithin, func() { _ = body.Close() })
	}
}

// Stop ends the wait. It may be called without [Ending.Expect] and more than once.
func (e *Ending) Stop() {
	if e.timer != nil {
		e.timer.Stop()
	}
}
