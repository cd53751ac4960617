package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// A document is a GenerateContentResponse: a whole answer, or a piece of one.
// https://ai.google.dev/api/generate-content#generatecontentresponse
//
// A stream repeats a hundred bytes of metadata with every few letters of text, so
// documents are scanned, and only what is used is decoded.

// part is genai's, but for calls: it cannot tell an empty string from none.
type part struct {
	genai.Part
	FunctionCall *functionCall `json:"functionCall"`
}

type functionCall struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Args         json.RawMessage `json:"args"`
	PartialArgs  []partialArg    `json:"partialArgs"`
	WillContinue bool            `json:"willContinue"`
}

// partialArg is a piece of the arguments of a call.
type partialArg struct {
	JSONPath    string          `json:"jsonPath"`
	StringValue *string         `json:"stringValue"`
	NumberValue *float64        `json:"numberValue"`
	BoolValue   *bool           `json:"boolValue"`
	NullValue   json.RawMessage `json:"nullValue"` // null, or "NULL_VALUE"
}

// citations has the names of both backends.
type citations struct {
	Citations       []*genai.Citation `json:"citations"`
	CitationSources []*genai.Citation `json:"citationSources"`
}

// piece is what a stream shows of a document, in one allocation.
type piece struct {
	resp    model.LLMResponse
	content genai.Content
	usage   genai.GenerateContentResponseUsageMetadata
	part    genai.Part
	parts   [1]*genai.Part
}

// reading is one run over a document.
type reading struct {
	*answer
	show bool
	out  *piece
	err  error
	fail bool // the document is an error of the API
}

// read takes a document in. If show is set, it returns its text and thoughts as a
// partial response, or nil if it has none. apiError says that the document is an
// error of the API instead.
func (a *answer) read(data []byte, show bool) (shown *model.LLMResponse, apiError bool, err error) {
	r := reading{answer: a, show: show}
	var candidates []byte
	err = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "candidates":
			candidates = value
		case "usageMetadata":
			r.readUsage(value)
		case "modelVersion":
			if len(value) > 2 && string(value[1:len(value)-1]) != a.version {
				a.version = r.text(value)
			}
		case "promptFeedback":
			var feedback genai.GenerateContentResponsePromptFeedback
			if metadata(value, &feedback); feedback.BlockReason != "" {
				a.blocked = &feedback
			}
		case "error":
			r.fail = r.fail || string(value) != "null"
		}
	})
	if r.fail && err == nil {
		return nil, true, nil
	}
	jsonscan.Each(candidates, r.readCandidate)
	if err != nil || r.err != nil {
		return nil, false, fmt.Errorf("gemini: a part of the answer is no JSON that the API sends: %w", failure.ErrTruncated)
	}
	if r.out == nil {
		return nil, false, nil
	}
	resp := &r.out.resp
	resp.Partial, resp.Content, resp.ModelVersion = true, &r.out.content, a.version
	if total := a.total(); total != nil {
		r.out.usage = *total
		resp.UsageMetadata = &r.out.usage
	}
	return resp, false, nil
}

// decode decodes a value that an answer cannot do without.
func (r *reading) decode(value []byte, v any) {
	if err := json.Unmarshal(value, v); err != nil {
		r.err = err
	}
}

// members visits the members of an object; null has none.
func (r *reading) members(value []byte, visit func(key, value []byte)) {
	if string(value) == "null" {
		return
	}
	if err := jsonscan.Members(value, visit); err != nil {
		r.err = err
	}
}

// text returns a string; "" for null and for one that is not there.
func (r *reading) text(value []byte) string {
	s, ok := jsonscan.Unquote(value)
	if !ok && value != nil && string(value) != "null" {
		r.err = errNoString
	}
	return s
}

var errNoString = errors.New("a string is expected")

// metadata decodes the optional parts of an answer and ignores those that it cannot read.
func metadata(value []byte, v any) { _ = json.Unmarshal(value, v) }

// readUsage keeps the counts, which begin at 0 with each request and grow, and the
// details as they are written: only the last count.
func (r *reading) readUsage(value []byte) {
	var u genai.GenerateContentResponseUsageMetadata
	details := false
	r.members(value, func(key, value []byte) {
		var count *int32
		switch string(key) {
		case "promptTokenCount":
			count = &u.PromptTokenCount
		case "candidatesTokenCount":
			count = &u.CandidatesTokenCount
		case "thoughtsTokenCount":
			count = &u.ThoughtsTokenCount
		case "totalTokenCount":
			count = &u.TotalTokenCount
		case "cachedContentTokenCount":
			count = &u.CachedContentTokenCount
		case "toolUsePromptTokenCount":
			count = &u.ToolUsePromptTokenCount
		default:
			details = true
			return
		}
		n, err := strconv.ParseFloat(string(value), 64) // some proxies write 12.0
		if err == nil && n >= 0 && n < 1<<31 {
			*count = int32(n)
		}
	})
	if u.TotalTokenCount == 0 && u.PromptTokenCount == 0 && u.CandidatesTokenCount == 0 {
		return // it says how the request is served, and no more
	}
	if r.usage == nil {
		r.usage = &genai.GenerateContentResponseUsageMetadata{}
	}
	*r.usage, r.details = u, r.details[:0]
	if details {
		r.details = append(r.details, value...)
	}
}

// readCandidate takes in the first candidate; others are left out.
func (r *reading) readCandidate(_ int, candidate []byte) {
	a := r.answer
	var content, finish, message []byte
	first := true
	r.members(candidate, func(key, value []byte) {
		switch string(key) {
		case "index":
			first = string(value) == "0" || string(value) == "null"
		case "content":
			content = value
		case "finishReason":
			finish = value
		case "finishMessage":
			message = value
		}
	})
	if !first {
		return
	}
	if reason := r.text(finish); reason != "" && reason != string(genai.FinishReasonUnspecified) {
		a.finish, a.message = reason, r.text(message)
	}
	r.members(candidate, r.readMetadata)
	r.members(orNull(content), func(key, value []byte) {
		if string(key) == "parts" {
			jsonscan.Each(value, r.readPart)
		}
	})
}

func orNull(value []byte) []byte {
	if value == nil {
		return []byte("null")
	}
	return value
}

// readMetadata takes in what stands beside a candidate's content.
func (r *reading) readMetadata(key, value []byte) {
	a := r.answer
	switch string(key) {
	case "continuationToken":
		metadata(value, &a.token)
	case "groundingMetadata":
		metadata(value, &a.grounding)
	case "avgLogprobs":
		metadata(value, &a.average)
	case "citationMetadata":
		var c citations
		metadata(value, &c)
		a.cite(c.Citations)
		a.cite(c.CitationSources)
	case "logprobsResult":
		var logprobs genai.LogprobsResult
		metadata(value, &logprobs)
		a.addLogprobs(&logprobs)
	}
}

// readPart takes a part in. Most are text and nothing else.
func (r *reading) readPart(_ int, value []byte) {
	if string(value) == "null" {
		return
	}
	var text []byte
	thought, plain := false, true
	r.members(value, func(key, value []byte) {
		switch string(key) {
		case "text":
			text = value
		case "thought":
			thought = string(value) == "true"
		default:
			plain = false
		}
	})
	var p part
	if plain {
		p.Text, p.Thought = r.text(text), thought
		r.addText(p.Text, thought)
	} else {
		r.decode(value, &p)
		r.addPart(&p)
	}
	if r.show && p.Text != "" && p.FunctionCall == nil {
		r.showText(p.Text, p.Thought)
	}
}

func (r *reading) showText(text string, thought bool) {
	if r.out == nil {
		r.out = &piece{part: genai.Part{Text: text, Thought: thought}}
		r.out.parts[0] = &r.out.part
		r.out.content = genai.Content{Role: genai.RoleModel, Parts: r.out.parts[:]}
		return
	}
	r.out.content.Parts = append(r.out.content.Parts, &genai.Part{Text: text, Thought: thought})
}
