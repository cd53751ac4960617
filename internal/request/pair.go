package request

import (
	"slices"
	"strconv"
	"sync"

	"google.golang.org/genai"
)

// Pair returns contents with the calls of functions and their responses as every
// API wants them:
//
//   - Each call has an id that is unique in the request. A call without one, or
//     with one that was used before, gets "call_N", where N counts the calls before
//     it. ids, if not nil, rewrites each id before it is checked, such as to a
//     pattern or length that an API demands; index is N. It must be deterministic
//     and must leave its own results unchanged.
//   - A step, which is the model's contents up to what others say next, is one
//     content if it has calls. One user content with all its responses follows
//     directly, in the order of the calls, with their ids and names. What the user
//     said meanwhile comes after it.
//   - A response belongs to a call of the step before it: the one with its id, else
//     the first of its name that has none. Of several for one call, such as those of
//     a long-running tool, the last counts. Any other, such as one that comes when
//     the model has gone on, becomes text at its place.
//   - A call without a response gets one that says so.
//   - Empty parts and contents are dropped.
//
// What a content becomes depends only on what stands before it and on the
// responses to its step, so a longer history begins like a shorter one: prompt
// caches and signatures over the prefix stay valid. Pairing twice changes nothing
// more.
//
// Pair never writes to contents or to what it points to, and shares what it does
// not change: it returns contents itself, without an allocation, if all is in
// order. It takes linear time.
func Pair(contents []*genai.Content, ids func(id string, index int) string) []*genai.Content {
	if isPlain(contents) {
		return contents
	}
	p := pairers.Get().(*pairer)
	defer p.release()
	p.in, p.ids = contents, ids
	for i := 0; i < len(contents); {
		step := p.extent(i, true)
		turn := p.extent(step, false)
		if !p.isTidy(contents[i:step], contents[step:turn]) {
			p.rewrite(contents[i:step], contents[step:turn])
		} else if p.changed {
			p.out = append(p.out, contents[i:turn]...)
		} else {
			p.kept = turn
		}
		i = turn
	}
	if !p.changed {
		return contents
	}
	return p.out
}

// isPlain tells whether contents have neither calls nor responses nor anything
// empty.
func isPlain(contents []*genai.Content) bool {
	for _, content := range contents {
		if content == nil || len(content.Parts) == 0 {
			return false
		}
		for _, part := range content.Parts {
			if isEmpty(part) || part.FunctionCall != nil || part.FunctionResponse != nil {
				return false
			}
		}
	}
	return true
}

// isEmpty tells whether part carries nothing that an API could take.
func isEmpty(p *genai.Part) bool {
	return p == nil || p.Text == "" && len(p.ThoughtSignature) == 0 &&
		p.FunctionCall == nil && p.FunctionResponse == nil && p.InlineData == nil && p.FileData == nil &&
		p.ExecutableCode == nil && p.CodeExecutionResult == nil && p.ToolCall == nil && p.ToolResponse == nil &&
		p.AudioTranscription == nil && p.SpeechMetadata == nil
}

func isEmptyContent(content *genai.Content) bool {
	return content == nil || !slices.ContainsFunc(content.Parts, func(p *genai.Part) bool { return !isEmpty(p) })
}

// isModel tells whether content is the model's: only a model calls functions.
func isModel(content *genai.Content) bool {
	return content.Role == genai.RoleModel || CallsFunction(content)
}

// pairers keeps the memory of [Pair] between requests.
var pairers = sync.Pool{New: func() any { return &pairer{used: map[string]struct{}{}} }}

// pairer is one run of [Pair].
type pairer struct {
	in   []*genai.Content
	ids  func(id string, index int) string
	used map[string]struct{} // the ids so far
	next int                 // the calls so far

	out     []*genai.Content // the result, once changed
	changed bool
	kept    int // how many contents of in the result has until it is changed
}

// release gives p's memory back, without what it points to.
func (p *pairer) release() {
	if len(p.used) > 1024 {
		return // a map never shrinks
	}
	clear(p.used)
	*p = pairer{used: p.used}
	pairers.Put(p)
}

// extent returns the end of the contents from i on that are the model's, or are
// not. Empty ones belong to either.
func (p *pairer) extent(i int, model bool) int {
	for i < len(p.in) && (isEmptyContent(p.in[i]) || isModel(p.in[i]) == model) {
		i++
	}
	return i
}

// isTidy tells whether a step and what follows it need no change, and if so notes
// the step's ids.
func (p *pairer) isTidy(step, turn []*genai.Content) bool {
	if slices.ContainsFunc(step, hasEmpty) || slices.ContainsFunc(turn, hasEmpty) {
		return false
	}
	calls, responses := 0, 0
	for _, content := range step {
		for _, part := range content.Parts {
			if part.FunctionCall != nil {
				calls++
			}
			if part.FunctionResponse != nil {
				return false
			}
		}
	}
	for _, content := range turn {
		for _, part := range content.Parts {
			if part.FunctionResponse != nil {
				responses++
			}
		}
	}
	if calls == 0 && responses == 0 {
		return true
	}
	if calls != responses || len(step) != 1 || step[0].Role != genai.RoleModel || turn[0].Role != genai.RoleUser || len(turn[0].Parts) < calls {
		return false
	}
	n := 0
	for _, part := range step[0].Parts {
		if part.FunctionCall == nil {
			continue
		}
		response := turn[0].Parts[n].FunctionResponse
		if response == nil || response.ID != part.FunctionCall.ID || response.Name != part.FunctionCall.Name || !p.isFine(response.ID, n) {
			p.forget(step[0], n)
			return false
		}
		p.used[response.ID] = struct{}{}
		n++
	}
	p.next += calls
	return true
}

func hasEmpty(content *genai.Content) bool {
	return content == nil || len(content.Parts) == 0 || slices.ContainsFunc(content.Parts, isEmpty)
}

// isFine tells whether id can stay the id of the n-th call of a step.
func (p *pairer) isFine(id string, n int) bool {
	if id == "" {
		return false
	}
	if _, taken := p.used[id]; taken {
		return false
	}
	return p.ids == nil || p.ids(id, p.next+n) == id
}

// forget takes back the ids of step's first n calls.
func (p *pairer) forget(step *genai.Content, n int) {
	for _, part := range step.Parts {
		if n > 0 && part.FunctionCall != nil {
			delete(p.used, part.FunctionCall.ID)
			n--
		}
	}
}

// newID returns the id for the next call.
func (p *pairer) newID(id string) string {
	index := p.next
	p.next++
	fresh := "call_" + strconv.Itoa(index)
	if id == "" {
		id = fresh
	}
	for n := 2; ; n++ {
		// What ids makes of different ids may be the same, however often.
		if p.ids != nil && n < 10 {
			id = p.ids(id, index)
		}
		if _, taken := p.used[id]; !taken && id != "" {
			p.used[id] = struct{}{}
			return id
		}
		id = fresh
		if n > 2 {
			id += "_" + strconv.Itoa(n-1)
		}
	}
}
