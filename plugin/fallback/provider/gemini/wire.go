package gemini

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// maxDocument bounds an answer that is no stream, in bytes. An event of a stream,
// or an element of a list, is bounded by sse.MaxEvent.
const maxDocument = 32 << 20

// documents reads the JSON documents of a body: server-sent events, a list as
// servers send it that do not know alt=sse, or a single one.
type documents struct {
	events *sse.Reader
	list   *json.Decoder
	room   *roomReader
	begun  bool
}

// newDocuments looks at the beginning of body to tell which it is.
func newDocuments(body io.Reader) (*documents, error) {
	head := make([]byte, 0, 512)
	for {
		n, err := body.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(sse.BOM)), " \t\r\n")
		switch {
		case err == nil && len(head) < len(sse.BOM) && strings.HasPrefix(sse.BOM, string(head)):
		case len(text) > 0 && text[0] == '[':
			room := &roomReader{src: io.MultiReader(bytes.NewReader(text), body), left: sse.MaxEvent, total: sse.MaxStream}
			return &documents{list: json.NewDecoder(room), room: room}, nil
		case len(text) > 0 || len(head) == cap(head):
			return &documents{events: sse.NewReader(io.MultiReader(bytes.NewReader(head), body))}, nil
		case err == io.EOF:
			return nil, failure.ErrEmpty
		case err != nil:
			return nil, err
		}
	}
}

// next returns the next document, which is valid until the next call. The end is
// io.EOF.
func (d *documents) next() ([]byte, error) {
	if d.list != nil {
		return d.element()
	}
	for {
		event, err := d.events.Next()
		if err != nil {
			return nil, err
		}
		if !event.Done() { // which some proxies send
			return event.Data, nil
		}
	}
}

// element returns the next element of the list.
func (d *documents) element() ([]byte, error) {
	d.room.left = sse.MaxEvent
	if !d.begun {
		d.begun = true
		if _, err := d.list.Token(); err != nil {
			return nil, ofList(err)
		}
	}
	if !d.list.More() {
		if _, err := d.list.Token(); err != nil {
			return nil, ofList(err)
		}
		return nil, io.EOF
	}
	var element json.RawMessage
	if err := d.list.Decode(&element); err != nil {
		return nil, ofList(err)
	}
	return element, nil
}

// ofList returns what an error in the middle of a list means.
func ofList(err error) error {
	var syntax *json.SyntaxError
	if err == io.EOF || err == io.ErrUnexpectedEOF || errors.As(err, &syntax) {
		return failure.ErrTruncated
	}
	return err
}

// roomReader fails when more is read than there is room for.
type roomReader struct {
	src   io.Reader
	left  int // for the element
	total int // for the list
}

func (r *roomReader) Read(p []byte) (int, error) {
	if r.left <= 0 || r.total <= 0 {
		return 0, sse.ErrTooLong
	}
	n, err := r.src.Read(p)
	r.left, r.total = r.left-n, r.total-n
	return n, err
}
