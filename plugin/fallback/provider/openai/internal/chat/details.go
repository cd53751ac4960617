package chat

import (
	"cmp"
	"encoding/json"
	"strings"
)

// details gathers OpenRouter's reasoning_details, which have to go back as the
// model made them. A stream has each block in pieces: those that follow each
// other with the same type and index are one.
// https://openrouter.ai/docs/use-cases/reasoning-tokens
type details struct{ list []*detail }

// detail is one block. Its texts are put together; of any other field the last
// value counts.
type detail struct {
	fields  map[string]json.RawMessage
	texts   [len(detailTexts)]strings.Builder
	hasText [len(detailTexts)]bool
}

var detailTexts = [...]string{"text", "summary", "data"}

func (d *details) add(list json.RawMessage) {
	var pieces []map[string]json.RawMessage
	if json.Unmarshal(list, &pieces) != nil {
		return // not in the form that has to go back
	}
	for _, piece := range pieces {
		var block *detail
		if n := len(d.list); n > 0 && d.list[n-1].goesOn(piece) {
			block = d.list[n-1]
		} else {
			block = &detail{fields: map[string]json.RawMessage{}}
			d.list = append(d.list, block)
		}
		block.add(piece)
	}
}

// goesOn reports whether a piece belongs to the block before it. A piece without
// an index is a block of its own.
func (d *detail) goesOn(piece map[string]json.RawMessage) bool {
	before, id := d.fields["id"], piece["id"]
	return !isUnset(piece["index"]) && string(d.fields["index"]) == string(piece["index"]) &&
		string(d.fields["type"]) == string(piece["type"]) &&
		(isUnset(before) || isUnset(id) || string(before) == string(id))
}

func isUnset(value json.RawMessage) bool { return value == nil || string(value) == "null" }

func (d *detail) add(piece map[string]json.RawMessage) {
	for i, name := range detailTexts {
		var text string
		if value := piece[name]; !isUnset(value) && json.Unmarshal(value, &text) == nil {
			d.texts[i].WriteString(text)
			d.hasText[i] = true
			delete(piece, name)
		}
	}
	for name, value := range piece {
		if !isUnset(value) || d.fields[name] == nil {
			d.fields[name] = value
		}
	}
}

// json returns the blocks as a JSON list; nil if there are none.
func (d *details) json() []byte {
	if len(d.list) == 0 {
		return nil
	}
	list := make([]map[string]json.RawMessage, len(d.list))
	for i, block := range d.list {
		list[i] = block.fields
		for t, name := range detailTexts {
			if block.hasText[t] {
				list[i][name], _ = json.Marshal(block.texts[t].String()) // a string always marshals
			}
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return nil // not reached: the fields were JSON
	}
	return data
}

// detailsText returns the thoughts of reasoning_details that can be read.
func detailsText(list json.RawMessage) string {
	var blocks []struct {
		Text    string `json:"text"`
		Summary string `json:"summary"`
	}
	if json.Unmarshal(list, &blocks) != nil {
		return ""
	}
	var b strings.Builder
	for _, block := range blocks {
		b.WriteString(cmp.Or(block.Text, block.Summary))
	}
	return b.String()
}
