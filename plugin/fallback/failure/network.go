package failure

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

// outside judges errors that never were a response: the context's, and the connection's, by their types.
func (e *evidence) outside(err error) (Verdict, bool) {
	var c connection
	visit(err, c.see)
	switch {
	case c.canceled:
		return e.canceled(), true
	case c.lookup:
		return unreachable("the host name could not be resolved"), true
	case c.dial:
		return unreachable("the connection could not be made"), true
	case c.late:
		return silent(), true
	case c.reset:
		return unreachable("the connection was reset or refused"), true
	case c.cut:
		return cutOff(), true
	case c.ended:
		return unreachable("the connection ended early"), true
	}
	return Verdict{}, false
}

// connection is the state of a connection according to the errors of a tree.
type connection struct{ canceled, lookup, dial, late, reset, cut, ended bool }

func (c *connection) see(err error) bool {
	switch x := err.(type) {
	case *net.DNSError:
		c.lookup = true
	case *net.OpError:
		c.dial = c.dial || x.Op == "dial"
	}
	c.canceled = c.canceled || isAny(err, context.Canceled)
	c.late = c.late || isAny(err, context.DeadlineExceeded, os.ErrDeadlineExceeded)
	c.reset = c.reset || isAny(err, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE)
	c.cut = c.cut || isAny(err, io.ErrUnexpectedEOF) // in the middle of an answer
	c.ended = c.ended || isAny(err, io.EOF, net.ErrClosed)
	return false
}

// isAny is errors.Is for err alone, without what it wraps.
func isAny(err error, targets ...error) bool {
	x, _ := err.(interface{ Is(error) bool })
	for _, t := range targets {
		if err == t || x != nil && x.Is(t) {
			return true
		}
	}
	return false
}

// texts are what the errors of Go's net, net/http, http2 and TLS packages, of the Gemini SDK and of ADK say, for when only
// the text is left. They are asked in order.
var texts = []struct {
	any  []prose.Phrase
	mean Verdict
}{
	{prose.Phrases("no such host", "server misbehaving", "name resolution", "getaddrinfo", "name or service not known", "nodename nor servname"), unreachable("the host name could not be resolved")},
	{prose.Phrases("connection reset", "connection refused", "broken pipe", "econnreset", "econnrefused", "refused_stream", "goaway", "client connection lost",
		"server closed idle connection", "connection closed", "forcibly closed", "force closed", "socket hang up", "stream error", "connection error", "connection aborted", "connectionreset", "server disconnected", "peer closed", "fetch failed", "other side closed", "socket disconnected",
		"stream disconnected", "upstream connect error", "failed to connect to all addresses", "closed network connection", "connection broken", "premature close", "eof occurred", "typeerror: terminated", "channelclosed"), unreachable("the connection was reset or refused")},
	{prose.Phrases("tls handshake timeout", "dial tcp", "network is unreachable", "no route to host", "connection timed out", "etimedout",
		"transport connection broken"), unreachable("the connection could not be made")},
	{prose.Phrases("context canceled"), canceled()}, // see evidence.canceled
	{prose.Phrases("deadline exceeded", "client.timeout exceeded", "i/o timeout", "timed out", "timeout awaiting", "headers timeout", "body timeout"), silent()},
	{prose.Phrases("invalid stream chunk", "error unmarshalling", "unexpected end of json", "invalid character '", "without a finish", "without finish",
		"stream ended", "stream closed", "incomplete chunk", "incomplete read", "incomplete stream", "incomplete response", "incomplete json",
		"stream truncated", "truncated stream", "response truncated", "truncated response", "was truncated",
		"parsing chunk", "jsondecodeerror", "malformed chunk", "malformed stream", "malformed json", "malformed response", "malformed http",
		"error decoding response body"),
		damaged()},
	{prose.Phrases("unexpected eof"), cutOff()},
	{prose.Phrases("x509:", "tls: ", "verify certificate", "certificate verify", "certificate signed by", "certificate has expired", "certificate is not",
		"bad certificate", "unknown certificate", "first record does not look like"),
		Verdict{Action: Fallback, Kind: KindNetwork, Scope: ScopeEndpoint, Reason: "the provider's certificate is not accepted"}},
	// ADK's Gemini model says "empty response" of a blocked prompt and of an error body under HTTP 200 alike: the same
	// request would give the same answer.
	{prose.Phrases("empty response", "no candidates", "no choices"),
		Verdict{Action: Fallback, Kind: KindEmpty, Scope: ScopeRequest, Reason: "an empty answer, its cause unknown"}},
}

// withoutStatus judges errors without an HTTP response by their text.
func (e *evidence) withoutStatus() Verdict {
	for i := range texts {
		if e.prose.HasAny(texts[i].any) {
			if v := texts[i].mean; v.Kind != KindCanceled {
				return v
			}
			return e.canceled()
		}
	}
	if e.answer {
		if v, bad := finishVerdict(strings.ToUpper(e.finish)); bad {
			v.Code = e.finish
			return v
		}
		if e.finish == "" {
			return damaged()
		}
	}
	switch {
	case strings.HasSuffix(e.text, "eof"):
		return unreachable("the connection ended early")
	case e.prose.HasAny(rateWords):
		return e.limited(KindRateLimit)
	}
	if e.status = exceptionStatus(e.text); e.status != 0 {
		return e.byStatus()
	}
	return unrecognized("nothing in the error was recognized")
}

func unrecognized(reason string) Verdict {
	return Verdict{Action: Fallback, Kind: KindUnknown, Scope: ScopeRequest, Reason: reason}
}

// exceptions are names that the SDKs of OpenAI, Anthropic, LiteLLM and Google give an HTTP status, in lower case: for when
// the exception was printed without it. The first one in a text is the one that was raised.
//
//	https://github.com/openai/openai-python/blob/main/src/openai/_exceptions.py
//	https://github.com/googleapis/python-api-core/blob/main/google/api_core/exceptions.py
var exceptions = []struct {
	name   string
	status int
}{
	{"badrequesterror", 400}, {"invalidrequesterror", 400}, {"unprocessableentityerror", 422}, {"invalidargument:", 400}, {"failedprecondition:", 400},
	{"permissiondenied", 403}, {"notfounderror", 404}, {"ratelimiterror", 429}, {"resourceexhausted", 429}, {"toomanyrequests", 429},
	{"internalservererror", 500}, {"badgateway", 502}, {"serviceunavailable", 503}, {"gatewaytimeout", 504},
}

// exceptionStatus returns the HTTP status of the first exception that is named in lower-case text, 0 when none is.
func exceptionStatus(text string) (status int) {
	first := len(text)
	for _, x := range exceptions {
		if i := strings.Index(text[:first], x.name); i >= 0 {
			first, status = i, x.status
		}
	}
	return status
}

// canceled judges a context.Canceled, be it a value or only a text. It is the caller's, unless the caller is seen to be
// there still: then something cancelled this attempt alone.
func (e *evidence) canceled() Verdict {
	if e.ctx != nil && e.ctx.Done() != nil {
		return Verdict{Action: Fallback, Kind: KindTimeout, Scope: ScopeModel, Reason: "the attempt was cancelled, not the call"}
	}
	return canceled()
}

func canceled() Verdict {
	return Verdict{Action: Fail, Kind: KindCanceled, Scope: ScopeRequest, Reason: "caller"}
}

// silent is the verdict of an attempt cut off by its own deadline. A silent route stays silent.
func silent() Verdict {
	return Verdict{Action: Fallback, Kind: KindTimeout, Scope: ScopeModel, Reason: "no answer within the attempt's own deadline"}
}

func damaged() Verdict {
	return Verdict{Action: Retry, Kind: KindTruncated, Scope: ScopeModel, Reason: "the answer was cut or damaged"}
}

// cutOff is the verdict of a connection that ended in the middle of an answer. Unlike a failed connect, it says nothing
// about other models of the endpoint.
func cutOff() Verdict {
	return Verdict{Action: Retry, Kind: KindNetwork, Scope: ScopeModel, Reason: "the connection ended in the middle of the answer"}
}

func unreachable(reason string) Verdict {
	return Verdict{Action: Retry, Kind: KindNetwork, Scope: ScopeEndpoint, Reason: reason}
}
