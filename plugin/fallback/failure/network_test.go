package failure_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

func TestTextsOfGoErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	const post = `doRequest: error sending request: Post "https://HOST/v1beta/models/m:generateContent": `
	check(t, []response{
		{"deadline", 0, post + "context deadline exceeded", outcome{fallback, failure.KindTimeout, 0}},
		{"client timeout", 0, post + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", outcome{fallback, failure.KindTimeout, 0}},
		{"cancelled", 0, post + "context canceled", outcome{fail, failure.KindCanceled, 0}},
		{"reset", 0, post + "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer", outcome{retry, failure.KindNetwork, 0}},
		{"refused", 0, post + "dial tcp 127.0.0.1:1: connect: connection refused", outcome{retry, failure.KindNetwork, 0}},
		{"dns", 0, post + "dial tcp: lookup HOST: no such host", outcome{retry, failure.KindNetwork, 0}},
		{"tls", 0, post + "net/http: TLS handshake timeout", outcome{retry, failure.KindNetwork, 0}},
		{"eof", 0, post + "EOF", outcome{retry, failure.KindNetwork, 0}},
		{"unexpected eof", 0, "iterateResponseStream: error reading stream: unexpected EOF", outcome{retry, failure.KindNetwork, 0}},
		{"goaway", 0, `http2: server sent GOAWAY and closed the connection; LastStreamID=1999, ErrCode=NO_ERROR, debug=""`, outcome{retry, failure.KindNetwork, 0}},
		{"stream error", 0, "stream error: stream ID 3; INTERNAL_ERROR; received from peer", outcome{retry, failure.KindServer, 0}},
		{"dial timeout", 0, post + "dial tcp 10.0.0.1:443: i/o timeout", outcome{retry, failure.KindNetwork, 0}},
		{"certificate", 0, post + "tls: failed to verify certificate: x509: certificate signed by unknown authority", outcome{fallback, failure.KindNetwork, 0}},
		{"empty chunk", 200, "iterateResponseStream: invalid stream chunk: [{:", outcome{retry, failure.KindTruncated, 0}},
		{"half a chunk", 200, `iterateResponseStream: error unmarshalling data data: {"candidates":[{"content":{"parts":[{"text":"Hel. error: unexpected end of JSON input`, outcome{retry, failure.KindTruncated, 0}},
		{"nothing under a success", 200, " \n", outcome{retry, failure.KindEmpty, 0}},
		{"empty response", 200, "empty response", outcome{fallback, failure.KindEmpty, 0}},
		{"adk openai empty", 200, "openai: empty response", outcome{fallback, failure.KindEmpty, 0}},
		{"no credentials", 0, "google: could not find default credentials. See https://cloud.google.com/docs/authentication", outcome{fail, failure.KindAuth, 0}},
		{"expired certificate", 0, "certificate has expired", outcome{fallback, failure.KindNetwork, 0}},
		{"chunked read", 0, "peer ended without sending complete message body (incomplete chunked read)", outcome{retry, failure.KindTruncated, 0}},
		{"revoked token", 0, post + "oauth2: cannot fetch token: 400 Bad Request\nResponse: {\"error\":\"invalid_grant\",\"error_description\":\"Token has been revoked.\"}", outcome{fail, failure.KindAuth, 0}},
		{"a tool called lookup", 0, "lookup tool failed", outcome{fallback, failure.KindUnknown, 0}},
		{"a malformed schema", 0, "malformed tool schema", outcome{fallback, failure.KindUnknown, 0}},
		{"an incomplete configuration", 0, "incomplete configuration", outcome{fallback, failure.KindUnknown, 0}},
		{"a tool about certificates", 0, "get_certificate failed", outcome{fallback, failure.KindUnknown, 0}},
		{"host unknown to Node", 0, "request to https://HOST/v1 failed, reason: getaddrinfo ENOTFOUND HOST", outcome{retry, failure.KindNetwork, 0}},
		{"host unknown to Python", 0, "[Errno -2] Name or service not known", outcome{retry, failure.KindNetwork, 0}},
		{"closed by the other side", 0, "terminated (cause: other side closed)", outcome{retry, failure.KindNetwork, 0}},
		{"closed before TLS", 0, "Client network socket disconnected before a secure connection", outcome{retry, failure.KindNetwork, 0}},
		{"closed here", 0, "read tcp 10.0.0.1:1->10.0.0.2:443: use of closed network connection", outcome{retry, failure.KindNetwork, 0}},
		{"forced to close", 0, "http2: client connection force closed via ClientConn.Close", outcome{retry, failure.KindNetwork, 0}},
		{"closed during TLS", 0, "SSLEOFError(8, 'EOF occurred in violation of protocol')", outcome{retry, failure.KindNetwork, 0}},
		{"closed in the body", 0, "Invalid response body of https://HOST/v1: Premature close", outcome{retry, failure.KindNetwork, 0}},
		{"broken in the body", 0, "('Connection broken: IncompleteRead(12 bytes read)')", outcome{retry, failure.KindNetwork, 0}},
		{"stream disconnected", 0, "stream disconnected before its last event", outcome{retry, failure.KindNetwork, 0}},
		{"a chunk that is no JSON", 0, "Error parsing chunk: expected a value, got: {", outcome{retry, failure.KindTruncated, 0}},
		{"a chunk that Python cannot read", 0, "json.decoder.JSONDecodeError: Expecting value: line 1 column 9 (char 8)", outcome{retry, failure.KindTruncated, 0}},
		{"overloaded", 0, "[API Error: m is overloaded, come back later]", outcome{retry, failure.KindOverloaded, 0}},
		{"high demand", 0, "there is high demand for m at the moment", outcome{retry, failure.KindOverloaded, 0}},
		{"no AWS credentials", 0, "NoCredentialsError: Unable to locate credentials", outcome{fail, failure.KindAuth, 0}},
		{"cancelled at its deadline", 0, "Error 504, Message: Cancelled while it waited; status = CANCELLED", outcome{retry, failure.KindTimeout, 0}},
		{"nothing known", 0, "boom", outcome{fallback, failure.KindUnknown, 0}},
	})
}
