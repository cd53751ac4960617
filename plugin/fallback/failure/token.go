package failure

import (
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

// number reads a numeric code: an HTTP status, a gRPC code or a vendor's own. The innermost status counts, because it is the
// closest to the failure.
func (e *evidence) number(f float64, depth int) {
	n := int(f)
	switch {
	case float64(n) != f:
	case n >= 400 && n < 600 && (e.status < 400 || depth >= e.statusDepth):
		e.status, e.statusDepth = n, depth
	case n > 0 && n < len(grpcNames) && e.codeRank == 0:
		e.token(grpcNames[n])
	case n >= 1000:
		e.vendorNumber(n)
	}
}

// vendorNumber reads a vendor's own numeric code.
func (e *evidence) vendorNumber(n int) {
	m, ok := lookup(e.numbers + strconv.Itoa(n))
	if !ok && e.numbers == minimaxNumbers {
		m, ok = lookup(strconv.Itoa(n))
	}
	if ok {
		e.learn(m)
		if e.codeRank < 2 {
			e.code, e.codeRank = strconv.Itoa(n), 2
		}
	}
}

// token reads a code that is a word. The most specific word becomes the verdict's Code: a gRPC name before a code of the
// tables, and that before any other word.
func (e *evidence) token(s string) {
	if s == "" || len(s) > 128 || strings.IndexByte(s, ' ') >= 0 || s == "error" {
		return
	}
	if s[0] >= '0' && s[0] <= '9' {
		if n, err := strconv.Atoi(s); err == nil {
			e.number(float64(n), e.statusDepth)
		}
		return
	}
	rank := 1
	if m, ok := lookup(s); ok {
		rank = 2
		if m.grpc && s[0] < 'a' {
			rank, e.google = 3, true
		}
		e.learn(m)
	}
	if rank > e.codeRank {
		e.code, e.codeRank = s, rank
	}
}

// learn keeps the meaning of a known code if it has precedence.
func (e *evidence) learn(m word) {
	if precedence[m.kind] > precedence[e.kind] {
		e.kind, e.fromCode = m.kind, m.status
	} else if e.fromCode == 0 {
		e.fromCode = m.status
	}
}

// faultKeys are the members and headers in which AWS states the type of a fault: in JSON, in an event of a stream, and in
// the headers of an HTTP response. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
var faultKeys = []string{"__type", ":exception-type", "x-amzn-errortype", "x-amzn-ErrorType", "X-Amzn-Errortype"}

// addFault reads the type of a fault from a member or header of AWS. It counts more than the status, because every exception
// in an event stream has status 400.
func (e *evidence) addFault(s string) {
	s, _, _ = strings.Cut(s, ":") // a URL may follow
	e.token(s)
	if m, ok := lookup(s); ok && !m.grpc && m.status != 0 {
		e.fault = m.status
	}
}

var (
	exceptionWords = prose.Phrases("exception")
	codeMarks      = prose.Phrases("code = ", "status: ", "generic::", "statuscode.", "statuscode=\"", "statuscode=", "grpc::")
	botoMark       = prose.Phrases("an error occurred (")
	streamWords    = prose.Phrases("rst_stream", "grpc", "deadline exceeded", "received goaway", "connection", "upstream")
)

// stubs reads the prefixes that the libraries of AWS and gRPC add to a message: "An error occurred (ThrottlingException) when
// calling", and Ruby's "13:Received RST_STREAM". A number in front of other texts is not a code.
func (e *evidence) stubs() {
	if e.prose.HasAny(botoMark) {
		_, after, _ := strings.Cut(e.text, botoMark[0].String())
		fault, _, _ := strings.Cut(after[:min(len(after), maxCode)], ")")
		if _, ok := lookup(fault); ok {
			e.addFault(fault)
		}
	}
	if e.status >= 400 || e.codeRank > 2 || !e.prose.HasAny(streamWords) {
		return
	}
	for s := e.message[:min(len(e.message), MaxMessage)]; s != ""; {
		digits := 0
		for digits < len(s) && digits < 3 && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		if n, err := strconv.Atoi(s[:digits]); err == nil && n > 0 && n < len(grpcNames) && digits+1 < len(s) && s[digits] == ':' && s[digits+1] >= 'A' && s[digits+1] <= 'Z' {
			e.token(grpcNames[n])
			return
		}
		_, s, _ = strings.Cut(s, ": ")
	}
}

// textTokens finds codes in prose: the word after "code = " or "status: ", words with an underscore, and names of exceptions.
func (e *evidence) textTokens() {
	for i := range codeMarks {
		if e.prose.Contains(&codeMarks[i]) {
			_, after, _ := strings.Cut(e.text, codeMarks[i].String())
			e.knownToken(after[:codeLength(after)])
		}
	}
	if strings.IndexByte(e.text, '_') < 0 && !e.prose.HasAny(exceptionWords) {
		return
	}
	for t := e.text; t != ""; {
		n := codeLength(t)
		if w := t[:n]; strings.IndexByte(w, '_') > 0 || strings.HasSuffix(w, "exception") {
			e.knownToken(w)
		}
		t = t[max(n, 1):]
	}
}

// capitals finds a gRPC name in prose: "14 UNAVAILABLE: …". Only a word in capitals counts; otherwise it is an ordinary word.
func (e *evidence) capitals() {
	for s := e.message[:min(len(e.message), MaxMessage)]; s != ""; {
		n := codeLength(s)
		if w := s[:n]; n > 4 && w == strings.ToUpper(w) {
			if m, ok := lookup(w); ok && m.grpc {
				e.token(w)
				return
			}
		}
		s = s[max(n, 1):]
	}
}

// knownToken is token for words that may not be codes. In the text of a 4xx, they never turn a mistake of the request into a
// retry.
func (e *evidence) knownToken(w string) {
	if m, ok := lookup(w); ok {
		if passing := precedence[m.kind] > 0 && precedence[m.kind] <= precedence[KindCapacity]; passing && classOf(e.status)&(bad|denied|missing) != 0 {
			return
		}
		if m.grpc {
			w = strings.ToUpper(w) // the usual form of these names
		}
		e.token(w)
	}
}

// codeLength returns the length of the code at the start of s.
func codeLength(s string) int {
	n := 0
	for n < len(s) && (prose.IsLetter(s[n]) || s[n] == '_') {
		n++
	}
	return n
}
