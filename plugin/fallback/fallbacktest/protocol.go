package fallbacktest

import (
	"net/http"
	"strings"

	"google.golang.org/genai"
)

// protocol is the wire format of one provider API: it recognizes a request, reads
// it, and writes answers and errors. Steps and faults know nothing of it, so
// another API is one more implementation, listed in protocols. Implementations
// hold no state.
type protocol interface {
	// owns reports whether the request is one of this API's calls for content.
	owns(r *http.Request) bool
	// decode fills in what the URL and the body say. After an error the request
	// may be filled in part; the error's text is sent to the client.
	decode(r *http.Request, body []byte, req *Request) error

	// document writes a unary answer.
	document(req *Request, a answer) []byte
	// events writes a streamed answer: one piece for each part of the answer, and at
	// least one. Events with which the API frames an answer belong to the first and
	// the last piece, so that a fault strikes at the same word in every protocol;
	// after [Step.MetadataFirst] the opening ones are a piece of their own.
	events(req *Request, a answer) [][]byte
	// errorEvent writes an error's body as an event of a stream.
	errorEvent(body string) []byte
	// problem writes an error.
	problem(req *Request, p problem) status

	// check returns what the real API refuses about a request that decode has
	// accepted, or nil if it accepts the request. It is called in strict mode only.
	check(r *http.Request, body []byte, req *Request) *violation
}

// blocker is a protocol that answers [Blocked] with a status where the request says
// so; elsewhere it writes it as an answer.
type blocker interface {
	blockedStatus(req *Request) (status, bool)
}

func protocols() []protocol {
	return []protocol{
		gemini{},
		chat{},
		responses{},
		anthropic{},
	}
}

// answer is what a model says, in genai's terms but in no protocol's encoding.
type answer struct {
	parts         []*genai.Part // each is one event of a stream
	finish        genai.FinishReason
	noFinish      bool
	noCandidate   bool
	blocked       genai.BlockedReason
	metadataFirst bool
	usage         *usage // nil: counted
	version       string // empty: the name of the model asked
	strict        bool   // the server is strict: thoughts are signed, so that foreign ones can be told
}

// usage counts tokens.
type usage struct{ prompt, output int }

func (a answer) finishReason() genai.FinishReason {
	switch {
	case a.noFinish:
		return ""
	case a.finish == "":
		return genai.FinishReasonStop
	}
	return a.finish
}

func (a answer) versionFor(req *Request) string {
	if a.version != "" {
		return a.version
	}
	return req.Model
}

// usageFor counts the tokens of the request and of the first n parts.
func (a answer) usageFor(req *Request, n int) usage {
	if a.usage == nil {
		prompt := 0
		for _, c := range req.Contents {
			if c != nil {
				prompt += countTokens(c.Parts)
			}
		}
		return usage{prompt: prompt, output: countTokens(a.parts[:n])}
	}
	if n == len(a.parts) {
		return *a.usage
	}
	return usage{prompt: a.usage.prompt, output: a.usage.output * n / len(a.parts)}
}

func countTokens(parts []*genai.Part) int {
	n := 0
	for _, p := range parts {
		if p == nil { // a client may send null
			continue
		}
		n += len(strings.Fields(p.Text))
		if p.FunctionCall != nil {
			n++
		}
	}
	return n
}

// joined merges neighbouring texts of the same sort, as a unary answer has them.
func joined(parts []*genai.Part) []*genai.Part {
	var out []*genai.Part
	for _, p := range parts {
		if n := len(out) - 1; n >= 0 && isText(p) && isText(out[n]) && p.Thought == out[n].Thought && len(out[n].ThoughtSignature) == 0 {
			merged := *out[n]
			merged.Text += p.Text
			merged.ThoughtSignature = p.ThoughtSignature
			out[n] = &merged
			continue
		}
		out = append(out, p)
	}
	return out
}

func isText(p *genai.Part) bool { return p.Text != "" && p.FunctionCall == nil }
