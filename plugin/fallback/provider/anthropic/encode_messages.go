package anthropic

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// messages sets the conversation: contents, which are paired, with those of one
// role that follow each other in one message. Only the current turn, from turn on,
// has thoughts: those of earlier turns are not needed, and bound to a prefix that
// may have changed.
func (e *encoder) messages(contents []*genai.Content, turn int, thinks bool) error {
	for i, content := range contents {
		role := user
		if content.Role == genai.RoleModel {
			role = assistant
		}
		var results, rest []block
		for _, part := range content.Parts {
			b, err := e.part(part, thinks && i >= turn && role == assistant)
			switch {
			case err != nil:
				return err
			case b.Type == "":
			case b.Type == "tool_result":
				results = append(results, b)
			default:
				rest = append(rest, b)
			}
		}
		e.add(role, results, rest)
	}
	return nil
}

// add appends blocks to the conversation, results of tools before all else of
// their message.
func (e *encoder) add(role string, results, rest []block) {
	if len(results)+len(rest) == 0 {
		return
	}
	n := len(e.to.Messages)
	if n == 0 || e.to.Messages[n-1].Role != role {
		e.to.Messages = append(e.to.Messages, message{Role: role})
		n++
	}
	m := &e.to.Messages[n-1]
	if len(m.Content) == m.results {
		m.Content = append(m.Content, results...)
	} else {
		m.Content = slices.Insert(m.Content, m.results, results...)
	}
	m.results += len(results)
	m.Content = append(m.Content, rest...)
}

// part returns the block for a part; one without a type for a part that has none.
func (e *encoder) part(part *genai.Part, thoughts bool) (block, error) {
	var b block
	var err error
	switch {
	case part.Thought:
		if !thoughts {
			return b, nil
		}
		b, _ = thoughtBlock(part)
		return b, nil // takes no cache breakpoint
	case part.FunctionCall != nil:
		args := part.FunctionCall.Args
		if args == nil {
			args = map[string]any{}
		}
		name := part.FunctionCall.Name
		b = block{Type: "tool_use", ID: part.FunctionCall.ID, Name: e.names.Wire(name), Input: e.names.wireArguments(name, args)}
	case part.FunctionResponse != nil:
		b, err = e.toolResult(part.FunctionResponse)
	case part.InlineData != nil:
		b, err = e.inline(part.InlineData.MIMEType, part.InlineData.Data, part.InlineData.DisplayName)
	case part.FileData != nil:
		b, err = e.file(part.FileData.MIMEType, part.FileData.FileURI, part.FileData.DisplayName)
	default:
		b = text(part.Text)
	}
	if b.Type != "" {
		b.CacheControl = partCache(part)
	}
	return b, err
}

// text returns a text block, or none for what the API refuses.
func text(s string) block {
	if !isText(s) {
		return block{}
	}
	return block{Type: "text", Text: s}
}

// toolResult returns the block for a response: its text, then its media. A
// response that is one string under one of the usual keys is that string;
// any other is JSON.
func (e *encoder) toolResult(response *genai.FunctionResponse) (block, error) {
	b := block{Type: "tool_result", ToolUseID: response.ID}
	_, b.IsError = response.Response["error"]
	said, err := responseText(response.Response)
	if err != nil {
		return b, &requestError{fmt.Sprintf("the result of the tool %s is no JSON: %v", response.Name, err)}
	}
	if isText(said) {
		b.Content = append(b.Content, text(said))
	}
	for _, part := range response.Parts {
		var media block
		switch {
		case part == nil:
			continue
		case part.InlineData != nil:
			media, err = e.inline(part.InlineData.MIMEType, part.InlineData.Data, part.InlineData.DisplayName)
		case part.FileData != nil:
			media, err = e.file(part.FileData.MIMEType, part.FileData.FileURI, part.FileData.DisplayName)
		}
		if err != nil {
			return b, err
		}
		if media.Type != "" {
			b.Content = append(b.Content, media)
		}
	}
	return b, nil
}

func responseText(response map[string]any) (string, error) {
	if len(response) == 0 {
		return "", nil
	}
	if text, ok := request.OnlyText(response, "output", "result", "error"); ok {
		return text, nil
	}
	encoded, err := json.Marshal(response)
	return string(encoded), err
}

// inline returns the block for media that the request carries itself.
func (e *encoder) inline(mime string, data []byte, name string) (block, error) {
	mime = bare(mime)
	switch {
	case len(data) == 0:
		return block{}, nil
	case isImage(mime):
		return block{Type: "image", Source: &source{Type: "base64", MediaType: mime, Data: data}}, nil
	case mime == "application/pdf":
		return block{Type: "document", Title: name, Source: &source{Type: "base64", MediaType: mime, Data: data}}, nil
	case strings.HasPrefix(mime, "text/"):
		return block{Type: "document", Title: name, Source: &source{Type: "text", MediaType: "text/plain", Data: string(data)}}, nil
	}
	return block{}, e.unfit(mime)
}

// file returns the block for media that the API fetches, or that was uploaded to
// its Files API.
func (e *encoder) file(mime, uri, name string) (block, error) {
	mime = bare(mime)
	from := &source{Type: "url", URL: uri}
	if strings.HasPrefix(uri, "file_") {
		from = &source{Type: "file", FileID: uri}
	} else if scheme, _, _ := strings.Cut(uri, ":"); scheme != "https" && scheme != "http" {
		return block{}, &provider.UnfitError{Model: e.target.Model, Setting: "a file at a " + cut(scheme, 16) + ": address", Reason: "it fetches http and https addresses only"}
	}
	switch {
	case isImage(mime):
		return block{Type: "image", Source: from}, nil
	case mime == "application/pdf", mime == "":
		return block{Type: "document", Title: name, Source: from}, nil
	}
	return block{}, e.unfit(mime)
}

func (e *encoder) unfit(mime string) error {
	return &provider.UnfitError{Model: e.target.Model, Setting: cmp.Or(cut(mime, 64), "media"), Reason: "it takes jpeg, png, gif and webp images, PDF and text"}
}

// bare returns a MIME type without parameters, in the form that the API knows.
func bare(mime string) string {
	mime, _, _ = strings.Cut(strings.ToLower(mime), ";")
	if mime = strings.TrimSpace(mime); mime == "image/jpg" {
		return "image/jpeg"
	}
	return mime
}

func isImage(mime string) bool {
	return mime == "image/jpeg" || mime == "image/png" || mime == "image/gif" || mime == "image/webp"
}
