package openai

import (
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// responsesWriter writes one answer to one request. Items, and so the events of a
// stream, are numbered as they come.
type responsesWriter struct {
	req *protocol.Request
	protocol.Answer
	in   object
	next int         // sequence number of the next event
	done []object    // items that are whole
	open *outputItem // the item that the last part belongs to, if it may grow
}

// outputItem is an output item in the making: a message or a reasoning item.
type outputItem struct {
	kind  string // message or reasoning
	id    string
	text  string
	parts []*genai.Part
}

func newResponsesWriter(req *protocol.Request, a protocol.Answer) *responsesWriter {
	w := &responsesWriter{req: req, Answer: a}
	_ = json.Unmarshal(req.Body, &w.in) // Decode has read it before
	if w.in == nil {
		w.in = object{}
	}
	return w
}

func (Responses) Document(req *protocol.Request, a protocol.Answer) []byte {
	w := newResponsesWriter(req, a)
	for i, p := range a.Parts {
		w.part(p, i)
	}
	w.finish()
	return protocol.Encode(w.response(w.status()))
}

func (Responses) Events(req *protocol.Request, a protocol.Answer) [][]byte {
	w := newResponsesWriter(req, a)
	opening := append(w.event("response.created", object{"response": w.response("in_progress")}),
		w.event("response.in_progress", object{"response": w.response("in_progress")})...)
	var pieces [][]byte
	for i, p := range a.Parts {
		pieces = append(pieces, w.part(p, i))
	}
	closing := w.finish()
	if !a.NoFinish {
		kind := map[string]string{"completed": "response.completed", "incomplete": "response.incomplete"}[w.status()]
		closing = append(closing, w.event(kind, object{"response": w.response(w.status())})...)
	}
	return protocol.Framed(opening, pieces, closing, a.MetadataFirst)
}

// event writes one event. Responses names it twice, and ends without [DONE].
func (w *responsesWriter) event(kind string, fields object) []byte {
	fields["type"], fields["sequence_number"] = kind, w.next
	w.next++
	return append([]byte("event: "+kind+"\n"), protocol.Event(fields)...)
}

// part writes the events of one part: it goes on with the open item, or closes it
// and begins another.
func (w *responsesWriter) part(p *genai.Part, n int) []byte {
	switch {
	case p.FunctionCall != nil:
		return append(w.close(), w.functionCall(p.FunctionCall, n)...)
	case p.Text == "":
		return nil // Responses has no other parts
	}
	kind, prefix := "message", "msg_"
	if p.Thought {
		kind, prefix = "reasoning", "rs_"
	}
	var out []byte
	if w.open == nil || w.open.kind != kind {
		out = w.close()
		w.open = &outputItem{kind: kind, id: protocol.ID(prefix, w.req, n)}
		out = append(out, w.begin()...)
	}
	w.open.text += p.Text
	w.open.parts = append(w.open.parts, p)
	if p.Thought {
		return append(out, w.event("response.reasoning_summary_text.delta", w.place("summary_index", object{"delta": p.Text}))...)
	}
	return append(out, w.event("response.output_text.delta", w.place("content_index", object{"delta": p.Text, "logprobs": w.logprobs(p)}))...)
}

// place adds to an event what it is about; index names its place within the item.
func (w *responsesWriter) place(index string, fields object) object {
	fields["item_id"], fields["output_index"], fields[index] = w.open.id, len(w.done), 0
	return fields
}

func (w *responsesWriter) begin() []byte {
	added := w.event("response.output_item.added", object{"output_index": len(w.done), "item": w.itemOf(w.open, "in_progress")})
	if w.open.kind == "reasoning" {
		return append(added, w.event("response.reasoning_summary_part.added",
			w.place("summary_index", object{"part": object{"type": "summary_text", "text": ""}}))...)
	}
	return append(added, w.event("response.content_part.added", w.place("content_index", object{"part": w.outputText("")}))...)
}

// close ends the open item, if there is one.
func (w *responsesWriter) close() []byte {
	if w.open == nil {
		return nil
	}
	var out []byte
	switch w.open.kind {
	case "reasoning":
		out = append(w.event("response.reasoning_summary_text.done", w.place("summary_index", object{"text": w.open.text})),
			w.event("response.reasoning_summary_part.done", w.place("summary_index", object{"part": object{"type": "summary_text", "text": w.open.text}}))...)
	case "refusal":
		out = append(w.event("response.refusal.done", w.place("content_index", object{"refusal": w.open.text})),
			w.event("response.content_part.done", w.place("content_index", object{"part": object{"type": "refusal", "refusal": w.open.text}}))...)
	default:
		out = append(w.event("response.output_text.done", w.place("content_index", object{"text": w.open.text, "logprobs": w.logprobs(w.open.parts...)})),
			w.event("response.content_part.done", w.place("content_index", object{"part": w.outputText(w.open.text, w.open.parts...)}))...)
	}
	whole := w.itemOf(w.open, "completed")
	out = append(out, w.event("response.output_item.done", object{"output_index": len(w.done), "item": whole})...)
	w.done, w.open = append(w.done, whole), nil
	return out
}

// itemOf is an item as it stands: empty as long as it is in progress.
func (w *responsesWriter) itemOf(it *outputItem, status string) object {
	whole := status == "completed"
	switch {
	case it.kind == "reasoning":
		o := object{"id": it.id, "type": "reasoning", "summary": []any{}}
		if whole {
			o["summary"] = []any{object{"type": "summary_text", "text": it.text}}
			if w.includes("reasoning.encrypted_content") {
				o["encrypted_content"] = signature.Seal(it.signature())
			}
		}
		return o
	case whole && it.kind == "refusal":
		return messageItem(it.id, status, object{"type": "refusal", "refusal": it.text})
	case whole:
		return messageItem(it.id, status, w.outputText(it.text, it.parts...))
	}
	return messageItem(it.id, status)
}

// signature is what the step signed the thought with, else its text.
func (it *outputItem) signature() []byte {
	for _, p := range it.parts {
		if len(p.ThoughtSignature) > 0 {
			return p.ThoughtSignature
		}
	}
	return []byte(it.text)
}

func messageItem(id, status string, content ...any) object {
	if content == nil {
		content = []any{}
	}
	return object{"id": id, "type": "message", "status": status, "role": "assistant", "content": content}
}

func (w *responsesWriter) outputText(text string, parts ...*genai.Part) object {
	return object{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": w.logprobs(parts...)}
}

func (w *responsesWriter) functionCall(call *genai.FunctionCall, n int) []byte {
	id, args := protocol.ID("fc_", w.req, n), w.Arguments(call)
	state := func(arguments, status string) object {
		return object{"id": id, "type": "function_call", "status": status, "call_id": callID(w.req, call, n), "name": call.Name, "arguments": arguments}
	}
	place := func(fields object) object {
		fields["item_id"], fields["output_index"] = id, len(w.done)
		return fields
	}
	out := w.event("response.output_item.added", object{"output_index": len(w.done), "item": state("", "in_progress")})
	for _, piece := range protocol.InPieces(args) {
		out = append(out, w.event("response.function_call_arguments.delta", place(object{"delta": piece}))...)
	}
	out = append(out, w.event("response.function_call_arguments.done", place(object{"arguments": args, "name": call.Name}))...)
	status := "completed"
	if w.Answer.Finish == genai.FinishReasonMaxTokens {
		status = "incomplete"
	}
	whole := state(args, status)
	out = append(out, w.event("response.output_item.done", object{"output_index": len(w.done), "item": whole})...)
	w.done = append(w.done, whole)
	return out
}

// finish closes what is open. An answer without parts is a message without text,
// one that is blocked a refusal.
func (w *responsesWriter) finish() []byte {
	var out []byte
	if len(w.Parts) == 0 && (!w.NoCandidate || w.Blocked != "") {
		w.open = &outputItem{kind: "message", id: protocol.ID("msg_", w.req, 0)}
		if w.Blocked != "" {
			w.open.kind, w.open.text = "refusal", refusalText
			out = append(out, w.event("response.output_item.added", object{"output_index": 0, "item": messageItem(w.open.id, "in_progress")})...)
			out = append(out, w.event("response.content_part.added", w.place("content_index", object{"part": object{"type": "refusal", "refusal": ""}}))...)
			out = append(out, w.event("response.refusal.delta", w.place("content_index", object{"delta": refusalText}))...)
		} else {
			out = w.begin()
		}
	}
	return append(out, w.close()...)
}

// status is how the response ends, in Responses' words.
func (w *responsesWriter) status() string {
	switch w.FinishReason() {
	case "":
		return "in_progress"
	case genai.FinishReasonStop, genai.FinishReasonMalformedFunctionCall:
		return "completed"
	}
	return "incomplete"
}

// response is the response object with the items that are whole.
func (w *responsesWriter) response(status string) object {
	output := []any{}
	for _, it := range w.done {
		output = append(output, it)
	}
	o := object{
		"id": protocol.ID("resp_", w.req, 0), "object": "response", "created_at": w.req.Time.Unix(), "status": status,
		"model": w.VersionFor(w.req), "output": output, "error": nil, "incomplete_details": nil, "usage": nil,
		"background": false, "service_tier": "default", "text": object{"format": object{"type": "text"}},
		"reasoning": object{"effort": nil, "summary": nil}, "tools": []any{}, "tool_choice": "auto", "metadata": object{},
		"parallel_tool_calls": true, "temperature": 1, "top_p": 1, "truncation": "disabled", "store": true,
		"access_programs": nil, "instructions": nil, "max_output_tokens": nil, "previous_response_id": nil,
	}
	for _, key := range wire.Keys(o) { // settings are told back
		if v, told := w.in[key]; told && v != nil && key != "model" {
			o[key] = v
		}
	}
	if status == "in_progress" {
		return o
	}
	if status == "incomplete" {
		o["incomplete_details"] = object{"reason": w.incomplete()}
	} else {
		o["completed_at"] = w.req.Time.Unix()
	}
	u := w.UsageFor(w.req, len(w.Parts))
	o["usage"] = object{
		"input_tokens": u.Prompt, "output_tokens": u.Output, "total_tokens": u.Prompt + u.Output,
		"input_tokens_details":  object{"cached_tokens": 0, "cache_write_tokens": 0},
		"output_tokens_details": object{"reasoning_tokens": w.ReasoningTokens(u)},
	}
	return o
}

// incomplete is why a response is incomplete. A reason that Responses does not have
// is sent in genai's word, in lower case.
func (w *responsesWriter) incomplete() string {
	switch chatFinish(w.Answer) {
	case "length":
		return "max_output_tokens"
	case "content_filter":
		return "content_filter"
	}
	return strings.ToLower(string(w.FinishReason()))
}

func (w *responsesWriter) includes(what string) bool {
	include, _ := w.in["include"].([]any)
	return slices.Contains(include, any(what))
}

func (w *responsesWriter) logprobs(parts ...*genai.Part) []any {
	out := []any{}
	if w.includes("message.output_text.logprobs") {
		for _, p := range parts {
			out = append(out, logprobOf(p.Text))
		}
	}
	return out
}
