package provider

import (
	"slices"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

const (
	// goOn ends a request whose last turn is the model's. ADK's Gemini model
	// appends a turn to the same effect.
	goOn = "Go on with what was asked before. If nothing is left to do, sum up the result."
	// begin opens a history that begins with a model's turn.
	begin = "Begin."
	// start stands in for a conversation where there is none.
	start = "Handle the requests as specified in the system instruction."
)

// roles gives each content one of the two roles that every API has: the histories of
// other frameworks have more. Responses has those of instructions, too.
func (f *fitting) roles() {
	var own []*genai.Content
	for i, content := range f.req.Contents {
		if content == nil || hasRole(content) || f.API == Responses && (content.Role == "system" || content.Role == "developer") {
			continue
		}
		if own == nil {
			own = slices.Clone(f.req.Contents)
		}
		changed := *content
		if changed.Role = genai.RoleUser; content.Role == "assistant" || request.CallsFunction(content) {
			changed.Role = genai.RoleModel
		}
		own[i] = &changed
	}
	if own != nil {
		f.req.Contents = own
	}
}

func hasRole(content *genai.Content) bool {
	return content.Role == genai.RoleUser || content.Role == genai.RoleModel
}

// userTurns adds a user's turn where the target requires one: if there is no turn at
// all (every API), before a model's turn that begins the history (Anthropic; Gemini if
// it is a call or the only turn: GeminiForJanitors#35), and after a model's turn that
// ends it, unless the target takes that as a prefill.
func (f *fitting) userTurns() {
	contents := f.req.Contents
	switch {
	case len(contents) > 0:
	case f.API == "":
		return
	default:
		f.req.Contents = []*genai.Content{genai.NewContentFromText(start, genai.RoleUser)}
		f.note("contents: user turn first")
		return
	}
	if first := contents[0]; !isUser(first) && (f.API == Anthropic || f.isGemini() && (request.CallsFunction(first) || len(contents) == 1)) {
		contents = slices.Insert(slices.Clone(contents), 0, genai.NewContentFromText(begin, genai.RoleUser))
		f.note("contents: user turn first")
	}
	if last := contents[len(contents)-1]; isNo(f.takes.Prefill) && last != nil && last.Role == genai.RoleModel {
		contents = append(contents[:len(contents):len(contents)], genai.NewContentFromText(goOn, genai.RoleUser))
		f.note("contents: user turn last")
	}
	f.req.Contents = contents
}

// instruct adds a text to the system instruction.
func (f *fitting) instruct(text string) {
	system := genai.Content{Role: genai.RoleUser}
	if given := f.req.Config.SystemInstruction; given != nil {
		system = *given
	}
	system.Parts = append(system.Parts[:len(system.Parts):len(system.Parts)], &genai.Part{Text: text})
	f.edit().SystemInstruction = &system
}

// moveSystem puts the system instruction before the user's first words, where the
// target takes none.
func (f *fitting) moveSystem() {
	if !isNo(f.takes.System) || f.req.Config == nil || f.req.Config.SystemInstruction == nil {
		return
	}
	system := f.req.Config.SystemInstruction.Parts
	f.edit().SystemInstruction = nil
	f.note("system_instruction: in the first user turn")
	contents := slices.Clone(f.req.Contents)
	if len(contents) == 0 || !isUser(contents[0]) {
		contents = slices.Insert(contents, 0, &genai.Content{Role: genai.RoleUser, Parts: system})
	} else {
		first := *contents[0]
		first.Parts = slices.Concat(system, first.Parts)
		contents[0] = &first
	}
	f.req.Contents = contents
}

// cloneSteps copies contents as far as [request.Adapt] may write to them: the
// parts of contents with calls.
func cloneSteps(contents []*genai.Content) []*genai.Content {
	clone := slices.Clone(contents)
	for i, content := range clone {
		if !request.CallsFunction(content) {
			continue
		}
		own := *content
		own.Parts = make([]*genai.Part, len(content.Parts))
		for j, part := range content.Parts {
			if part != nil {
				bare := *part
				own.Parts[j] = &bare
			}
		}
		clone[i] = &own
	}
	return clone
}

// mentionsJSON tells whether a text of the request has the word JSON.
func mentionsJSON(contents []*genai.Content, system *genai.Content) bool {
	in := func(content *genai.Content) bool {
		return content != nil && slices.ContainsFunc(content.Parts, func(p *genai.Part) bool {
			return p != nil && !p.Thought && request.SaysJSON(p.Text)
		})
	}
	return in(system) || slices.ContainsFunc(contents, in)
}
