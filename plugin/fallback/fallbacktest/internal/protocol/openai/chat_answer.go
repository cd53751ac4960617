package openai

import (
	"encoding/json"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// refusalText is what a model says instead of an answer to a prompt that
// the API blocks.
const refusalText = "I'm sorry, but I can't assist with that request."

// chatWriter writes one answer to one request, with what the request asks for.
type chatWriter struct {
	req *protocol.Request
	protocol.Answer
	api     Chat
	options struct {
		Logprobs      bool `json:"logprobs"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
}

func newChatWriter(req *protocol.Request, a protocol.Answer, api Chat) *chatWriter {
	w := &chatWriter{req: req, Answer: a, api: api}
	_ = json.Unmarshal(req.Body, &w.options) // a field of another type counts as left out
	return w
}

func (p Chat) Document(req *protocol.Request, a protocol.Answer) []byte {
	w := newChatWriter(req, a, p)
	doc := w.envelope("chat.completion")
	doc["usage"] = w.usageDetails()
	doc["choices"] = []any{}
	if a.NoCandidate && a.Blocked == "" {
		return protocol.Encode(doc)
	}
	message := object{"role": "assistant", "content": nil, "refusal": nil, "annotations": []any{}}
	if a.Blocked != "" {
		message["refusal"] = refusalText
	} else if len(calls(a)) == 0 {
		message["content"] = ""
	}
	var calls []any
	for i, part := range a.Parts {
		switch {
		case part.FunctionCall != nil:
			calls = append(calls, w.call(part.FunctionCall, i))
		case part.Thought:
			appendText(message, w.api.thoughts(), part.Text)
		case part.Text != "":
			appendText(message, "content", part.Text)
		}
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	doc["choices"] = []any{object{
		"index": 0, "message": message, "finish_reason": chatFinish(a),
		"logprobs": w.logprobs(a.Parts...),
	}}
	return protocol.Encode(doc)
}

func (p Chat) Events(req *protocol.Request, a protocol.Answer) [][]byte {
	// The role comes in a chunk of its own, before any content.
	w := newChatWriter(req, a, p)
	var pieces [][]byte
	call := 0
	for i, part := range a.Parts {
		var piece []byte
		for _, delta := range w.deltas(part, i, call) {
			piece = append(piece, w.chunk(delta, nil, part)...)
		}
		if part.FunctionCall != nil {
			call++
		}
		pieces = append(pieces, piece)
	}
	return protocol.Framed(w.opening(), pieces, w.closing(), a.MetadataFirst)
}

func (w *chatWriter) opening() []byte {
	switch {
	case w.Blocked != "":
		return append(w.chunk(object{"role": "assistant", "content": nil, "refusal": ""}, nil, nil),
			w.chunk(object{"refusal": refusalText}, nil, nil)...)
	case w.NoCandidate:
		return nil
	case len(calls(w.Answer)) > 0 && w.Parts[0].FunctionCall != nil:
		return w.chunk(object{"role": "assistant", "content": nil, "refusal": nil}, nil, nil)
	}
	return w.chunk(object{"role": "assistant", "content": "", "refusal": nil}, nil, nil)
}

// deltas are the changes that a part brings: one, or for a call its name
// and then its arguments in pieces.
func (w *chatWriter) deltas(p *genai.Part, i, call int) []object {
	switch {
	case p.FunctionCall != nil:
		start := w.call(p.FunctionCall, i)
		start["index"] = call
		start["function"] = object{"name": p.FunctionCall.Name, "arguments": ""}
		deltas := []object{{"tool_calls": []any{start}}}
		for _, piece := range protocol.InPieces(w.Arguments(p.FunctionCall)) {
			deltas = append(deltas, object{"tool_calls": []any{object{"index": call, "function": object{"arguments": piece}}}})
		}
		return deltas
	case p.Thought:
		return []object{{w.api.thoughts(): p.Text}}
	case p.Text != "":
		return []object{{"content": p.Text}}
	}
	return nil // chat completions bring no other parts
}

func (w *chatWriter) closing() []byte {
	if w.NoFinish {
		return nil
	}
	var out []byte
	if !w.NoCandidate || w.Blocked != "" {
		out = w.chunk(object{}, chatFinish(w.Answer), nil)
	}
	if w.options.StreamOptions.IncludeUsage {
		chunk := w.envelope("chat.completion.chunk")
		chunk["choices"], chunk["usage"] = []any{}, w.usageDetails()
		out = append(out, protocol.Event(chunk)...)
	}
	return append(out, "data: [DONE]\n\n"...)
}

// chunk is one event with one delta. part is what logprobs are told of, if any.
func (w *chatWriter) chunk(delta object, finish any, part *genai.Part) []byte {
	chunk := w.envelope("chat.completion.chunk")
	choice := object{"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish}
	if part != nil {
		choice["logprobs"] = w.logprobs(part)
	}
	chunk["choices"] = []any{choice}
	if w.options.StreamOptions.IncludeUsage {
		chunk["usage"] = nil
	}
	return protocol.Event(chunk)
}

func (w *chatWriter) envelope(kind string) object {
	return object{
		"id": protocol.ID("chatcmpl-", w.req, 0), "object": kind, "created": w.req.Time.Unix(), "model": w.VersionFor(w.req),
		"service_tier": "default", "system_fingerprint": nil,
	}
}

func (w *chatWriter) call(call *genai.FunctionCall, n int) object {
	return object{"id": w.api.callID(callID(w.req, call, n)), "type": "function", "function": object{"name": call.Name, "arguments": w.Arguments(call)}}
}

// chatFinish is the finish reason, or nil if there is none. One that chat
// completions do not have is sent in genai's word, in lower case.
func chatFinish(a protocol.Answer) any {
	switch reason := a.FinishReason(); reason {
	case "":
		return nil
	case genai.FinishReasonStop, genai.FinishReasonMalformedFunctionCall:
		if len(calls(a)) > 0 {
			return "tool_calls"
		}
		return "stop"
	case genai.FinishReasonMaxTokens:
		return "length"
	case genai.FinishReasonSafety, genai.FinishReasonProhibitedContent, genai.FinishReasonBlocklist,
		genai.FinishReasonSPII, genai.FinishReasonRecitation:
		return "content_filter"
	default:
		return strings.ToLower(string(reason))
	}
}

func calls(a protocol.Answer) []*genai.FunctionCall {
	var out []*genai.FunctionCall
	for _, p := range a.Parts {
		if p.FunctionCall != nil {
			out = append(out, p.FunctionCall)
		}
	}
	return out
}

func (w *chatWriter) usageDetails() object {
	u := w.UsageFor(w.req, len(w.Parts))
	return object{
		"prompt_tokens": u.Prompt, "completion_tokens": u.Output, "total_tokens": u.Prompt + u.Output,
		"prompt_tokens_details":     object{"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
		"completion_tokens_details": object{"reasoning_tokens": w.ReasoningTokens(u), "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
	}
}

// tokenLogprob is the logarithm of the probability of every token of an answer.
const tokenLogprob = -0.25

// logprobs tells of the texts in parts, each as one token, if the request asks
// for it. The most likely token is always the one that was said.
func (w *chatWriter) logprobs(parts ...*genai.Part) any {
	if !w.options.Logprobs {
		return nil
	}
	content := []any{}
	for _, p := range parts {
		if protocol.IsText(p) && !p.Thought {
			content = append(content, logprobOf(p.Text))
		}
	}
	return object{"content": content, "refusal": nil}
}

func logprobOf(token string) object {
	bytes := make([]int, len(token))
	for i := range len(token) {
		bytes[i] = int(token[i])
	}
	top := object{"token": token, "logprob": tokenLogprob, "bytes": bytes}
	return object{"token": token, "logprob": tokenLogprob, "bytes": bytes, "top_logprobs": []any{top}}
}

func appendText(o object, key, text string) {
	before, _ := o[key].(string)
	o[key] = before + text
}
