package failure

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Classifier turns errors into verdicts. The zero value is ready to use and safe for concurrent use.
type Classifier struct {
	// Now is the clock for dates and for the reset of daily quotas. Nil means time.Now.
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
// Of an error that wraps several ([errors.Join]), the first one, in depth-first order, that is recognised decides. Any
// error with a method Verdict() Verdict decides for itself. A nil err gives the zero Verdict. Classify never panics, even
// when an Error method does; it reads at most 256 KiB of an error.
func (c Classifier) Classify(ctx context.Context, err error) Verdict {
	if err == nil {
		return Verdict{}
	}
	if ctx.Err() != nil {
		return canceled()
	}
	e := evidence{clock: c}
	budget := 64
	found, v := e.find(err, &budget)
	switch {
	case v.Action != "":
		v.Message = redact.Text(v.Message, MaxMessage)
		return v.bounded()
	case !found:
		if v, ok := outside(ctx, err); ok {
			v.Message = redact.Text(errorText(err), MaxMessage)
			return v
		}
		e.addText(errorText(err), 0)
	}
	e.fromCapture(ctx)
	return e.verdict()
}

// ClassifyHTTP returns what an HTTP response means. status 0 means that there was none; then body may be the text of an
// error. A status below 400 is judged by the body: errors arrive inside successful streams.
func (c Classifier) ClassifyHTTP(status int, header http.Header, body []byte) Verdict {
	e := evidence{clock: c, status: status}
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

// outside judges errors that never were a response: the context's, and the connection's.
func outside(ctx context.Context, err error) (Verdict, bool) {
	if errors.Is(err, context.Canceled) {
		if ctx.Done() == nil {
			return canceled(), true
		}
		// The caller is still there: something cancelled this attempt alone.
		return Verdict{Action: Fallback, Kind: KindTimeout, Scope: ScopeModel, Reason: "the attempt was cancelled, not the call"}, true
	}
	return network(err)
}

// find looks through the tree of errors for one that is recognised, depth first. It reports whether evidence was gathered,
// or returns the verdict of an error that decides for itself.
func (e *evidence) find(err error, budget *int) (bool, Verdict) {
	for err != nil && *budget > 0 {
		*budget--
		switch x := err.(type) {
		case genai.APIError:
			e.fromAPIError(&x)
			return true, Verdict{}
		case *genai.APIError:
			if x == nil {
				return false, Verdict{}
			}
			e.fromAPIError(x)
			return true, Verdict{}
		case decider:
			if v := verdictOf(x); v.Action != "" {
				return true, v
			}
		}
		if e.fromSDK(err) {
			return true, Verdict{}
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range x.Unwrap() {
				if found, v := e.find(one, budget); found {
					return true, v
				}
			}
			return false, Verdict{}
		default:
			return false, Verdict{}
		}
	}
	return false, Verdict{}
}

// fromSDK recognises the errors of SDKs that are not imported here, by their shape: openai-go and anthropic-sdk-go have
// RawJSON() and the fields StatusCode and Response; the AWS SDK has HTTPStatusCode() and ErrorCode().
func (e *evidence) fromSDK(err error) (ok bool) {
	switch err.(type) {
	case interface{ RawJSON() string }, interface{ HTTPStatusCode() int }:
	default:
		return false
	}
	defer func() {
		if recover() != nil {
			ok = false // a method of a nil or half-filled error: its text is all there is
		}
	}()
	if x, is := err.(interface{ HTTPStatusCode() int }); is {
		e.status = x.HTTPStatusCode()
		var api interface {
			ErrorCode() string
			ErrorMessage() string
		}
		if errors.As(err, &api) {
			e.token(api.ErrorCode())
			e.addText(api.ErrorMessage(), 0)
		}
		return e.status != 0
	}
	e.status = intField(err, "StatusCode")
	if resp := responseField(err); resp != nil {
		e.fromHeader(resp.Header)
		if e.status == 0 {
			e.status = resp.StatusCode
		}
	}
	e.addText(err.(interface{ RawJSON() string }).RawJSON(), 0)
	return e.status != 0 || e.text != ""
}

// field returns an exported field of the struct behind err; the zero Value when there is none.
func field(err error, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	if f := v.FieldByName(name); f.IsValid() && f.CanInterface() {
		return f
	}
	return reflect.Value{}
}

func intField(err error, name string) int {
	if f := field(err, name); f.IsValid() && f.CanInt() {
		return int(f.Int())
	}
	return 0
}

func responseField(err error) *http.Response {
	if f := field(err, "Response"); f.IsValid() {
		resp, _ := f.Interface().(*http.Response)
		return resp
	}
	return nil
}

// verdictOf asks an error for its own verdict; one that panics, as a nil pointer may, has none.
func verdictOf(d decider) (v Verdict) {
	defer func() {
		if recover() != nil {
			v = Verdict{}
		}
	}()
	return d.Verdict()
}

// errorText is err.Error(), bounded, for errors whose method may panic.
func errorText(err error) (s string) {
	defer func() {
		if recover() != nil {
			s = "failure: the error has no text"
		}
	}()
	s = err.Error()
	return strings.ToValidUTF8(s[:min(len(s), maxScan)], "\uFFFD")
}
