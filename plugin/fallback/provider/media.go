package provider

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genai"
)

// media fits the contents that are not text. It checks the media types that the
// target takes and turns text files into text. Media in a place where the target
// does not take them move to the user's next part: those in tool results, those in the
// system instruction and, except for Gemini, those in model turns.
func (f *fitting) media() error {
	m := mover{f: f}
	if err := m.system(); err != nil {
		return err
	}
	if len(m.pending) == 0 && !slices.ContainsFunc(f.req.Contents, hasMedia) {
		return nil
	}
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
		return p != nil && (isMedia(p) || p.FunctionResponse != nil && len(p.FunctionResponse.Parts) > 0)
	})
}

func isMedia(p *genai.Part) bool { return p.InlineData != nil || p.FileData != nil }

// mediaOf returns p, or nil if its media have no data and no address, which no API takes.
func mediaOf(p *genai.Part) *genai.Part {
	if p.InlineData != nil && len(p.InlineData.Data) == 0 || p.FileData != nil && p.FileData.FileURI == "" {
		return nil
	}
	return p
}

// fitMedia returns what a part of media becomes: itself, a text, or an error.
func (f *fitting) fitMedia(p *genai.Part) (*genai.Part, error) {
	if blob := blobOf(p.FileData); blob != nil && f.API != "" {
		inline := *p
		inline.FileData, inline.InlineData = nil, blob
		p = &inline
	}
	p = f.typed(p)
	kind, reason := f.refusedMedia(p)
	if reason == "" {
		return f.imageType(p, kind), nil
	}
	if data := p.InlineData; data != nil && isTextType(kind) && len(data.Data) > 0 && utf8.Valid(data.Data) {
		f.note("media: text as a part of text")
		return &genai.Part{Text: string(data.Data)}, nil
	}
	if err := f.refuse(mediaName(kind), reason); err != nil {
		return nil, err
	}
	return &genai.Part{Text: "[" + mediaName(kind) + " omitted]"}, nil
}

// imageType returns p with the usual name of an image's type: "Unsupported MIME type:
// image/jpg" (ogkalu2/comic-translate#399, Gemini).
func (f *fitting) imageType(p *genai.Part, kind string) *genai.Part {
	if f.API == "" || !strings.HasPrefix(kind, "image/") {
		return p
	}
	own := *p
	switch {
	case p.InlineData != nil && p.InlineData.MIMEType != kind:
		blob := *p.InlineData
		blob.MIMEType, own.InlineData = kind, &blob
	case p.FileData != nil && p.FileData.MIMEType != kind:
		file := *p.FileData
		file.MIMEType, own.FileData = kind, &file
	default:
		return p
	}
	return &own
}

// typed returns p with the MIME type that its data show, because every API requires one.
func (f *fitting) typed(p *genai.Part) *genai.Part {
	if f.API == "" || p.InlineData == nil || p.InlineData.MIMEType != "" {
		return p
	}
	own, blob := *p, *p.InlineData
	blob.MIMEType, own.InlineData = http.DetectContentType(blob.Data), &blob
	return &own
}

// isTextType reports whether files of a MIME type are text.
func isTextType(kind string) bool {
	sub, isApplication := strings.CutPrefix(kind, "application/")
	return strings.HasPrefix(kind, "text/") || isApplication &&
		(strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml") || slices.Contains([]string{"json", "xml", "yaml", "x-yaml", "javascript", "x-ndjson"}, sub))
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
