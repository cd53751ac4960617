package request

import (
	"encoding/json"
	"slices"

	"google.golang.org/genai"
)

// noResponse is the response to a call that has none, such as one of a turn that
// was cancelled.
const noResponse = "no result available"

// slot is a call of the step that is rewritten.
type slot struct {
	call     *genai.FunctionCall
	id       string // the new one
	response *genai.Part
	next     int // the next slot of the same id, or of the same name without an id; 0 for none
}

// rewrite appends a step and what follows it to the result, in order.
func (p *pairer) rewrite(step, turn []*genai.Content) {
	if !p.changed {
		p.changed = true
		p.out = append(make([]*genai.Content, 0, len(p.in)+2), p.in[:p.kept]...)
	}
	slots := p.rewriteStep(step)
	taken := answer(slots, step, turn)
	if len(slots) > 0 {
		p.out = append(p.out, responses(slots))
	}
	for _, content := range step {
		// Responses do not belong into a model's content.
		if content != nil && slices.ContainsFunc(content.Parts, isResponse) {
			p.appendRest(&genai.Content{Role: genai.RoleUser, Parts: slices.DeleteFunc(slices.Clone(content.Parts), func(part *genai.Part) bool {
				return !isResponse(part)
			})}, taken)
		}
	}
	for _, content := range turn {
		if content != nil {
			p.appendRest(content, taken)
		}
	}
}

func isResponse(p *genai.Part) bool { return p != nil && p.FunctionResponse != nil }

func isCall(p *genai.Part) bool { return p != nil && p.FunctionCall != nil }

// rewriteStep appends the model's contents and returns their calls. With calls
// they become one: Gemini wants a turn with calls directly after one of the user.
func (p *pairer) rewriteStep(step []*genai.Content) []slot {
	if !slices.ContainsFunc(step, CallsFunction) {
		for _, content := range step {
			if content = withoutParts(content, func(part *genai.Part) bool { return isEmpty(part) || isResponse(part) }); content != nil {
				p.out = append(p.out, content)
			}
		}
		return nil
	}
	var slots []slot
	whole := &genai.Content{Role: genai.RoleModel}
	for _, content := range step {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if isEmpty(part) || isResponse(part) {
				continue
			}
			if part.FunctionCall != nil {
				id := p.newID(part.FunctionCall.ID)
				slots = append(slots, slot{call: part.FunctionCall, id: id})
				if id != part.FunctionCall.ID {
					changed, call := *part, *part.FunctionCall
					call.ID, changed.FunctionCall = id, &call
					part = &changed
				}
			}
			whole.Parts = append(whole.Parts, part)
		}
	}
	p.out = append(p.out, whole)
	return slots
}

// withoutParts returns content without the parts that drop names, content itself
// if there are none, and nil if nothing is left.
func withoutParts(content *genai.Content, drop func(*genai.Part) bool) *genai.Content {
	if content == nil || len(content.Parts) == 0 {
		return nil
	}
	if !slices.ContainsFunc(content.Parts, drop) {
		return content
	}
	changed := *content
	changed.Parts = slices.DeleteFunc(slices.Clone(content.Parts), drop)
	if len(changed.Parts) == 0 {
		return nil
	}
	return &changed
}

// callKey finds the calls that a response may belong to: those with its id, or
// those with its name that have no response by id.
type callKey struct{ id, name string }

// answer finds the response to each slot in step and turn. It returns the parts
// that it has used, or that a later one for the same call has replaced.
func answer(slots []slot, step, turn []*genai.Content) map[*genai.Part]bool {
	taken := map[*genai.Part]bool{}
	if len(slots) == 0 {
		return taken
	}
	queue := func(key func(*slot) (callKey, bool)) map[callKey]int {
		heads := map[callKey]int{}
		for i := len(slots) - 1; i >= 0; i-- {
			if k, ok := key(&slots[i]); ok {
				slots[i].next = heads[k]
				heads[k] = i + 1
			}
		}
		return heads
	}
	// settle gives each response the first slot of its queue, and the last one to
	// what comes after all have theirs.
	settle := func(heads map[callKey]int, key func(*genai.FunctionResponse) callKey) {
		for _, contents := range [2][]*genai.Content{step, turn} {
			for _, content := range contents {
				if content == nil {
					continue
				}
				for _, part := range content.Parts {
					if !isResponse(part) || taken[part] {
						continue
					}
					k := key(part.FunctionResponse)
					i := heads[k]
					if i == 0 {
						continue
					}
					if next := slots[i-1].next; next != 0 {
						heads[k] = next
					}
					slots[i-1].response = part
					taken[part] = true
				}
			}
		}
	}
	settle(queue(func(s *slot) (callKey, bool) { return callKey{id: s.call.ID}, s.call.ID != "" }),
		func(r *genai.FunctionResponse) callKey { return callKey{id: r.ID} })
	settle(queue(func(s *slot) (callKey, bool) { return callKey{name: s.call.Name}, s.response == nil }),
		func(r *genai.FunctionResponse) callKey { return callKey{name: r.Name} })
	return taken
}

// responses returns the content that answers slots.
func responses(slots []slot) *genai.Content {
	content := &genai.Content{Role: genai.RoleUser, Parts: make([]*genai.Part, len(slots))}
	for i, s := range slots {
		part := s.response
		switch {
		case part == nil:
			part = &genai.Part{FunctionResponse: &genai.FunctionResponse{
				ID: s.id, Name: s.call.Name, Response: map[string]any{"output": noResponse},
			}}
		case part.FunctionResponse.ID != s.id || part.FunctionResponse.Name != s.call.Name:
			changed, response := *part, *part.FunctionResponse
			response.ID, response.Name = s.id, s.call.Name
			changed.FunctionResponse = &response
			part = &changed
		}
		content.Parts[i] = part
	}
	return content
}

// appendRest appends what content has besides the responses in taken. Other
// responses become text.
func (p *pairer) appendRest(content *genai.Content, taken map[*genai.Part]bool) {
	if !slices.ContainsFunc(content.Parts, isResponse) {
		if content = withoutParts(content, isEmpty); content != nil {
			p.out = append(p.out, content)
		}
		return
	}
	changed := &genai.Content{Role: genai.RoleUser}
	for _, part := range content.Parts {
		switch {
		case isEmpty(part) || taken[part]:
		case isResponse(part):
			changed.Parts = append(changed.Parts, asText(part.FunctionResponse)...)
		default:
			changed.Parts = append(changed.Parts, part)
		}
	}
	if len(changed.Parts) > 0 {
		p.out = append(p.out, changed)
	}
}

// asText says what a response says whose call is not there, or not any more the
// model's last.
func asText(r *genai.FunctionResponse) []*genai.Part {
	result, err := json.Marshal(r.Response)
	if err != nil || r.Response == nil {
		result = []byte("{}")
	}
	parts := []*genai.Part{{Text: "Result of the tool " + r.Name + ": " + string(result)}}
	for _, media := range r.Parts {
		switch {
		case media == nil:
		case media.InlineData != nil:
			parts = append(parts, &genai.Part{InlineData: &genai.Blob{MIMEType: media.InlineData.MIMEType, Data: media.InlineData.Data}})
		case media.FileData != nil:
			parts = append(parts, &genai.Part{FileData: &genai.FileData{MIMEType: media.FileData.MIMEType, FileURI: media.FileData.FileURI}})
		}
	}
	return parts
}
