package provider

import (
	"slices"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// mover is the state of one call of media.
type mover struct {
	f       *fitting
	out     []*genai.Content
	pending []*genai.Part // to stand in the user's next content
}

// system leaves only text in the system instruction, because no API takes more there:
// ai.google.dev/api/generate-content ("currently, text only").
func (m *mover) system() error {
	f := m.f
	if f.API == "" && !isNo(f.takes.System) || f.req.Config == nil || isTextOnly(f.req.Config.SystemInstruction) {
		return nil
	}
	var failed error
	rest := rewriteContent(f.req.Config.SystemInstruction, func(p *genai.Part) *genai.Part {
		switch {
		case failed != nil || isText(p):
			return p
		case p.Text != "":
			return f.ownFieldsOf(p)
		case !isMedia(p):
			if p = callAsText(codeAsText(p)); p.Text == "" {
				return nil
			}
			return p
		case mediaOf(p) == nil:
			return nil
		}
		var own *genai.Part
		if own, failed = f.fitMedia(p); failed == nil && isMedia(own) {
			m.pending, own = append(m.pending, own), nil
		}
		return own
	})
	if failed != nil {
		return failed
	}
	if len(rest.Parts) == 0 {
		rest = nil
	}
	f.edit().SystemInstruction = rest
	if len(m.pending) > 0 {
		f.note("media: from the system instruction to the user's turn")
	}
	return nil
}

func isTextOnly(content *genai.Content) bool {
	return content == nil || !slices.ContainsFunc(content.Parts, func(p *genai.Part) bool { return p != nil && !isText(p) })
}

func (m *mover) content(content *genai.Content) (*genai.Content, error) {
	if content == nil {
		return nil, nil
	}
	var failed error
	ofModel := content.Role == genai.RoleModel || request.CallsFunction(content) || // as request.Pair sees it
		m.f.API == Responses && !isUser(content) // an instruction in the conversation is text only, too
	own := rewriteContent(content, func(p *genai.Part) *genai.Part {
		if failed != nil {
			return p
		}
		var changed *genai.Part
		changed, failed = m.part(p, ofModel)
		return changed
	})
	if failed != nil || ofModel || len(m.pending) == 0 {
		return own, failed
	}
	// Results come first: the content that follows a call must begin with them.
	after := 0
	for i, p := range own.Parts {
		if p != nil && p.FunctionResponse != nil {
			after = i + 1
		}
	}
	with := *own
	with.Parts = slices.Concat(own.Parts[:after], m.pending, own.Parts[after:])
	m.pending = nil
	return &with, nil
}

// part returns what replaces p, or nil if nothing does.
func (m *mover) part(p *genai.Part, ofModel bool) (*genai.Part, error) {
	if p.FunctionResponse != nil && len(p.FunctionResponse.Parts) > 0 {
		return m.result(p)
	}
	if !isMedia(p) {
		return p, nil
	}
	own, err := m.f.fitMedia(p)
	if err != nil || !isMedia(own) {
		return own, err
	}
	if ofModel && m.f.API != "" && !m.f.isGemini() {
		m.pending = append(m.pending, own)
		m.f.note("media: from the model's turn to the user's")
		return nil, nil
	}
	return own, nil
}

// result fits the media of a tool result.
func (m *mover) result(p *genai.Part) (*genai.Part, error) {
	given := p.FunctionResponse.Parts
	var kept []*genai.FunctionResponsePart
	changed := false
	for _, part := range given {
		as := partOf(part)
		if as == nil {
			changed = true
			continue
		}
		own, err := m.f.fitMedia(as)
		if err != nil {
			return nil, err
		}
		switch {
		case isMedia(own) && !isNo(m.f.takes.ToolMedia) && !isNo(m.f.takes.Tools) && (own.FileData == nil || m.f.API != Gemini):
			if own != as {
				changed, part = true, resultPartOf(own)
			}
			kept = append(kept, part)
		default:
			if isMedia(own) {
				m.f.note("media: from tool results to the user's turn")
			}
			changed, m.pending = true, append(m.pending, own)
		}
	}
	if !changed {
		return p, nil
	}
	own, response := *p, *p.FunctionResponse
	response.Parts = kept
	own.FunctionResponse = &response
	return &own, nil
}

// partOf returns media of a tool result as a part of its own, or nil if they are empty.
func partOf(p *genai.FunctionResponsePart) *genai.Part {
	switch {
	case p == nil:
	case p.InlineData != nil:
		return mediaOf(&genai.Part{InlineData: &genai.Blob{MIMEType: p.InlineData.MIMEType, Data: p.InlineData.Data, DisplayName: p.InlineData.DisplayName}})
	case p.FileData != nil:
		return mediaOf(&genai.Part{FileData: &genai.FileData{MIMEType: p.FileData.MIMEType, FileURI: p.FileData.FileURI, DisplayName: p.FileData.DisplayName}})
	}
	return nil
}

// resultPartOf is the reverse of partOf.
func resultPartOf(p *genai.Part) *genai.FunctionResponsePart {
	if p.InlineData != nil {
		return &genai.FunctionResponsePart{InlineData: &genai.FunctionResponseBlob{MIMEType: p.InlineData.MIMEType, Data: p.InlineData.Data, DisplayName: p.InlineData.DisplayName}}
	}
	return &genai.FunctionResponsePart{FileData: &genai.FunctionResponseFileData{MIMEType: p.FileData.MIMEType, FileURI: p.FileData.FileURI, DisplayName: p.FileData.DisplayName}}
}
