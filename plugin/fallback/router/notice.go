package router

import (
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// NoticePlace says where a [Notice] is shown.
type NoticePlace string

const (
	// NoticeBefore is the default: before the first text of the answer. If the fallback
	// continues the text of another model (see [Resume]), the notice comes after the
	// text.
	NoticeBefore NoticePlace = "before"
	// NoticeAfter is after the text of the answer, before its final response.
	NoticeAfter NoticePlace = "after"
	// NoticeMetadata shows no text. The notice is in the metadata of a partial response
	// without text before the answer, for a user interface that shows it in its own way.
	NoticeMetadata NoticePlace = "metadata"
)

// Notice is a text that tells the user that a fallback answers.
//
// It is a separate partial response with the text under "fallback_notice" in its
// metadata, so ADK shows it and does not store it: it is never part of the model's
// words, of the session or of a later request. The final response, which is stored, has
// the text only in its metadata.
//
// A call that is not streamed also has the partial response if ADK's flow makes the call,
// because the flow passes it on. Other callers expect one response, and get the notice
// only in its metadata. The same holds for the plugin's Recover.
//
// In each call of a turn, an answer of a fallback with text has the notice. An answer that
// only calls functions has none.
type Notice struct {
	Text  string      // at most call.MaxNoticeBytes; empty for no notice
	Place NoticePlace // empty means NoticeBefore
}

// check returns the notice for the layers, or nil if there is none.
func (n Notice) check() (*stream.Notice, error) {
	switch n.Place {
	case "", NoticeBefore, NoticeAfter, NoticeMetadata:
	default:
		return nil, fmt.Errorf("router: Config.Notice.Place: %q is unknown; must be %q, %q or %q", n.Place, NoticeBefore, NoticeAfter, NoticeMetadata)
	}
	switch {
	case len(n.Text) > call.MaxNoticeBytes:
		return nil, fmt.Errorf("router: Config.Notice.Text has %d bytes; must be at most %d", len(n.Text), call.MaxNoticeBytes)
	case n.Text == "" && n.Place != "":
		return nil, fmt.Errorf("router: Config.Notice: Place is %q, but Text is empty; set Text", n.Place)
	case n.Text == "":
		return nil, nil
	}
	return &stream.Notice{Text: n.Text, After: n.Place == NoticeAfter, Bare: n.Place == NoticeMetadata}, nil
}
