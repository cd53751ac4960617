package provider

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// media fits the contents that are not text. It checks the media types that the
// target takes and turns text files into text. Media in a place where the target
// does not take them move to the user's next part: those in tool results and,
// except for Gemini, those in model turns.
func (f *fitting) media() error {
	if !slices.ContainsFunc(f.req.Contents, hasMedia) {
		return nil
	}
	m := mover{f: f}
	for i, content := range f.req.Contents {
		own, err := m.content(content)
		if err != nil {
			return err
		}
		if own != content && m.out == nil {
			m.out = append(make([]*genai.Content, 0, len(f.req.Contents)+1), f.req.Contents[:i]...)
		}
		if m.out != nil && (own == nil || own == content || len(own.Parts) > 0) {
			m.out = append(m.out, own)
		}
	}
	if len(m.pending) > 0 {
		m.out = append(m.out, &genai.Content{Role: genai.RoleUser, Parts: m.pending})
	}
	if m.out != nil {
		f.req.Contents = m.out
	}
	return nil
}

func hasMedia(content *genai.Content) bool {
	return content != nil && slices.ContainsFunc(content.Parts, func(p *genai.Part) bool {
		return p != nil && (p.InlineData != nil || p.FileData != nil || p.FunctionResponse != nil && len(p.FunctionResponse.Parts) > 0)
	})
}

// mover is one run of media.
type mover struct {
	f       *fitting
	out     []*genai.Content
	pending []*genai.Part // to stand in the user's next content
}

func (m *mover) content(content *genai.Content) (*genai.Content, error) {
	if content == nil {
		return nil, nil
	}
	var failed error
	ofModel := content.Role == genai.RoleModel || request.CallsFunction(content) // as request.Pair sees it
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
	// Results come first: whatever follows a call has to begin with them.
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

// part returns what stands for p in its place; nil for nothing.
func (m *mover) part(p *genai.Part, ofModel bool) (*genai.Part, error) {
	if p.FunctionResponse != nil && len(p.FunctionResponse.Parts) > 0 {
		return m.result(p)
	}
	if p.InlineData == nil && p.FileData == nil {
		return p, nil
	}
	own, err := m.f.fitMedia(p)
	if err != nil || own == nil || own.InlineData == nil && own.FileData == nil {
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
	for _, part := range given {
		as := partOf(part)
		if as == nil {
			continue
		}
		own, err := m.f.fitMedia(as)
		if err != nil {
			return nil, err
		}
		switch {
		case own == nil:
		case own == as && !isNo(m.f.takes.ToolMedia) && !isNo(m.f.takes.Tools) && (as.FileData == nil || m.f.API != Gemini):
			kept = append(kept, part)
		default:
			if own == as {
				m.f.note("media: from tool results to the user's turn")
			}
			m.pending = append(m.pending, own)
		}
	}
	if len(kept) == len(given) {
		return p, nil
	}
	own, response := *p, *p.FunctionResponse
	response.Parts = kept
	own.FunctionResponse = &response
	return &own, nil
}

// partOf returns media of a tool result as a part of its own.
func partOf(p *genai.FunctionResponsePart) *genai.Part {
	switch {
	case p == nil:
	case p.InlineData != nil:
		return &genai.Part{InlineData: &genai.Blob{MIMEType: p.InlineData.MIMEType, Data: p.InlineData.Data, DisplayName: p.InlineData.DisplayName}}
	case p.FileData != nil:
		return &genai.Part{FileData: &genai.FileData{MIMEType: p.FileData.MIMEType, FileURI: p.FileData.FileURI, DisplayName: p.FileData.DisplayName}}
	}
	return nil
}

// fitMedia returns what a part of media becomes: itself, a text, or an error.
func (f *fitting) fitMedia(p *genai.Part) (*genai.Part, error) {
	if blob := blobOf(p.FileData); blob != nil && f.API != "" {
		inline := *p
		inline.FileData, inline.InlineData = nil, blob
		p = &inline
	}
	kind, reason := f.refusedMedia(p)
	if reason == "" {
		return p, nil
	}
	if data := p.InlineData; data != nil && strings.HasPrefix(kind, "text/") && len(data.Data) > 0 && utf8.Valid(data.Data) {
		f.note("media: text as a part of text")
		return &genai.Part{Text: string(data.Data)}, nil
	}
	if err := f.refuse(mediaName(kind), reason); err != nil {
		return nil, err
	}
	return &genai.Part{Text: "[" + mediaName(kind) + " omitted]"}, nil
}

// blobOf returns the data of a data: URL (RFC 2397), which not every API takes as
// an address; nil for another address, or one that cannot be read.
func blobOf(file *genai.FileData) *genai.Blob {
	if file == nil {
		return nil
	}
	rest, isData := strings.CutPrefix(file.FileURI, "data:")
	head, body, hasBody := strings.Cut(rest, ",")
	kind, isBase64 := strings.CutSuffix(head, ";base64")
	if !isData || !hasBody || !isBase64 {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil
	}
	return &genai.Blob{Data: data, MIMEType: cmp.Or(file.MIMEType, kind), DisplayName: file.DisplayName}
}

// refusedMedia tells why the target does not take p; "" if it does.
func (f *fitting) refusedMedia(p *genai.Part) (kind, reason string) {
	if p.InlineData != nil {
		kind = mimeType(p.InlineData.MIMEType)
	} else {
		kind = mimeType(p.FileData.MIMEType)
		if reason = f.refusedURI(p.FileData.FileURI, kind); reason != "" {
			return kind, reason
		}
	}
	accepts := func(pattern string) bool { return match(pattern, kind) }
	switch {
	case f.takes.Media == nil || kind == "" || slices.ContainsFunc(f.takes.Media, accepts):
		return kind, ""
	case len(f.takes.Media) == 0:
		return kind, "it takes text only"
	}
	return kind, "it takes " + strings.Join(f.takes.Media, ", ")
}

// What the id of a file begins with that was uploaded to OpenAI or to Anthropic. An
// id stands in the place of an address, and no other API knows it.
const (
	openaiFile    = "file-"
	anthropicFile = "file_"
)

// refusedURI tells why the target cannot read a file from uri; "" if it can.
func (f *fitting) refusedURI(uri, kind string) string {
	if f.API == "" && f.takes.MediaURL == nil {
		return ""
	}
	parsed, err := url.Parse(uri)
	switch {
	case strings.HasPrefix(uri, openaiFile):
		return only((f.API == Responses || f.API == Chat) && !isNo(f.takes.MediaURL), "the file belongs to OpenAI")
	case strings.HasPrefix(uri, anthropicFile):
		return only(f.API == Anthropic, "the file belongs to Anthropic")
	case err != nil:
		return "its address is not valid"
	case parsed.Scheme == "data":
		return "its data: URL cannot be read"
	case parsed.Scheme == "gs":
		return only(f.API == Vertex, "a gs:// file is read by Vertex AI only")
	case parsed.Host == "generativelanguage.googleapis.com", parsed.Scheme == "":
		return only(f.API == Gemini, "the file belongs to the Gemini API")
	case parsed.Host == "youtu.be", parsed.Host == "youtube.com", strings.HasSuffix(parsed.Host, ".youtube.com"):
		return only(f.isGemini(), "a video of YouTube is read by Gemini only")
	case isNo(f.takes.MediaURL):
		return "it takes media inline only"
	case f.API == Chat && kind != "" && !strings.HasPrefix(kind, "image/"):
		return "chat completions take addresses of images only"
	}
	return ""
}

func only(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

// mimeType returns a MIME type in its usual writing, without parameters.
func mimeType(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(s), ";")
	switch s = strings.TrimSpace(s); s {
	case "image/jpg":
		return "image/jpeg"
	case "audio/mp3":
		return "audio/mpeg"
	case "audio/x-wav", "audio/wave":
		return "audio/wav"
	}
	return s
}

// mediaName returns a MIME type for messages, "media" for what is none: it comes
// from users.
func mediaName(kind string) string {
	main, sub, ok := strings.Cut(kind, "/")
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".+-", r)
	}
	if !ok || !slices.Contains([]string{"image", "audio", "video", "text", "application", "font", "model"}, main) || len(sub) > 40 || strings.ContainsFunc(sub, odd) {
		return "media"
	}
	return kind
}
