// Package trim shortens a conversation that does not fit a model's context window.
package trim

import (
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// Mark is the text that stands where the middle of a history was cut out.
const Mark = "(Earlier messages of this conversation are omitted here, because they do not fit.)"

// steady is into how many parts the budget is divided for the size of a cut: a cut is
// rounded up to a whole number of them, so that it stays at its place while the
// conversation grows, and the provider's prompt cache stays useful.
const steady = 8

// History returns contents without their middle, so that they have at most budget
// tokens, as size counts those of one content; size is called once for each. It returns
// contents itself if they fit. ok is false if they cannot be made to fit.
//
// It keeps the beginning, up to the user's first message, and the current turn, from the
// user's last message to the end. What is cut out between them is one piece, which ends
// where a turn begins, or before a call of functions. A call and its response are either
// both kept or both cut. The cut is marked by a content of the user with the text Mark.
//
// History never writes to contents or to what it points to. It takes linear time.
func History(contents []*genai.Content, budget int, size func(*genai.Content) int) (kept []*genai.Content, ok bool) {
	sizes, total := make([]int, len(contents)), 0
	for i, c := range contents {
		sizes[i] = size(c)
		total += sizes[i]
	}
	if total <= budget {
		return contents, true
	}
	mark := genai.NewContentFromText(Mark, genai.RoleUser)
	excess := total + size(mark) - budget
	from, to := cut(contents, sizes, excess, max(budget/steady, 1))
	if to == 0 {
		return nil, false
	}
	kept = make([]*genai.Content, 0, from+1+len(contents)-to)
	kept = append(kept, contents[:from]...)
	kept = append(kept, mark)
	return append(kept, contents[to:]...), true
}

// cut returns the piece to cut out, which has at least excess tokens, if possible
// rounded up to whole steps. to is 0 if there is none.
func cut(contents []*genai.Content, sizes []int, excess, step int) (from, to int) {
	first, last := turns(contents)
	joined := pairs(contents)
	for from = first; joined[from]; from++ {
	}
	rounded := (excess + step - 1) / step * step
	for i, dropped := from, 0; i < last; {
		dropped += sizes[i]
		i++
		if dropped < excess || joined[i] || !mayBegin(contents, i) {
			continue
		}
		if to = i; dropped >= rounded {
			break
		}
	}
	return from, to
}

// turns returns the end of the beginning, which is kept, and where the current turn
// begins. A mark of an earlier cut is no message of the user's.
func turns(contents []*genai.Content) (first, last int) {
	for first < len(contents) && !beginsTurn(contents[first]) {
		first++
	}
	for first < len(contents) && beginsTurn(contents[first]) {
		first++
	}
	last = len(contents) - 1
	for last > 0 && !beginsTurn(contents[last]) {
		last--
	}
	for last > 0 && beginsTurn(contents[last-1]) {
		last-- // the user's message is several contents
	}
	return first, last
}

func beginsTurn(c *genai.Content) bool { return request.BeginsTurn(c) && request.Text(c) != Mark }

// mayBegin reports whether what is kept behind a cut may begin with content i.
func mayBegin(contents []*genai.Content, i int) bool {
	if beginsTurn(contents[i]) {
		return true
	}
	return request.CallsFunction(contents[i]) && (contents[i-1] == nil || contents[i-1].Role != genai.RoleModel)
}

// pairs returns for each place between two contents, by the index of the second, whether
// a call stands before it and its response behind it. A response belongs to the latest
// call with its id, or else to the latest of its name, as in [request.Pair].
func pairs(contents []*genai.Content) (joined []bool) {
	byID, byName := map[string]int{}, map[string]int{}
	ends := make([]int, len(contents)) // by the index of a call, that of its last response
	for i, c := range contents {
		if c == nil {
			continue
		}
		for _, p := range c.Parts {
			switch {
			case p == nil:
			case p.FunctionCall != nil:
				byName[p.FunctionCall.Name] = i
				if id := p.FunctionCall.ID; id != "" {
					byID[id] = i
				}
			case p.FunctionResponse != nil:
				at, ok := byID[p.FunctionResponse.ID]
				if !ok {
					at, ok = byName[p.FunctionResponse.Name]
				}
				if ok {
					ends[at] = i
				}
			}
		}
	}
	joined = make([]bool, len(contents)+1)
	for i, end := 0, 0; i < len(contents); i++ {
		end = max(end, ends[i])
		joined[i+1] = i+1 <= end
	}
	return joined
}
