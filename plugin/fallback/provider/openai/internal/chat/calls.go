package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// calls puts tool calls together from their pieces.
type calls struct{ list []toolCall }

type toolCall struct {
	index    int // as the server numbers it; -1 if it does not
	id, name string
	args     []byte
	extra    json.RawMessage
}

// add takes a piece in: it begins a call, or belongs to one.
func (c *calls) add(piece *openaiwire.ChatCallDelta) {
	call := c.find(piece)
	if call == nil {
		c.list = append(c.list, toolCall{index: piece.Index})
		call = &c.list[len(c.list)-1]
	}
	call.id = cmp.Or(call.id, piece.ID)
	switch name := piece.Function.Name; {
	case call.name == "" || strings.HasPrefix(name, call.name):
		call.name = cmp.Or(name, call.name)
	case name != "" && len(call.args) == 0:
		call.name += name // a name in pieces
	}
	if piece.ExtraContent != nil {
		call.extra = piece.ExtraContent
	}
	if args := piece.Function.Arguments; args != "" && !(string(call.args) == args && isObject(call.args)) { // not the whole call once more
		call.args = append(call.args, args...)
	}
}

// find returns the call that a piece belongs to; nil if it begins one. A new call
// has a name. Servers number calls, or name their ids, or do both, or neither;
// some give each piece of a call another id, some give each call the number 0.
func (c *calls) find(piece *openaiwire.ChatCallDelta) *toolCall {
	if len(c.list) == 0 {
		return nil
	}
	if piece.ID != "" {
		for i := range c.list {
			if call := &c.list[i]; call.id == piece.ID && (piece.Index < 0 || call.index == piece.Index) {
				return call
			}
		}
	}
	last := &c.list[len(c.list)-1]
	if piece.Index >= 0 {
		last = nil
		for i := range c.list {
			if c.list[i].index == piece.Index {
				last = &c.list[i]
			}
		}
		if first := &c.list[len(c.list)-1]; last == nil && first.index < 0 && piece.Function.Name == "" && piece.ID == "" {
			last = first // the server numbers all pieces but the first
		}
		if last == nil {
			return nil
		}
	}
	name := piece.Function.Name
	switch {
	case name == "":
		return last // more of its arguments
	case last.name == "":
		return last // the name comes after the id
	case piece.ID != "" && last.id != "":
		return nil // another id with a name of its own
	case isObject(last.args):
		return nil // that one is complete
	case piece.Index < 0 && (name != last.name || isObject([]byte(piece.Function.Arguments))):
		return nil
	}
	return last
}

// parts returns the calls. Arguments that are not a JSON object are never passed
// on; malformed then explains why. Empty arguments of an answer that was cut off
// are not passed on either, as they may be incomplete.
func (c *calls) parts(vendor string, names api.Names, cut bool) (parts []*genai.Part, malformed string) {
	seen := make(map[string]bool, len(c.list))
	for i := range c.list {
		call := &c.list[i]
		if cut && len(bytes.TrimSpace(call.args)) == 0 {
			continue
		}
		args, ok := api.Arguments(call.args)
		if !ok || call.name == "" {
			malformed = fmt.Sprintf("the arguments of the call of %q are no JSON object", names.Original(call.name))
			continue
		}
		if seen[call.id] {
			call.id = "" // ADK gives it one: two calls with the same id cannot be told apart
		}
		seen[call.id] = true
		part := &genai.Part{FunctionCall: &genai.FunctionCall{ID: call.id, Name: names.Original(call.name), Args: args}}
		if call.extra != nil {
			part.ThoughtSignature = request.Seal(vendor, call.extra)
		}
		parts = append(parts, part)
	}
	return parts, malformed
}

// isObject reports whether data is a complete JSON object.
func isObject(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) > 1 && data[0] == '{' && data[len(data)-1] == '}' && json.Valid(data)
}
