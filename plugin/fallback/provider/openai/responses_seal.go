package openai

import (
	"encoding/json"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

// responsesVendor seals what the Responses API thought.
const responsesVendor = "openai"

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

// first reports whether s was on the first part of its item.
func (s *sealedReasoning) first() bool { return s.Encrypted != "" || s.Text || s.Next != "" }

// host returns what [sealedReasoning.Host] has for m's own answers.
func (m *Model) host() string {
	if m.target.Endpoint == "api.openai.com" {
		return ""
	}
	return m.target.Endpoint
}

// sealReasoning returns the parts of a reasoning item that the session keeps.
// next is the item after it; nil for none.
func (m *Model) sealReasoning(item, next *openaiwire.ResponsesItem) []*genai.Part {
	texts, raw := reasoningTexts(item)
	if len(texts) == 0 {
		if item.EncryptedContent == "" && item.Signature == "" {
			return nil
		}
		texts = []string{""}
	}
	s := sealedReasoning{
		Host: m.host(), ID: item.ID, Encrypted: item.EncryptedContent, Format: item.Format, Signature: item.Signature, Text: raw,
	}
	if next != nil {
		s.Next, s.Phase = next.ID, next.Phase
	}
	parts := make([]*genai.Part, len(texts))
	for i, text := range texts {
		data, _ := json.Marshal(s) // strings only
		parts[i] = &genai.Part{Text: text, Thought: true, ThoughtSignature: request.Seal(responsesVendor, data)}
		s = sealedReasoning{Host: s.Host, ID: s.ID}
	}
	return parts
}

// reasoningTexts returns the texts of a reasoning item, and whether they are the
// reasoning itself. A server that tells that and a summary too says the same
// twice: the summary is then left aside.
func reasoningTexts(item *openaiwire.ResponsesItem) (texts []string, raw bool) {
	if texts = textsOf(item.Content); texts != nil {
		return texts, true
	}
	return textsOf(item.Summary), false
}

func textsOf(content openaiwire.ResponsesContent) []string {
	var texts []string
	for i := range content {
		if content[i].Text != "" {
			texts = append(texts, content[i].Text)
		}
	}
	return texts
}

// reasoning turns thoughts of m's own server back into reasoning items: what the
// server needs to go on where it was, as nothing is stored there.
type reasoning struct {
	m     *Model
	item  openaiwire.ResponsesItem // Type is "" while there is none
	next  string
	phase string
}

// add takes a part in. It reports false for one that is not sent: the thought of
// another vendor, host or adapter, or a summary without what it sums up.
func (r *reasoning) add(part *genai.Part) bool {
	data, ok := request.Unseal(responsesVendor, part.ThoughtSignature)
	if !ok || len(data) == 0 {
		return false
	}
	var s sealedReasoning
	if json.Unmarshal(data, &s) != nil || s.Host != r.m.host() {
		return false
	}
	if !s.first() {
		if r.item.Type == "" || s.ID != r.item.ID {
			return false
		}
	} else if *r = (reasoning{m: r.m}); s.Encrypted == "" && !s.Text && s.Signature == "" {
		return false // OpenAI would look the id up, in vain
	} else {
		r.item = openaiwire.ResponsesItem{
			Type: openaiwire.ItemReasoning, ID: s.ID, EncryptedContent: s.Encrypted, Format: s.Format, Signature: s.Signature,
			Summary: openaiwire.ResponsesContent{},
		}
		if s.Text {
			r.item.Content = openaiwire.ResponsesContent{}
		}
		r.next, r.phase = s.Next, s.Phase
	}
	if part.Text == "" {
		return true
	}
	if r.item.Content != nil {
		r.item.Content = append(r.item.Content, openaiwire.ResponsesPart{Type: openaiwire.PartReasoningText, Text: part.Text})
	} else {
		r.item.Summary = append(r.item.Summary, openaiwire.ResponsesPart{Type: openaiwire.PartSummaryText, Text: part.Text})
	}
	return true
}

// before puts the reasoning in front of item, the one that was made of it, and
// gives item its id back. Reasoning whose item is not there any more is dropped:
// an API that keeps track would refuse it.
func (r *reasoning) before(items []openaiwire.ResponsesItem, item openaiwire.ResponsesItem) []openaiwire.ResponsesItem {
	if r.item.Type != "" && follows(r.next, &item) {
		items = append(items, r.item)
		item.ID, item.Phase = r.next, r.phase
	}
	*r = reasoning{m: r.m}
	return append(items, item)
}

// follows reports whether item can be the one of id next.
func follows(next string, item *openaiwire.ResponsesItem) bool {
	switch {
	case next == "":
		return true
	case strings.HasPrefix(next, "fc"):
		return item.Type == openaiwire.ItemFunctionCall
	case strings.HasPrefix(next, "msg"):
		return item.Type == openaiwire.ItemMessage
	}
	return true
}
