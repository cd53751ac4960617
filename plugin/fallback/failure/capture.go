package failure

import (
	"context"
	"io"
	"net/http"

	"github.com/adk-fallback/adk-fallback/internal/capture"
)

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
	return &capture.Context{Context: ctx}
}

type captureTransport struct{ base http.RoundTripper }

func (t captureTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := capture.Of(req.Context())
	if c == nil {
		return t.base.RoundTrip(req)
	}
	c.Reset() // an SDK's own retry: what the exchange before it said is no longer about this error
	resp, err := t.base.RoundTrip(req)
	if err == nil && resp.StatusCode >= 400 {
		c.Set(resp.StatusCode, resp.Header.Clone())
		if resp.Body != nil {
			resp.Body = &captureBody{resp.Body, c}
		}
	}
	return resp, err
}

// captureBody copies the beginning of a body while it is read.
type captureBody struct {
	io.ReadCloser
	to *capture.Context
}

func (b *captureBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.Append(p[:max(n, 0)])
	return n, err
}

// fromCapture adds what was noted, if it belongs to this error: the last exchange of the attempt failed, and the error
// has no status of its own or the same one.
func (e *evidence) fromCapture(ctx context.Context) {
	c := capture.Of(ctx)
	if c == nil {
		return
	}
	status, header, body := c.Last()
	if status == 0 || e.status != 0 && e.status != status {
		return
	}
	e.status = status
	e.fromHeader(header)
	if e.codeRank == 0 && body != "" {
		e.addText(body, 1)
	}
}
