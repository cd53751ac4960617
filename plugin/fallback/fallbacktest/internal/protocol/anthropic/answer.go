package anthropic

import (
	"fmt"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
)

func (API) Document(req *protocol.Request, a protocol.Answer) []byte {
	w := newMessageWriter(req, a)
	content := []object{}
	for i, p := range protocol.Joined(a.Parts) {
		switch {
		case p.FunctionCall != nil:
			// A unary answer holds an object even where a stream is cut off within it.
			input := p.FunctionCall.Args
			if input == nil {
				input = map[string]any{}
			}
			content = append(content, object{"type": "tool_use", "id": toolUseID(req, p.FunctionCall, i), "name": p.FunctionCall.Name, "input": input})
		case p.Thought:
			content = append(content, object{"type": "thinking", "thinking": p.Text, "signature": w.signature(p.Text, p.ThoughtSignature)})
		case p.Text != "":
			content = append(content, object{"type": "text", "text": p.Text})
		}
	}
	m := w.message()
	m["content"] = content
	m["stop_reason"] = protocol.OrNull(w.stopReason())
	m["stop_details"] = w.stopDetails()
	m["usage"] = w.usage(len(a.Parts))
	return protocol.Encode(m)
}

func (API) Events(req *protocol.Request, a protocol.Answer) [][]byte {
	w := newMessageWriter(req, a)
	start := w.message()
	start["usage"] = w.usage(0)
	opening := append(messageEvent("message_start", object{"message": start}), messageEvent("ping", object{})...)
	var pieces [][]byte
	for i, p := range a.Parts {
		pieces = append(pieces, w.part(p, i))
	}
	return protocol.Framed(opening, pieces, w.closing(), a.MetadataFirst)
}

// messageWriter writes an answer as blocks. While a stream is written, open is the
// type of the block under way, empty if there is none.
type messageWriter struct {
	protocol.Answer
	req     *protocol.Request
	index   int // of the block under way or, between blocks, the next
	open    string
	thought string // the text of the thinking block under way, and a signature given for it
	sealed  []byte
}

func newMessageWriter(req *protocol.Request, a protocol.Answer) *messageWriter {
	return &messageWriter{Answer: a, req: req}
}

// message is the answer without what is known at its end only.
func (w *messageWriter) message() object {
	return object{
		"id": protocol.ID("msg_", w.req, 0), "type": "message", "role": "assistant", "model": w.VersionFor(w.req),
		"content": []object{}, "stop_reason": nil, "stop_sequence": nil, "stop_details": nil,
	}
}

// usage counts the first n parts; before the first there is one token of output.
// (https://platform.claude.com/docs/en/build-with-claude/streaming)
func (w *messageWriter) usage(n int) object {
	u := w.UsageFor(w.req, n)
	if n == 0 && len(w.Parts) > 0 {
		u.Output = 1
	}
	thinking := 0
	if n > 0 {
		thinking = w.ReasoningTokens(u)
	}
	return object{
		"input_tokens": u.Prompt, "output_tokens": u.Output, "service_tier": "standard",
		"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
		"output_tokens_details": object{"thinking_tokens": thinking},
	}
}

// part writes the events of one part.
func (w *messageWriter) part(p *genai.Part, n int) []byte {
	var out []byte
	switch {
	case p.FunctionCall != nil:
		out = append(w.stop(), w.start("tool_use", object{"id": toolUseID(w.req, p.FunctionCall, n), "name": p.FunctionCall.Name, "input": object{}})...)
		for _, piece := range append([]string{""}, protocol.InPieces(w.Arguments(p.FunctionCall))...) {
			out = append(out, w.delta("input_json_delta", "partial_json", piece)...)
		}
	case p.Thought:
		out = w.enter("thinking", object{"thinking": "", "signature": ""})
		w.thought += p.Text
		if len(p.ThoughtSignature) > 0 {
			w.sealed = p.ThoughtSignature
		}
		if p.Text != "" {
			out = append(out, w.delta("thinking_delta", "thinking", p.Text)...)
		}
	case p.Text != "":
		out = w.enter("text", object{"text": ""})
		out = append(out, w.delta("text_delta", "text", p.Text)...)
	}
	return out
}

// enter starts a block unless one of its type is under way.
func (w *messageWriter) enter(kind string, block object) []byte {
	if w.open == kind {
		return nil
	}
	return append(w.stop(), w.start(kind, block)...)
}

func (w *messageWriter) start(kind string, block object) []byte {
	w.open, w.thought, w.sealed = kind, "", nil
	block["type"] = kind
	return messageEvent("content_block_start", object{"index": w.index, "content_block": block})
}

func (w *messageWriter) delta(kind, key, value string) []byte {
	return messageEvent("content_block_delta", object{"index": w.index, "delta": object{"type": kind, key: value}})
}

// stop ends the block under way, a thinking block with its signature.
func (w *messageWriter) stop() []byte {
	var out []byte
	switch w.open {
	case "":
		return nil
	case "thinking":
		out = w.delta("signature_delta", "signature", w.signature(w.thought, w.sealed))
	}
	out = append(out, messageEvent("content_block_stop", object{"index": w.index})...)
	w.open = ""
	w.index++
	return out
}

// closing ends the stream; without a finish reason it ends after the last block.
func (w *messageWriter) closing() []byte {
	out := w.stop()
	if w.NoFinish {
		return out
	}
	out = append(out, messageEvent("message_delta", object{
		"delta": object{"stop_reason": w.stopReason(), "stop_sequence": nil, "stop_details": w.stopDetails()},
		"usage": w.usage(len(w.Parts)),
	})...)
	return append(out, messageEvent("message_stop", object{})...)
}

// stopReason is the finish reason in Anthropic's words. A reason that has none is
// written as one that the client does not know.
func (w *messageWriter) stopReason() string {
	reason := w.FinishReason()
	if w.Blocked != "" {
		return "refusal"
	}
	switch reason {
	case "":
		return ""
	case genai.FinishReasonStop, genai.FinishReasonMalformedFunctionCall:
		for _, p := range w.Parts {
			if p.FunctionCall != nil {
				return "tool_use"
			}
		}
		return "end_turn"
	case genai.FinishReasonMaxTokens:
		return "max_tokens"
	case genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonBlocklist,
		genai.FinishReasonProhibitedContent, genai.FinishReasonSPII, genai.FinishReasonImageSafety:
		return "refusal"
	}
	return strings.ToLower(string(reason))
}

// stopDetails explains a refusal.
// (https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons)
func (w *messageWriter) stopDetails() any {
	if w.stopReason() != "refusal" {
		return nil
	}
	return object{"type": "refusal", "category": nil, "explanation": "The request was declined by a safety policy."}
}

// signature signs a thinking block that the step has not signed itself.
func (w *messageWriter) signature(thought string, given []byte) string {
	if len(given) > 0 {
		return string(given)
	}
	return signature.Claude(thought, w.req.Body)
}

// toolUseID is the id of the n-th part, which is a call.
func toolUseID(req *protocol.Request, call *genai.FunctionCall, n int) string {
	if call.ID != "" {
		return call.ID
	}
	return protocol.ID("toolu_", req, n)
}

func messageEvent(kind string, fields object) []byte {
	fields["type"] = kind
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, protocol.Encode(fields))
}
