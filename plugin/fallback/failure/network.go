package failure

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// network judges errors of the connection, by type where there is one.
func network(err error) (Verdict, bool) {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return unreachable("the host name could not be resolved"), true
	case errors.As(err, &op) && op.Op == "dial":
		return unreachable("the connection could not be made"), true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return silent(), true
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EPIPE):
		return unreachable("the connection was reset or refused"), true
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return unreachable("the connection ended early"), true
	}
	return Verdict{}, false
}

// texts are what the errors of Go's net, net/http, http2 and TLS packages, of the Gemini SDK and of ADK say, for when only
// the text is left. They are asked in order.
var texts = []struct {
	any  []phrase
	mean Verdict
}{
	{phrasesOf("no such host", "server misbehaving", "lookup "), unreachable("the host name could not be resolved")},
	{phrasesOf("connection reset", "connection refused", "broken pipe", "econnreset", "econnrefused", "refused_stream", "goaway", "client connection lost",
		"server closed idle connection", "connection closed", "forcibly closed", "socket hang up", "stream error"), unreachable("the connection was reset or refused")},
	{phrasesOf("tls handshake timeout", "dial tcp", "network is unreachable", "no route to host", "connection timed out", "etimedout",
		"transport connection broken"), unreachable("the connection could not be made")},
	{phrasesOf("context canceled"), canceled()},
	{phrasesOf("deadline exceeded", "client.timeout exceeded", "i/o timeout", "timed out", "timeout awaiting"), silent()},
	{phrasesOf("invalid stream chunk", "error unmarshalling", "unexpected end of json", "invalid character", "without a finish", "without finish",
		"stream ended", "stream closed", "incomplete", "truncated", "malformed"),
		damaged()},
	{phrasesOf("x509:", "certificate", "tls:", "first record does not look like"),
		Verdict{Action: Fallback, Kind: KindNetwork, Scope: ScopeProvider, Reason: "the provider's certificate is not accepted"}},
	// ADK's Gemini model says "empty response" of a blocked prompt and of an error body under HTTP 200 alike: the same
	// request would give the same answer.
	{phrasesOf("empty response", "no candidates", "no choices"),
		Verdict{Action: Fallback, Kind: KindEmpty, Scope: ScopeRequest, Reason: "an empty answer, its cause unknown"}},
}

// withoutStatus decides about errors that no HTTP response stands behind, by their text.
func (e *evidence) withoutStatus() Verdict {
	for i := range texts {
		if e.prose.hasAny(texts[i].any) {
			return texts[i].mean
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
	case e.prose.hasAny(rateWords):
		return e.limited(KindRateLimit)
	}
	return Verdict{Action: Fallback, Kind: KindUnknown, Scope: ScopeRequest, Reason: "nothing in the error was recognised"}
}

func canceled() Verdict {
	return Verdict{Action: Fail, Kind: KindCanceled, Scope: ScopeRequest, Reason: "caller"}
}

// silent is an attempt that was given up by its own deadline. A silent route stays silent.
func silent() Verdict {
	return Verdict{Action: Fallback, Kind: KindTimeout, Scope: ScopeModel, Reason: "no answer within the attempt's own deadline"}
}

func damaged() Verdict {
	return Verdict{Action: Retry, Kind: KindTruncated, Scope: ScopeModel, Reason: "the answer was cut or damaged"}
}

func unreachable(reason string) Verdict {
	return Verdict{Action: Retry, Kind: KindNetwork, Scope: ScopeProvider, Reason: reason}
}
