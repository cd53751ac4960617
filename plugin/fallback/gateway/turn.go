package gateway

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// turn is one request for content, in the canonical form.
type turn struct {
	model    model.LLM
	request  *model.LLMRequest
	streamed bool
	out      protocol.Writer
}

// answer runs a turn and writes its answer or its error. It returns the problem that ended
// it, nil for none.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, t turn) *problem.Problem {
	a := &answering{turn: t, w: w, control: http.NewResponseController(w), logger: g.config.Logger}
	a.hash.SetSeed(textSeed)
	p := a.run(stream.Introduced(r.Context()))
	switch {
	case p == nil || a.gone:
	case !a.begun:
		refuse(w, a.out, p)
	case a.streamed: // an answer that is not streamed has no place for an error
		a.send(a.out.Broken(nil, p))
	}
	return p
}

// answering is a turn in progress.
type answering struct {
	turn
	w       http.ResponseWriter
	control *http.ResponseController
	logger  *slog.Logger
	begun   bool         // the status has been sent
	gone    bool         // the client has disconnected, or has stopped reading
	length  int          // of the text sent
	hash    maphash.Hash // of the text sent

	// intro is the metadata of an answer whose first response, which has it, had no text.
	intro map[string]any
}

// textSeed is the seed of all hashes of texts.
var textSeed = maphash.MakeSeed()

// errGone ends a call whose client has disconnected, or has stopped reading.
var errGone = errors.New("gateway: the client has gone")

// run runs the model. It stops at the final response.
func (a *answering) run(ctx context.Context) (p *problem.Problem) {
	defer func() {
		if r := recover(); r != nil {
			a.logger.Error("gateway: an answer panicked", "panic", panics.Text(r))
			p = problem.New(http.StatusInternalServerError, problem.CodeServer, "", "the gateway panicked")
		}
	}()
	for resp, err := range a.model.GenerateContent(ctx, a.request, a.streamed) {
		switch {
		case err != nil:
			return problemOf(ctx, err)
		case resp == nil:
			continue
		case resp.Partial:
			if p := a.part(resp); p != nil {
				return p
			}
		default:
			return a.final(resp)
		}
	}
	if ctx.Err() != nil {
		return problemOf(ctx, ctx.Err())
	}
	return problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the model sent no answer")
}

// part writes the texts of a partial response. It omits notices and previews, which are not part
// of the answer, and function calls, which are sent whole at the end.
func (a *answering) part(resp *model.LLMResponse) *problem.Problem {
	if resp.CustomMetadata[call.KeyRestart] == true && a.length > 0 {
		return problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the model failed within its answer, and another one began a new answer; set stream.mid_stream to resume in the policy")
	}
	if !a.streamed || resp.Content == nil || resp.CustomMetadata[call.KeyNotice] != nil || resp.CustomMetadata[call.KeyProvisional] == true {
		return nil
	}
	var parts []*genai.Part
	for _, part := range resp.Content.Parts {
		if part == nil || part.Text == "" {
			continue
		}
		parts = append(parts, part)
		if !part.Thought {
			a.length += len(part.Text)
			_, _ = a.hash.WriteString(part.Text) // never fails
		}
	}
	if len(parts) == 0 {
		if resp.CustomMetadata[call.KeyModelName] != nil {
			a.intro = resp.CustomMetadata
		}
		return nil
	}
	if a.intro != nil && resp.CustomMetadata[call.KeyModelName] == nil {
		introduced := *resp
		call.Merge(&introduced, a.intro)
		resp = &introduced
	}
	a.intro = nil
	data, err := a.out.Chunk(nil, resp, parts)
	if err != nil {
		return noJSON()
	}
	a.begin(resp)
	return a.send(data)
}

// final writes the final response. It encodes the response before it sends the status, so that
// an answer that is not streamed never breaks off with an error.
func (a *answering) final(resp *model.LLMResponse) *problem.Problem {
	if p := blocked(resp); p != nil {
		return p
	}
	var data []byte
	var err error
	if a.streamed {
		rest, ok := a.rest(resp)
		if !ok && !protocol.Filtered(resp) { // a filtered answer need not repeat the text
			return problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the final answer does not continue the text that was sent")
		}
		data, err = a.out.Last(nil, resp, rest)
	} else {
		data, err = a.out.Whole(nil, resp)
	}
	if err != nil {
		return noJSON()
	}
	a.begin(resp)
	return a.send(data)
}

// noJSON returns the problem of an answer that cannot be encoded. A model supplied by the
// application may return such values.
func noJSON() *problem.Problem {
	return problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the answer has a value that JSON cannot represent, such as NaN")
}

// blocked returns the problem of a response without an answer, such as one to a prompt that
// a content policy refuses; nil for an answer.
func blocked(resp *model.LLMResponse) *problem.Problem {
	if resp.ErrorCode == "" || resp.FinishReason != "" || resp.Content != nil && len(resp.Content.Parts) > 0 {
		return nil
	}
	return problem.New(http.StatusBadRequest, problem.CodeContent, "", "the request was blocked: "+resp.ErrorCode+" "+resp.ErrorMessage)
}

// rest returns the parts of a final response that have not been sent. ok is false if its
// text does not begin with the text that was sent.
func (a *answering) rest(resp *model.LLMResponse) (rest []*genai.Part, ok bool) {
	if resp.Content == nil {
		return nil, a.length == 0
	}
	var whole strings.Builder
	for _, part := range resp.Content.Parts {
		if isText(part) {
			whole.WriteString(part.Text)
		}
	}
	if whole.Len() < a.length || maphash.String(textSeed, whole.String()[:a.length]) != a.hash.Sum64() {
		return nil, false
	}
	sent := a.length
	for _, part := range resp.Content.Parts {
		switch {
		case part == nil || part.Thought && a.begun:
		case isText(part) && sent >= len(part.Text):
			sent -= len(part.Text)
		case isText(part) && sent > 0:
			later := *part
			later.Text, sent = part.Text[sent:], 0
			rest = append(rest, &later)
		default:
			rest = append(rest, part)
		}
	}
	return rest, true
}

// isText reports whether a part is text of the answer.
func isText(part *genai.Part) bool { return part != nil && part.Text != "" && !part.Thought }

// begin sends status and headers once. resp is the first response with content.
func (a *answering) begin(resp *model.LLMResponse) {
	if a.begun {
		return
	}
	a.begun = true
	h := a.w.Header()
	h.Set("Content-Type", a.out.ContentType(a.streamed))
	if a.streamed {
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no")
	}
	md, _ := call.ReadResponse(resp)
	attempts := len(md.Attempts) + md.AttemptsDropped
	if resp.Partial {
		attempts++ // the one in progress
	}
	setMetadata(h, md, attempts)
	a.w.WriteHeader(http.StatusOK)
}

// send writes data at once. If the client has stopped reading, the call ends.
func (a *answering) send(data []byte) *problem.Problem {
	if len(data) == 0 {
		return nil
	}
	_, err := a.w.Write(data)
	if err == nil && a.streamed {
		err = a.control.Flush()
	}
	if err != nil {
		a.gone = true
		return problem.New(problem.StatusCanceled, problem.CodeCanceled, "", errGone.Error())
	}
	return nil
}

// refuse writes an error.
func refuse(w http.ResponseWriter, out protocol.ErrorWriter, p *problem.Problem) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if wait := retryAfter(p); wait != "" {
		h.Set("Retry-After", wait)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(out.Refusal(nil, p)) // a failed write does not matter: the client has disconnected
}

// Headers of answers; see docs/gateway.md.
const (
	headerModel    = "X-Fallback-Model"
	headerOriginal = "X-Fallback-Original-Model"
	headerAttempts = "X-Fallback-Attempts"
	headerReason   = "X-Fallback-Reason"
	headerCode     = "X-Fallback-Error-Code"
	headerCache    = "X-Fallback-Cache"
	headerDegraded = "X-Fallback-Degraded"
)

// maxHeader bounds the value of a header, in bytes.
const maxHeader = 256

// setMetadata sets the headers that tell which model answers, and why.
func setMetadata(h http.Header, md call.Metadata, attempts int) {
	set := func(name, value string) {
		if value = strings.Map(ascii, printable.Line(value, maxHeader)); value != "" {
			h.Set(name, value)
		}
	}
	set(headerModel, md.ModelName)
	set(headerCache, md.CacheStatus)
	set(headerDegraded, md.Degraded)
	if md.Triggered {
		set(headerOriginal, md.OriginalModel)
		set(headerReason, md.Reason)
		set(headerCode, md.ErrorCode)
		h.Set(headerAttempts, strconv.Itoa(attempts))
	}
}

// ascii replaces characters that a header cannot have by a question mark.
func ascii(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
