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

// networkPhrases are what the errors of Go's net, net/http, http2 and TLS packages say, for when only the text is left.
var networkPhrases = []struct {
	any    []string
	reason string
}{
	{[]string{"no such host", "server misbehaving", "lookup "}, "the host name could not be resolved"},
	{[]string{"connection reset", "connection refused", "broken pipe", "econnreset", "econnrefused", "refused_stream", "goaway", "client connection lost", "server closed idle connection",
		"connection closed", "forcibly closed", "socket hang up", "stream error"}, "the connection was reset or refused"},
	{[]string{"tls handshake timeout", "dial tcp", "network is unreachable", "no route to host", "connection timed out", "etimedout", "transport connection broken"}, "the connection could not be made"},
}

// withoutStatus decides about errors that no HTTP response stands behind, by their text.
func (e *evidence) withoutStatus() Verdict {
	t := e.text
	for _, p := range networkPhrases {
		if contains(t, p.any) {
			return unreachable(p.reason)
		}
	}
	switch {
	case strings.Contains(t, "context canceled"):
		return canceled()
	case contains(t, []string{"deadline exceeded", "client.timeout exceeded", "i/o timeout", "timed out", "timeout awaiting"}):
		return silent()
	case contains(t, []string{"invalid stream chunk", "error unmarshalling", "unexpected end of json", "invalid character", "without a finish", "without finish",
		"stream ended", "stream closed", "incomplete", "truncated", "malformed"}):
		return Verdict{Action: Retry, Kind: KindTruncated, Scope: ScopeModel, Reason: "the answer was cut or damaged"}
	case strings.HasSuffix(t, "eof"):
		return unreachable("the connection ended early")
	case contains(t, []string{"x509:", "certificate", "tls:", "first record does not look like"}):
		return Verdict{Action: Fallback, Kind: KindNetwork, Scope: ScopeProvider, Reason: "the provider's certificate is not accepted"}
	case contains(t, []string{"empty response", "no candidates", "no choices"}):
		// ADK's Gemini model says this of a blocked prompt and of an error body under HTTP 200 alike: the same request
		// would give the same answer.
		return Verdict{Action: Fallback, Kind: KindEmpty, Scope: ScopeRequest, Reason: "an empty answer, its cause unknown"}
	case strings.Contains(t, "quota") || strings.Contains(t, "rate limit"):
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

func unreachable(reason string) Verdict {
	return Verdict{Action: Retry, Kind: KindNetwork, Scope: ScopeProvider, Reason: reason}
}

func mentionsModel(text string) bool {
	return strings.Contains(text, "model") || strings.Contains(text, "deployment")
}
