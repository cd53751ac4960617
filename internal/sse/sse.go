package sse

import (
	"bytes"
	"errors"
	"io"
)

// MaxEvent bounds one line, and the data of one event, in bytes.
const MaxEvent = 16 << 20

// BOM is the byte order mark that some servers put before a body.
const BOM = "\xef\xbb\xbf"

// Trim returns data without a byte order mark and without space around it.
func Trim(data []byte) []byte { return bytes.TrimSpace(bytes.TrimPrefix(data, []byte(BOM))) }

// MaxStream bounds a stream, in bytes. An answer of 128,000 tokens with every log
// probability takes less.
const MaxStream = 256 << 20

// ErrTooLong is a line or the data of an event that exceeds [MaxEvent], or a stream
// that exceeds [MaxStream].
var ErrTooLong = errors.New("sse: the stream is longer than 256 MiB, or a line of it longer than 16 MiB")

// Event is one server-sent event. Data is valid until the next call of
// [Reader.Next].
type Event struct {
	Name string // "" if the server gave none
	Data []byte // never empty
}

// Done reports whether e is the mark "[DONE]" that ends a stream of chat
// completions.
func (e Event) Done() bool { return string(bytes.TrimSpace(e.Data)) == "[DONE]" }

// Reader reads server-sent events. It follows
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
// and beyond that accepts what servers send in error:
//
//   - An event that the end of the stream cuts off before its blank line is
//     delivered. Whether its data is whole is for the caller to find out.
//   - JSON without "data:", in one line or several, is an event: a server that
//     fails, or that does not stream at all, writes its body like that.
//   - A line "error: {…}" is an event of that name (llama.cpp before PR 16109).
//
// A Reader needs memory for one event, at most 48 MiB. It is not
// safe for concurrent use.
type Reader struct {
	src   io.Reader
	err   error // what src ended with
	total int   // bytes read

	buf        []byte
	start, end int  // unread bytes of buf
	scanned    int  // of those, how many hold no line end
	skipLF     bool // the line before ended in CR: a LF that follows belongs to it
	begun      bool // the first line has been read

	stray []byte // lines that are no part of a stream

	name    string
	names   map[string]string // names seen, so that each is allocated once
	pending bool              // the event has data
	bare    bool              // the event is JSON without "data:"
	lo, hi  int               // data in buf, while it is one line
	joined  []byte            // data of several lines; nil while it is one line
	spare   []byte            // memory for joined
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, 1<<10)}
}

// Next returns the next event that has data. After the last one it returns the
// error that the source ended with: io.EOF for one that ended in order.
func (r *Reader) Next() (Event, error) {
	r.name, r.pending, r.bare, r.joined = "", false, false, nil
	for {
		lo, hi, err := r.line()
		if err != nil {
			if r.pending && r.size() > 0 {
				return r.event(), nil
			}
			return Event{}, err
		}
		if lo == hi {
			if r.pending && r.size() > 0 {
				return r.event(), nil
			}
			r.name, r.pending, r.bare, r.joined = "", false, false, nil
			continue
		}
		if again := r.field(lo, hi); again {
			r.start, r.scanned, r.skipLF = lo, 0, false
			if r.size() > 0 {
				return r.event(), nil
			}
			r.name, r.pending = "", false
			continue
		}
		if r.size() > MaxEvent {
			return Event{}, ErrTooLong
		}
	}
}

// field takes one line in. It reports true for a line that belongs to the next
// event, which has to be read again.
func (r *Reader) field(lo, hi int) (again bool) {
	line := r.buf[lo:hi]
	switch c := line[0]; {
	case c == ':':
		return false
	case r.bare || r.pending && continues(c):
		r.add(lo, hi)
		return false
	case c == '{' || c == '[' || isJSONBehindSpace(line):
		if r.pending {
			return true
		}
		r.bare = true
		r.add(lo, hi)
		return false
	}
	colon := bytes.IndexByte(line, ':')
	value := hi
	if colon < 0 {
		colon = len(line)
	} else if value = lo + colon + 1; value < hi && r.buf[value] == ' ' {
		value++
	}
	switch string(line[:colon]) {
	case "data":
		r.add(value, hi)
	case "event":
		r.name = r.intern(r.buf[value:hi])
	case "error":
		if r.pending {
			return true
		}
		r.name = "error"
		r.add(value, hi)
	case "id", "retry":
	default:
		if !beginsField(line) {
			r.keep(line)
		}
	}
	return false
}

// beginsField reports whether line is the beginning of a field's name: what is
// left of a stream that was cut there says nothing.
func beginsField(line []byte) bool {
	for _, name := range [...]string{"data", "event", "error", "retry"} {
		if len(line) < len(name) && string(line) == name[:len(line)] {
			return true
		}
	}
	return false
}

// maxStray bounds what [Reader.Stray] returns, in bytes.
const maxStray = 4 << 10

// keep remembers a line that is no part of a stream.
func (r *Reader) keep(line []byte) {
	if len(r.stray) > 0 && len(r.stray) < maxStray {
		r.stray = append(r.stray, '\n')
	}
	r.stray = append(r.stray, line[:min(len(line), maxStray-len(r.stray))]...)
}

// Stray returns the lines so far that are no part of a stream, at most 4 KiB: in a
// source without events, often the text of an error.
func (r *Reader) Stray() []byte { return r.stray }

// continues reports whether a line that begins with c goes on with JSON that
// was begun behind "data:". No field begins like that.
func continues(c byte) bool { return c == ' ' || c == '\t' || c == '"' || c == '}' || c == ']' }

func isJSONBehindSpace(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && (line[0] == '{' || line[0] == '[')
}

// add appends buf[lo:hi] to the event's data.
func (r *Reader) add(lo, hi int) {
	if !r.pending {
		r.pending, r.lo, r.hi = true, lo, hi
		return
	}
	if r.joined == nil {
		r.joined = append(r.spare[:0], r.buf[r.lo:r.hi]...)
	}
	r.joined = append(r.joined, '\n')
	r.joined = append(r.joined, r.buf[lo:hi]...)
	r.spare = r.joined
}

func (r *Reader) size() int {
	if r.joined != nil {
		return len(r.joined)
	}
	return r.hi - r.lo
}

func (r *Reader) event() Event {
	if r.joined != nil {
		return Event{r.name, r.joined}
	}
	return Event{r.name, r.buf[r.lo:r.hi]}
}

// intern returns name as a string. A stream has few names and many events.
func (r *Reader) intern(name []byte) string {
	if s, ok := r.names[string(name)]; ok {
		return s
	}
	s := string(name[:min(len(name), 256)])
	if r.names == nil {
		r.names = map[string]string{}
	}
	if len(r.names) < 64 {
		r.names[s] = s
	}
	return s
}
