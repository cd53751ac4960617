package fallbacktest

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// exchange plays one step as the response to one request. It runs in the
// handler's goroutine.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	proto  protocol.Protocol
	req    *protocol.Request
	step   Step
	settle func(Outcome) // records the end; called once, before the client can see it
}

func (x *exchange) run() {
	ctx := x.r.Context()
	if !wait(ctx, x.step.timing.headers) {
		x.gone()
	}
	switch x.step.kind {
	case kindReset:
		x.settle(Broken)
		reset(x.w)
	case kindSilence:
		<-ctx.Done()
		x.gone()
	default:
		x.respond(ctx)
	}
}

// gone ends an exchange whose request context has ended. The panic is net/http's
// way to drop the connection: a client that is still there, because the server is
// closing, is not to mistake what it has for an answer.
func (x *exchange) gone() {
	x.settle(ClientGone)
	panic(http.ErrAbortHandler)
}

// respond sends an answer or a status, up to where the step breaks it.
func (x *exchange) respond(ctx context.Context) {
	code, header, pieces := x.pieces()
	pieces, ending := x.broken(pieces)

	h := x.w.Header()
	maps.Copy(h, header)
	maps.Copy(h, x.step.header)
	x.w.WriteHeader(code)

	if !x.send(ctx, pieces) {
		x.gone()
	}
	switch ending {
	case whole:
		x.settle(Completed)
	case cut:
		x.settle(Broken)
	case abort:
		x.settle(Broken)
		panic(http.ErrAbortHandler)
	case stall:
		<-ctx.Done()
		x.gone()
	}
}

// pieces returns the response as the step means it, one piece for each part of
// the answer.
func (x *exchange) pieces() (code int, header http.Header, pieces [][]byte) {
	step, f := x.step, x.step.fault
	if step.kind == kindStatus {
		return x.failure(step.status)
	}
	if b, ok := x.proto.(protocol.Blocker); ok && step.answer.Blocked != "" {
		if s, ok := b.BlockedStatus(x.req); ok {
			return x.failure(s)
		}
	}
	if !x.req.Stream {
		if f.errorAt > 0 {
			return x.failure(f.err)
		}
		doc := x.proto.Document(x.req, step.answer)
		if f.malformedAt > 0 {
			doc = doc[:len(doc)/2]
		}
		return http.StatusOK, contentType("application/json; charset=UTF-8"), [][]byte{doc}
	}
	pieces = slices.Concat(slices.Repeat([][]byte{[]byte(": keep-alive\n\n")}, step.keepAlives), x.proto.Events(x.req, step.answer))
	if n := f.malformedAt; n > 0 {
		i := min(n, len(pieces)) - 1
		bad := malformed(pieces[i])
		if n > len(pieces) {
			pieces = append(pieces, bad)
		} else {
			pieces[i] = bad
		}
	}
	if n := f.errorAt; n > 0 {
		pieces = append(pieces[:min(n-1, len(pieces))], x.proto.ErrorEvent(f.err.In(x.proto, x.req).Body))
	}
	return http.StatusOK, contentType("text/event-stream"), pieces
}

// failure returns a status as a response.
func (x *exchange) failure(s protocol.Status) (code int, header http.Header, pieces [][]byte) {
	s = s.In(x.proto, x.req)
	header = contentType("application/json; charset=UTF-8")
	maps.Copy(header, s.Header)
	return s.Code, header, [][]byte{[]byte(s.Body)}
}

func contentType(value string) http.Header { return http.Header{"Content-Type": {value}} }

// malformed returns the first event of a piece with half of its data.
func malformed(piece []byte) []byte {
	const field = "data: "
	start := max(bytes.Index(piece, []byte(field)), 0) + len(field)
	length := bytes.IndexByte(piece[start:], '\n')
	return append(bytes.Clone(piece[:start+length/2]), "\n\n"...)
}

// broken returns the pieces that are sent before the response ends, and how it
// ends. A cut that takes nothing away leaves the response whole.
func (x *exchange) broken(pieces [][]byte) ([][]byte, ending) {
	f := x.step.fault
	if f.ending == whole {
		return pieces, whole
	}
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	keep := 0
	switch {
	case f.bytes:
		keep = f.at
	case x.req.Stream || x.step.kind == kindStatus:
		for _, p := range pieces[:min(f.at, len(pieces))] {
			keep += len(p)
		}
	case f.at >= len(x.step.answer.Parts):
		keep = size
	default: // the document would have been several events
		keep = size / 2
	}
	if f.ending == cut && keep >= size {
		return pieces, whole
	}
	return firstBytes(pieces, keep), f.ending
}

// firstBytes returns the pieces up to n bytes in all, the last one shortened.
func firstBytes(pieces [][]byte, n int) [][]byte {
	var out [][]byte
	for _, p := range pieces {
		if n <= 0 {
			break
		}
		p = p[:min(n, len(p))]
		out, n = append(out, p), n-len(p)
	}
	return out
}

// send writes the headers and the pieces in their time, each as a chunk of its
// own. It reports false if the client is gone.
func (x *exchange) send(ctx context.Context, pieces [][]byte) bool {
	t, flush := x.step.timing, http.NewResponseController(x.w).Flush
	if x.req.Stream || t.first > 0 || x.step.fault.ending != whole {
		if flush() != nil || !wait(ctx, t.first) {
			return false
		}
	}
	for i, p := range pieces {
		if i > 0 && !wait(ctx, t.pace) {
			return false
		}
		if _, err := x.w.Write(p); err != nil {
			return false
		}
		if len(pieces) > 1 || x.step.fault.ending != whole {
			if flush() != nil {
				return false
			}
		}
	}
	return true
}

// reset closes the connection so that its peer sees a reset. A ResponseWriter
// without a connection to take over (HTTP/2, a recorder) aborts instead.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	// With a linger of 0 TCP discards what is unsent and sends RST on Close.
	if c, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}

// wait reports whether ctx was still live after d.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
