package failure

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Classifier turns errors into verdicts. The zero value is ready to use and safe for concurrent use.
type Classifier struct {
	// Now is the clock for dates and for the reset of daily quotas. It must be safe for concurrent use. Nil means time.Now.
	Now func() time.Time
}

// Classify is Classifier{}.Classify with a background context: it cannot tell the caller's cancellation from another, and
// takes every bare context.Canceled for the caller's.
func Classify(err error) Verdict {
	return Classifier{}.Classify(context.Background(), err)
}

// Classify returns what err means. ctx is the caller's context, not the attempt's: once it is done, the verdict is Fail
// whatever err says. Where ctx carries a capture ([WithCapture]), what the SDK dropped is used as well.
//
// Of an error that wraps several ([errors.Join]), the first one, in depth-first order, that is recognized decides. Any
// error with a method Verdict() Verdict decides for itself. A nil err gives the zero Verdict. Of an error, at most 256 KiB
// and 64 wrapped errors are looked at, so a chain may end in itself. Classify never panics: an error whose methods do is
// of KindUnknown.
func (c Classifier) Classify(ctx context.Context, err error) (v Verdict) {
	if err == nil {
		return Verdict{}
	}
	if ctx.Err() != nil {
		return canceled()
	}
	defer func() {
		if recover() != nil {
			v = unrecognized("a method of the error panics")
		}
	}()
	e := evidence{clock: c, ctx: ctx}
	found, v := e.find(err)
	switch {
	case v.Action != "":
		v.Message = readable(v.Message)
		return v.bounded()
	case !found:
		if v, ok := e.outside(err); ok {
			v.Message = readable(errorText(err))
			return v
		}
		e.addText(errorText(err), 0)
	}
	e.fromCapture(ctx)
	return e.verdict()
}

// readable returns the text of an error for people: redacted, and cut at the end of a
// word if it has more than MaxMessage bytes.
func readable(text string) string {
	return clip.Words(redact.Text(text, MaxMessage+utf8.UTFMax), MaxMessage) // a rune more than fits shows that there is more
}

// ClassifyHTTP returns what an HTTP response means. status 0, or one that is not from 100 to 599, means that there was none;
// then body may be the text of an error. A status below 400 is judged by the body: errors arrive inside successful streams,
// and a success with no body is [ErrEmpty].
func (c Classifier) ClassifyHTTP(status int, header http.Header, body []byte) Verdict {
	if status >= 200 && status < 300 && len(bytes.TrimSpace(body)) == 0 {
		return ErrEmpty.(decider).Verdict()
	}
	e := evidence{clock: c, status: httpStatus(status)}
	e.fromHeader(header)
	e.addText(string(body[:min(len(body), maxScan)]), 0)
	return e.verdict()
}

func (c Classifier) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// find looks through the tree of errors for one that is recognized. It reports whether evidence was gathered, or returns
// the verdict of an error that decides for itself.
func (e *evidence) find(err error) (found bool, v Verdict) {
	visit(err, func(err error) bool {
		switch x := err.(type) {
		case genai.APIError:
			e.fromAPIError(&x)
			found = true
		case *genai.APIError:
			if x != nil {
				e.fromAPIError(x)
				found = true
			}
		case decider:
			v = x.Verdict()
			found = v.Action != ""
		default:
			found = e.fromSDK(err)
		}
		return found
	})
	return found, v
}

// maxErrors bounds how many errors of one tree are looked at.
const maxErrors = 64

// visit calls f for err and for what it wraps, depth first, until f reports true. Unlike errors.Is and errors.As it comes
// to an end when an error wraps itself.
func visit(err error, f func(error) bool) bool {
	left := maxErrors
	return visitTree(err, &left, f)
}

func visitTree(err error, left *int, f func(error) bool) bool {
	for err != nil && *left > 0 {
		*left--
		if f(err) {
			return true
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range x.Unwrap() {
				if visitTree(one, left, f) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}

// errorText is err.Error(), bounded.
func errorText(err error) string {
	s := err.Error()
	return strings.ToValidUTF8(s[:min(len(s), maxScan)], "\uFFFD")
}
