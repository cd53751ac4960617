package responses

import (
	"encoding/json"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// vendor is the vendor under which thoughts of the Responses API are sealed.
const vendor = "openai"

// sealedReasoning is what a session keeps of a reasoning item beside its text,
// in the signature of the item's first part. The other parts have the id and the
// host alone.
type sealedReasoning struct {
	Host      string `json:"host,omitempty"` // who made it, if not OpenAI: it is of no use to others
	ID        string `json:"id,omitempty"`
	Encrypted string `json:"encrypted,omitempty"`
	Format    string `json:"format,omitempty"`
	Signature string `json:"signature,omitempty"`
	Text      bool   `json:"text,omitempty"` // the parts are the reasoning itself, not a summary

	// Next is the id of the item that the model made of the reasoning, and Phase
	// the phase if that is a message. OpenAI refuses a reasoning item with an id
	// whose following item has another, with "… was provided without its required
	// following item": https://github.com/pydantic/pydantic-ai/pull/2882
	Next  string `json:"next,omitempty"`
	Phase string `json:"phase,omitempty"`
}

// isFirst reports whether s was on the first part of an item that can go back.
// An id alone is of no use: nothing is stored that it could name.
func (s *sealedReasoning) isFirst() bool { return s.Encrypted != "" || s.Text || s.Signature != "" }

// host returns what [sealedReasoning.Host] has for m's own answers.
func (m *Model) host() string {
	if m.target.Endpoint == "api.openai.com" {
		return ""
	}
	return m.target.Endpoint
}

// seal returns the parts of a reasoning item that the session keeps.
// next is the item after it; nil for none.
func (m *Model) seal(item, next *wire.Item) []*genai.Part {
	texts, raw := reasoningTexts(item)
	s := sealedReasoning{Host: m.host(), ID: item.ID}
	if next != nil && isRepeated(next) {
		s.Encrypted, s.Format, s.Signature, s.Text = item.EncryptedContent, item.Format, item.Signature, raw
		if prefix := idPrefix(next); prefix != "" && strings.HasPrefix(next.ID, prefix) {
			s.Next, s.Phase = next.ID, next.Phase
		}
	}
	if len(texts) == 0 {
		if !s.isFirst() {
			return nil
		}
		texts = []string{""}
	}
	parts := make([]*genai.Part, len(texts))
	for i, text := range texts {
		data, _ := json.Marshal(s) // strings only
		parts[i] = &genai.Part{Text: text, Thought: true, ThoughtSignature: request.Seal(vendor, data)}
		s = sealedReasoning{Host: s.Host, ID: s.ID}
	}
	return parts
}

// reasoningTexts returns the texts of a reasoning item, and whether they are the
// reasoning itself. A server that tells that and a summary too says the same
// twice: the summary is then left aside.
func reasoningTexts(item *wire.Item) (texts []string, raw bool) {
	if texts = textsOf(item.Content); texts != nil {
		return texts, true
	}
	return textsOf(item.Summary), false
}

func textsOf(content wire.Content) []string {
	var texts []string
	for i := range content {
		if content[i].Text != "" {
			texts = append(texts, content[i].Text)
		}
	}
	return texts
}

// isRepeated reports whether an item of the output is one of the input of the
// next request. Reasoning that led to another, such as a search at the server,
// stands alone there, and would be refused.
func isRepeated(item *wire.Item) bool {
	return idPrefix(item) != "" || item.Type == wire.ItemReasoning
}

// idPrefix is how OpenAI's ids of what a model can say begin; "" for other items.
func idPrefix(item *wire.Item) string {
	switch item.Type {
	case wire.ItemMessage:
		return "msg"
	case wire.ItemFunctionCall:
		return "fc"
	}
	return ""
}

// reasoning converts thoughts of a host's own models back into reasoning items, so
// that the model can continue them: the server stores nothing.
type reasoning struct {
	host        string
	items       []wire.Item     // that wait for what they led to
	next, phase string          // of the last one
	sent        map[string]bool // ids: none may come twice
}

// add takes a thought in, unless it is another vendor's or host's, or a summary
// without what it sums up.
func (r *reasoning) add(part *genai.Part) {
	data, ok := request.Unseal(vendor, part.ThoughtSignature)
	if !ok || len(data) == 0 {
		return
	}
	var s sealedReasoning
	if json.Unmarshal(data, &s) != nil || s.Host != r.host {
		return
	}
	if s.isFirst() {
		item := wire.Item{
			Type: wire.ItemReasoning, ID: s.ID, EncryptedContent: s.Encrypted, Format: s.Format, Signature: s.Signature,
			Summary: wire.Content{},
		}
		if s.Text {
			item.Content = wire.Content{}
		}
		r.items, r.next, r.phase = append(r.items, item), s.Next, s.Phase
	}
	if len(r.items) == 0 || part.Text == "" {
		return
	}
	item := &r.items[len(r.items)-1]
	switch {
	case item.ID != s.ID:
	case item.Content == nil:
		item.Summary = append(item.Summary, wire.Part{Type: wire.PartSummaryText, Text: part.Text})
	case item.EncryptedContent == "": // beside that, OpenAI takes no content
		item.Content = append(item.Content, wire.Part{Type: wire.PartReasoningText, Text: part.Text})
	}
}

// drop forgets reasoning whose item is not there any more: an API that keeps
// track would refuse it.
func (r *reasoning) drop() { r.items, r.next, r.phase = nil, "", "" }

// before appends the reasoning and item, which was made of it and gets its id
// back.
func (r *reasoning) before(items []wire.Item, item wire.Item) []wire.Item {
	defer r.drop()
	if len(r.items) == 0 || r.next != "" && (!strings.HasPrefix(r.next, idPrefix(&item)) || r.sent[r.next]) {
		return append(items, item)
	}
	for _, thought := range r.items {
		if thought.ID != "" && r.sent[thought.ID] {
			continue
		}
		items = append(items, thought)
		r.mark(thought.ID)
	}
	item.ID, item.Phase = r.next, r.phase
	r.mark(item.ID)
	return append(items, item)
}

func (r *reasoning) mark(id string) {
	if id == "" {
		return
	}
	if r.sent == nil {
		r.sent = map[string]bool{}
	}
	r.sent[id] = true
}
