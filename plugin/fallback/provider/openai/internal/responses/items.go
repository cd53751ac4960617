package responses

import (
	"cmp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// streamedItem is one output item so far.
type streamedItem struct {
	wire.Item
	index int
	ended bool // output_item.done has come

	arguments strings.Builder
	parts     []*streamedPart // of the message, or of the reasoning
}

// streamedPart is one text so far.
type streamedPart struct {
	kind     string // its type on the wire
	index    int
	text     strings.Builder
	whole    string // what a done event said
	logprobs []openaiwire.Logprob
}

// setItem notes what an event says of an item: when it begins, and when it is
// whole.
func (s *stream) setItem(e *wire.Event) {
	if e.Item == nil {
		return
	}
	done := e.Type == wire.EventItemDone
	item := s.find(e, e.Item.ID)
	// Some servers give all items the same index.
	if item == nil || item.Type != e.Item.Type || item.ended && item.ID != e.Item.ID {
		item = s.add(e, e.Item.Type)
	}
	before := item.Item
	item.Item = *e.Item
	item.Name, item.CallID = cmp.Or(item.Name, before.Name), cmp.Or(item.CallID, before.CallID)
	item.Arguments = cmp.Or(item.Arguments, before.Arguments)
	item.ended = done
}

// find returns the item that an event is about, or nil. The id decides, then the
// index: some servers give an item another id with each event.
func (s *stream) find(e *wire.Event, id string) *streamedItem {
	if id != "" {
		for _, item := range slices.Backward(s.items) {
			if item.ID == id {
				return item
			}
		}
	}
	if e.OutputIndex != nil {
		for _, item := range slices.Backward(s.items) {
			if item.index == *e.OutputIndex {
				return item
			}
		}
		return nil
	}
	if id == "" && len(s.items) > 0 {
		return s.items[len(s.items)-1]
	}
	return nil
}

// item returns the item of that type that an event is about. It is made if no
// event has told of it.
func (s *stream) item(e *wire.Event, kind string) *streamedItem {
	if item := s.find(e, e.ItemID); item != nil && item.Type == kind {
		return item
	}
	item := s.add(e, kind)
	item.ID = e.ItemID
	return item
}

func (s *stream) add(e *wire.Event, kind string) *streamedItem {
	item := &streamedItem{Item: wire.Item{Type: kind}}
	if e.OutputIndex != nil {
		item.index = *e.OutputIndex
	} else if n := len(s.items); n > 0 {
		item.index = s.items[n-1].index + 1
	}
	s.items = append(s.items, item)
	return item
}

// part returns the text that an event is about, and its item.
func (s *stream) part(e *wire.Event) (*streamedItem, *streamedPart) {
	var of, kind string
	index := e.ContentIndex
	switch e.Type {
	case wire.EventTextDelta, wire.EventTextDone:
		of, kind = wire.ItemMessage, wire.PartOutputText
	case wire.EventRefusalDelta, wire.EventRefusalDone:
		of, kind = wire.ItemMessage, wire.PartRefusal
	case wire.EventReasoningDelta, wire.EventReasoningDone:
		of, kind = wire.ItemReasoning, wire.PartReasoningText
	default:
		of, kind, index = wire.ItemReasoning, wire.PartSummaryText, e.SummaryIndex
	}
	n := 0
	if index != nil {
		n = *index
	}
	item := s.item(e, of)
	for _, part := range slices.Backward(item.parts) {
		if part.index == n && part.kind == kind {
			return item, part
		}
	}
	part := &streamedPart{kind: kind, index: n}
	item.parts = append(item.parts, part)
	return item, part
}

// streamed returns the items as the events told them, in order.
func (s *stream) streamed() []wire.Item {
	slices.SortStableFunc(s.items, func(a, b *streamedItem) int { return a.index - b.index })
	items := make([]wire.Item, len(s.items))
	for i, item := range s.items {
		items[i] = item.whole()
	}
	return items
}

// whole returns the item as far as the events told it: what the last said of
// it, else its pieces.
func (i *streamedItem) whole() wire.Item {
	item := i.Item
	if item.Arguments == "" {
		item.Arguments = wire.JSON(i.arguments.String())
	}
	if !i.ended && item.Status == "" {
		item.Status = wire.StatusInProgress
	}
	if len(i.parts) == 0 {
		return item
	}
	slices.SortStableFunc(i.parts, func(a, b *streamedPart) int { return a.index - b.index })
	var content, summary wire.Content
	for _, p := range i.parts {
		text := p.text.String()
		if p.whole != "" && (item.Status == wire.StatusIncomplete || !strings.Contains(text, p.whole)) { // see restore
			text = p.whole
		}
		part := wire.Part{Type: p.kind, Logprobs: p.logprobs}
		if p.kind == wire.PartRefusal {
			part.Refusal = text
		} else {
			part.Text = text
		}
		if p.kind == wire.PartSummaryText {
			summary = append(summary, part)
		} else {
			content = append(content, part)
		}
	}
	fillTexts(&item, content, summary)
	if item.Type == wire.ItemReasoning && i.parts[0].kind == wire.PartSummaryText {
		item.Content = nil // the summary is what was shown
	}
	return item
}

// fillTexts adds to item the texts, or the parts of them, that only content and summary have.
func fillTexts(item *wire.Item, content, summary wire.Content) {
	item.Content, item.Summary = fill(item.Content, content), fill(item.Summary, summary)
	if item.Status != wire.StatusIncomplete { // a filter may have shortened an incomplete one
		restore(item.Content, content)
		restore(item.Summary, summary)
	}
}

// fill adds to content what only the other one has.
func fill(content, other wire.Content) wire.Content {
	if !says(content) {
		return longerContent(other, content)
	}
	if len(content) != len(other) {
		return content
	}
	content = slices.Clone(content)
	for i := range content {
		// Those of deltas are exact, those of a whole item rounded.
		if len(other[i].Logprobs) > 0 {
			content[i].Logprobs = other[i].Logprobs
		}
		if len(content[i].Annotations) == 0 {
			content[i].Annotations = other[i].Annotations
		}
	}
	return content
}

func longerContent(a, b wire.Content) wire.Content {
	if len(a) > 0 {
		return a
	}
	return b
}

// restore replaces a listed text that is only a piece of the streamed text. Some servers omit
// white space at its ends, and some versions of vLLM list only the last token:
// https://github.com/vllm-project/vllm/pull/30237
func restore(listed, streamed wire.Content) {
	for i := range listed {
		if len(listed) == len(streamed) && listed[i].Type == streamed[i].Type && strings.Contains(streamed[i].Text, listed[i].Text) {
			listed[i].Text = streamed[i].Text
		}
	}
}

// says reports whether there is a word in content.
func says(content wire.Content) bool {
	return slices.ContainsFunc(content, func(p wire.Part) bool { return p.Text != "" || p.Refusal != "" })
}

// mergeItems returns the items of an answer: those that the last event lists,
// completed from the stream, and those that only the stream had. Some servers list
// nothing, some omit calls, some stream nothing.
func mergeItems(streamed, listed []wire.Item) []wire.Item {
	if len(listed) == 0 {
		return streamed
	}
	of := make([]int, len(listed)) // index in streamed, or -1
	used := make([]bool, len(streamed))
	for i := range listed {
		of[i] = slices.IndexFunc(streamed, func(item wire.Item) bool {
			return item.Type == listed[i].Type && item.ID != "" && item.ID == listed[i].ID
		})
		if of[i] >= 0 {
			used[of[i]] = true
		}
	}
	for i := range listed {
		for k := 0; of[i] < 0 && k < len(streamed); k++ {
			if !used[k] && isSame(&streamed[k], &listed[i]) {
				of[i], used[k] = k, true
			}
		}
	}
	kinds := map[string]bool{}
	for i := range listed {
		kinds[listed[i].Type] = true
	}
	var merged []wire.Item
	next := 0
	missed := func(end int) {
		for ; next < end; next++ {
			if !used[next] && (streamed[next].Type == wire.ItemFunctionCall || !kinds[streamed[next].Type]) {
				merged = append(merged, streamed[next])
			}
		}
	}
	for i, item := range listed {
		if of[i] >= 0 {
			missed(of[i])
			item = fillItem(item, &streamed[of[i]])
		}
		merged = append(merged, item)
	}
	missed(len(streamed))
	return merged
}

// isSame reports whether two items without a common id can be one.
func isSame(a, b *wire.Item) bool {
	return a.Type == b.Type && (a.CallID == "" || b.CallID == "" || a.CallID == b.CallID)
}

// fillItem adds to item what only the stream told of it.
func fillItem(item wire.Item, streamed *wire.Item) wire.Item {
	item.Name, item.CallID = cmp.Or(item.Name, streamed.Name), cmp.Or(item.CallID, streamed.CallID)
	item.Arguments = cmp.Or(item.Arguments, streamed.Arguments)
	item.EncryptedContent = cmp.Or(item.EncryptedContent, streamed.EncryptedContent)
	item.Result = cmp.Or(item.Result, streamed.Result)
	fillTexts(&item, streamed.Content, streamed.Summary)
	if item.Type == wire.ItemReasoning && says(streamed.Summary) && !says(streamed.Content) {
		item.Content = nil
	}
	return item
}
