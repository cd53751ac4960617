package fallbacktest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// Step is what the server does with one request. The zero Step is the same as
// [Empty]. A Step never changes: its methods return a changed copy, so one value
// may stand in several scripts and be used by several goroutines.
type Step struct {
	kind   kind
	answer protocol.Answer
	status protocol.Status
	choose func(Request) Step
	header http.Header

	timing timing
	fault  fault

	keepAlives int // comments before the first event

	// How long a script stays at this step: for times requests (0 means one), or,
	// if window is not 0, for that long.
	times  int
	window time.Duration
}

type kind int

const (
	kindAnswer kind = iota
	kindStatus
	kindReset
	kindSilence
	kindFunc
)

// Text answers with s, streamed one token an event.
func Text(s string) Step { return Chunks(tokens(s)...) }

// Chunks answers with the pieces joined, streamed one piece an event.
func Chunks(pieces ...string) Step {
	parts := make([]*genai.Part, len(pieces))
	for i, p := range pieces {
		parts[i] = &genai.Part{Text: p}
	}
	return Parts(parts...)
}

// Thoughts answers with a thought summary and no content, as a model does that
// spends its whole output budget on thinking.
func Thoughts(s string) Step {
	var parts []*genai.Part
	for _, t := range tokens(s) {
		parts = append(parts, &genai.Part{Text: t, Thought: true})
	}
	return Parts(parts...)
}

// ToolCall answers with a call of the named function. For several calls in one
// answer, or text beside a call, use [Parts].
func ToolCall(name string, args map[string]any) Step {
	return Parts(&genai.Part{FunctionCall: &genai.FunctionCall{Name: name, Args: args}})
}

// Parts answers with the given parts, streamed one part an event. The parts
// belong to the Step from then on and must not be changed. Nil parts are omitted.
func Parts(parts ...*genai.Part) Step {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p *genai.Part) bool { return p == nil })
	return Step{answer: protocol.Answer{Parts: parts}}
}

// Empty answers with a candidate that has no parts and finish reason STOP.
func Empty() Step { return Step{} }

// NoCandidates answers with usage metadata alone.
func NoCandidates() Step { return Step{answer: protocol.Answer{NoCandidate: true}} }

// Blocked answers as Gemini does to a prompt that its content policy rejects:
// status 200, no candidate, and the reason in promptFeedback. For an answer that
// is stopped by policy half way use Text(…).Finish(genai.FinishReasonSafety). The
// other APIs let the model refuse.
func Blocked(reason genai.BlockedReason) Step {
	return Step{answer: protocol.Answer{NoCandidate: true, Blocked: reason}}
}

// Status answers with an HTTP status, from 200 to 599, and a body as given. Errors that the
// APIs are known to send are ready made: [DailyQuota], [Overloaded] and their siblings.
//
// Status panics for any other code: net/http would refuse it in the middle of an exchange.
func Status(code int, body string) Step {
	if code < 200 || code > 599 {
		panic(fmt.Sprintf("fallbacktest: Status code is %d: allowed are 200 to 599", code))
	}
	return Step{kind: kindStatus, status: protocol.Status{Code: code, Body: body}}
}

// Reset reads the request, then resets the connection (TCP RST) without having
// sent a byte. The client sees [syscall.ECONNRESET].
func Reset() Step { return Step{kind: kindReset} }

// Silence reads the request and never answers: not even headers are sent before
// the client goes away or the server is closed.
func Silence() Step { return Step{kind: kindSilence} }

// Func lets the request decide, for instance to answer a function's result
// differently from a question. A Func may return a Func, which is called too.
// Methods of the returned Step apply; methods called on the Func itself, other
// than [Times] and [For], have no effect. f must be safe for concurrent use. Func
// panics if f is nil.
func Func(f func(Request) Step) Step {
	if f == nil {
		panic("fallbacktest: Func's function is nil: give one that returns a Step")
	}
	return Step{kind: kindFunc, choose: f}
}

// Header adds a response header, for instance Retry-After.
func (s Step) Header(key, value string) Step {
	s.header = s.header.Clone()
	if s.header == nil {
		s.header = http.Header{}
	}
	s.header.Add(key, value)
	return s
}

// Finish sets the finish reason of an answer; without it the reason is STOP.
func (s Step) Finish(reason genai.FinishReason) Step {
	s.answer.Finish, s.answer.NoFinish = reason, false
	return s
}

// NoFinish leaves out the finish reason, and what else the API ends a stream with:
// the answer is whole, but nothing says so.
func (s Step) NoFinish() Step {
	s.answer.NoFinish = true
	return s
}

// MetadataFirst sends one more event before the answer, with usage metadata and
// no candidate, or whatever the API opens a stream with. A unary answer stays as it
// is.
func (s Step) MetadataFirst() Step {
	s.answer.MetadataFirst = true
	return s
}

// Signature sets the thought signature of the first function call, or of the last
// part if there is no call. In a stream or document of Anthropic's it is that of a
// thought.
func (s Step) Signature(sig []byte) Step {
	parts := slices.Clone(s.answer.Parts)
	i := slices.IndexFunc(parts, func(p *genai.Part) bool { return p.FunctionCall != nil })
	if i < 0 {
		i = len(parts) - 1
	}
	if i >= 0 {
		signed := *parts[i]
		signed.ThoughtSignature = slices.Clone(sig)
		parts[i] = &signed
	}
	s.answer.Parts = parts
	return s
}

// Usage sets the token counts that the answer reports. Without it the prompt
// counts as many tokens as the request has words, and the answer as many as it
// has words and function calls.
func (s Step) Usage(prompt, output int) Step {
	s.answer.Usage = &protocol.Usage{Prompt: prompt, Output: output}
	return s
}

// Version sets the model version that the answer reports; without it that is the
// model name of the request.
func (s Step) Version(v string) Step {
	s.answer.Version = v
	return s
}

// tokens splits s after each run of spaces, so that joining gives s again.
func tokens(s string) []string {
	var out []string
	for len(s) > 0 {
		word := strings.IndexFunc(s, isSpace)
		if word < 0 {
			return append(out, s)
		}
		end := strings.IndexFunc(s[word:], func(r rune) bool { return !isSpace(r) })
		if end < 0 {
			return append(out, s)
		}
		out, s = append(out, s[:word+end]), s[word+end:]
	}
	return out
}

func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' }
