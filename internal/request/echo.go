package request

import (
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

const (
	// minEcho is the shortest run of bytes that counts as quoted: every message has shorter
	// ones in common with a long prompt.
	minEcho = 24
	// minText is the shortest text that counts as quoted when a message has the whole of it.
	minText = 8
	// maxEcho bounds what is read of a message, in bytes. Records keep less.
	maxEcho = 4096

	echoMark = "…"
)

// WithoutEcho returns a provider's message without what it quotes of a request: some servers
// say what they could not read, and records must not have prompts. It takes time in
// proportion to the request.
func WithoutEcho(message string, req *model.LLMRequest) string {
	if len(message) < minText || req == nil {
		return message
	}
	message = message[:min(len(message), maxEcho)]
	e := newEcho(message)
	eachText(req, e.find)
	return e.result()
}

// echo looks for runs of a message in texts.
type echo struct {
	message string
	quoted  []bool           // by byte of the message; nil while nothing is quoted
	runs    map[uint64]place // the runs of the message, by their hashes
	maybe   [1 << 6]uint64   // a bit for the highest bits of each of these hashes
}

// place is the first place of a run in the message.
type place struct {
	start int
	found bool // in a text
}

// Runs are hashed as numbers to this base, modulo 2⁶⁴.
const echoBase = 0x9e3779b97f4a7c15

// outgoing is the factor of the byte that leaves a run.
var outgoing = func() uint64 {
	f := uint64(1)
	for range minEcho {
		f *= echoBase
	}
	return f
}()

func newEcho(message string) *echo {
	e := &echo{message: message, runs: make(map[uint64]place)}
	runs(message, func(end int, hash uint64) {
		if _, known := e.runs[hash]; !known {
			e.runs[hash] = place{start: end - minEcho}
		}
		e.maybe[hash>>58] |= 1 << (hash >> 52 & 63)
	})
	return e
}

// runs calls f for each run of minEcho bytes.
func runs(text string, f func(end int, hash uint64)) {
	hash := uint64(0)
	for i := range len(text) {
		hash = hash*echoBase + uint64(text[i]) + 1
		if i >= minEcho {
			hash -= outgoing * (uint64(text[i-minEcho]) + 1)
		}
		if i >= minEcho-1 {
			f(i+1, hash)
		}
	}
}

// find marks what the message quotes of a text.
func (e *echo) find(text string) {
	if len(text) < minEcho {
		e.findWhole(text)
		return
	}
	runs(text, func(end int, hash uint64) {
		if e.maybe[hash>>58]&(1<<(hash>>52&63)) == 0 {
			return
		}
		p, ok := e.runs[hash]
		if ok && !p.found && e.message[p.start:p.start+minEcho] == text[end-minEcho:end] {
			p.found = true
			e.runs[hash] = p
		}
	})
}

// findWhole is find for a short text.
func (e *echo) findWhole(text string) {
	text = strings.TrimSpace(text)
	if len(text) < minText {
		return
	}
	for from := 0; ; {
		i := strings.Index(e.message[from:], text)
		if i < 0 {
			return
		}
		e.mark(from+i, from+i+len(text))
		from += i + len(text)
	}
}

func (e *echo) mark(start, end int) {
	if e.quoted == nil {
		e.quoted = make([]bool, len(e.message))
	}
	for i := start; i < end; i++ {
		e.quoted[i] = true
	}
}

// result returns the message with a mark in the place of each quotation.
func (e *echo) result() string {
	runs(e.message, func(end int, hash uint64) {
		if p := e.runs[hash]; p.found && e.message[p.start:p.start+minEcho] == e.message[end-minEcho:end] {
			e.mark(end-minEcho, end)
		}
	})
	if e.quoted == nil {
		return e.message
	}
	var b strings.Builder
	for i := range len(e.message) {
		switch {
		case !e.quoted[i]:
			b.WriteByte(e.message[i])
		case i == 0 || !e.quoted[i-1]:
			b.WriteString(echoMark)
		}
	}
	return strings.ToValidUTF8(b.String(), "")
}

// eachText calls f for the texts of a request: those of its contents and its instruction, and
// the values of function calls and results.
func eachText(req *model.LLMRequest, f func(string)) {
	contents := req.Contents
	if req.Config != nil && req.Config.SystemInstruction != nil {
		contents = append([]*genai.Content{req.Config.SystemInstruction}, contents...)
	}
	for _, content := range contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if part == nil {
				continue
			}
			f(part.Text)
			if part.FunctionCall != nil {
				eachString(part.FunctionCall.Args, f, maxTextDepth)
			}
			if part.FunctionResponse != nil {
				eachString(part.FunctionResponse.Response, f, maxTextDepth)
			}
		}
	}
}

// maxTextDepth bounds how deep values are searched for texts.
const maxTextDepth = 32

func eachString(value any, f func(string), depth int) {
	if depth == 0 {
		return
	}
	switch v := value.(type) {
	case string:
		f(v)
	case []any:
		for _, one := range v {
			eachString(one, f, depth-1)
		}
	case map[string]any:
		for _, one := range v {
			eachString(one, f, depth-1)
		}
	}
}
