package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// firstRead is the size of the first buffer of a body, in bytes. The buffer grows as data
// arrives, so that a body that never arrives costs little.
const firstRead = 16 << 10

// byteOrderMark begins files that some editors of Windows write. A reader of JSON may ignore it (RFC 8259).
var byteOrderMark = []byte("\ufeff")

// readBody returns the body of a request. t counts its bytes. It ignores the header
// Content-Type, which many clients do not set, and a byte order mark.
func (g *Gateway) readBody(w http.ResponseWriter, r *http.Request, t *ticket, e *exchange) ([]byte, *problem.Problem) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, problem.New(http.StatusUnsupportedMediaType, problem.CodeInvalid, "", "a body with a Content-Encoding is not supported; send it as it is")
	}
	most := g.limits.MaxBody
	if r.ContentLength > int64(most) {
		return nil, tooLarge(most)
	}
	e.body = bodyBegun
	body, p := readAll(r, most, t)
	if p != nil {
		return nil, p
	}
	e.body = bodyRead
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // otherwise net/http would take the deadline for a disconnect
	body = bytes.TrimPrefix(body, byteOrderMark)
	if jsonscan.Depth(body) > g.limits.MaxDepth {
		return nil, problem.Invalid("", "the JSON of the body is nested deeper than "+strconv.Itoa(g.limits.MaxDepth))
	}
	return body, nil
}

// readAll reads a body of at most most bytes.
func readAll(r *http.Request, most int, t *ticket) ([]byte, *problem.Problem) {
	size := firstRead
	if n := r.ContentLength; n >= 0 && n < firstRead {
		size = int(n) + 1 // one more, to see the end
	}
	if !t.hold(size) {
		return nil, noRoom()
	}
	body := make([]byte, 0, size)
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > most:
			return nil, tooLarge(most)
		case err == io.EOF:
			return body, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, problem.New(http.StatusRequestTimeout, problem.CodeTimeout, "", "the body did not arrive in time")
		case err != nil && r.Context().Err() != nil:
			return nil, problemOf(r.Context(), context.Canceled)
		case err != nil:
			return nil, problem.Invalid("", "the body cannot be read: it ends early, or its chunks are malformed")
		}
		if len(body) == cap(body) {
			more := min(cap(body), most+1-cap(body)) // more than 0, as the body is not too large yet
			if !t.hold(more) {
				return nil, noRoom()
			}
			body = append(make([]byte, 0, cap(body)+more), body...)
		}
	}
}

func tooLarge(most int) *problem.Problem {
	return problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "", "the body is larger than "+strconv.Itoa(most)+" bytes, the most that is read")
}

func noRoom() *problem.Problem {
	return later(http.StatusServiceUnavailable, shortly, "the bodies of all requests together are too large for the gateway")
}
