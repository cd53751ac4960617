package failure

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// maxCapture bounds the part of an error body that is kept, in bytes.
const maxCapture = 64 << 10

// Capture returns a transport that notes what SDKs throw away of an error response: the status, the headers that say when
// to come back, and up to 64 KiB of the body as the SDK reads it. It is noted in the holder that [WithCapture] put in the
// request's context; without one the transport does nothing. A nil base means http.DefaultTransport.
//
//	client := &http.Client{Transport: failure.Capture(nil)}
//
// Safe for concurrent use, as base is.
func Capture(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return captureTransport{base}
}

// WithCapture returns a context for one attempt, with an empty holder for what [Capture] notes. Give the same context to
// [Classifier.Classify]. Attempts that run at once need one each.
func WithCapture(ctx context.Context) context.Context {
	return &capture{Context: ctx}
}

type captureKey struct{}

// capture holds the last exchange of an attempt. It is the attempt's context
// too, which saves every call an allocation.
type capture struct {
	context.Context

	mu     sync.Mutex
	status int // 0: no exchange, or one that was no error
	header http.Header
	body   []byte
}

// Value implements context.Context.
func (c *capture) Value(key any) any {
	if key == (captureKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func (c *capture) set(status int, header http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.header, c.body = status, header, nil
}

type captureTransport struct{ base http.RoundTripper }

func (t captureTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, _ := req.Context().Value(captureKey{}).(*capture)
	if c == nil {
		return t.base.RoundTrip(req)
	}
	c.set(0, nil) // an SDK's own retry: what the exchange before it said is no longer about this error
	resp, err := t.base.RoundTrip(req)
	if err == nil && resp.StatusCode >= 400 {
		c.set(resp.StatusCode, resp.Header.Clone())
		if resp.Body != nil {
			resp.Body = &captureBody{resp.Body, c}
		}
	}
	return resp, err
}

// captureBody copies the beginning of a body while it is read.
type captureBody struct {
	io.ReadCloser
	to *capture
}

func (b *captureBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.mu.Lock()
	defer b.to.mu.Unlock()
	if room := maxCapture - len(b.to.body); room > 0 && n > 0 {
		b.to.body = append(b.to.body, p[:min(n, room)]...)
	}
	return n, err
}

// fromCapture adds what was noted, if it belongs to this error: the last exchange of the attempt failed, and the error
// has no status of its own or the same one.
func (e *evidence) fromCapture(ctx context.Context) {
	c, _ := ctx.Value(captureKey{}).(*capture)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == 0 || e.status != 0 && e.status != c.status {
		return
	}
	e.status = c.status
	e.fromHeader(c.header)
	if e.codeRank == 0 && len(c.body) > 0 {
		e.addText(string(c.body), 1)
	}
}
