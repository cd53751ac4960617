package sse_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/sse"
)

// events reads all of src, with copies of the data.
func events(src io.Reader) (list []sse.Event, err error) {
	r := sse.NewReader(src)
	for {
		event, err := r.Next()
		if err != nil {
			return list, err
		}
		list = append(list, sse.Event{Name: event.Name, Data: bytes.Clone(event.Data)})
	}
}

func TestReader(t *testing.T) {
	type event = sse.Event
	data := func(s string) event { return event{Data: []byte(s)} }
	named := func(name, s string) event { return event{Name: name, Data: []byte(s)} }
	for _, test := range []struct {
		name, stream string
		want         []event
	}{
		{"LF", "data: a\n\ndata: b\n\n", []event{data("a"), data("b")}},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []event{data("a"), data("b")}},
		{"CR", "data: a\r\rdata: b\r\r", []event{data("a"), data("b")}},
		{"line ends mixed", "data: a\r\n\ndata: b\n\rdata: c\r\n\r\n", []event{data("a"), data("b"), data("c")}},
		{"no space", "data:a\n\ndata:  b\n\n", []event{data("a"), data(" b")}},
		{"several lines", "data: a\ndata:\ndata: b\n\n", []event{data("a\n\nb")}},
		{"names", "event: x\ndata: a\n\ndata: b\n\nevent:y\ndata: c\n\n", []event{named("x", "a"), data("b"), named("y", "c")}},
		{"name behind the data", "data: a\nevent: x\n\n", []event{named("x", "a")}},
		{"comments and keep-alives", ": hi\n\n:\n\n\n\ndata: a\n: between\n\n: PROCESSING\n\n", []event{data("a")}},
		{"no data", "event: ping\n\ndata:\n\ndata\n\nid: 7\nretry: 10\n\ndata: a\n\n", []event{data("a")}},
		{"a name ends with its event", "event: x\n\ndata: a\n\n", []event{data("a")}},
		{"byte order mark", "\ufeffdata: a\n\n", []event{data("a")}},
		{"byte order mark later", "data: a\n\n\ufeffdata: b\n\ndata: c\n\n", []event{data("a"), data("c")}},
		{"end without a blank line", "data: a\n\ndata: b\n", []event{data("a"), data("b")}},
		{"end within a line", "data: a\n\ndata: b", []event{data("a"), data("b")}},
		{"end of several lines", "data: a\ndata: b", []event{data("a\nb")}},
		{"text beyond ASCII", "data: Grüße 😊 \u2028 \n\n", []event{data("Grüße 😊 \u2028 ")}},
		{"a body in place of a stream", `{"error": "x"}`, []event{data(`{"error": "x"}`)}},
		{"a body in several lines", "\n  \n{\n  \"a\": [\n    1\n  ]\n}\n", []event{data("{\n  \"a\": [\n    1\n  ]\n}")}},
		{"a list", "[{\"a\":1},\n{\"b\":2}]\n", []event{data("[{\"a\":1},\n{\"b\":2}]")}},
		{"a body behind events", "data: a\n\n{\"error\":1}\n", []event{data("a"), data(`{"error":1}`)}},
		{"a body directly behind data", "data: a\n{\"error\":1}\n\ndata: b\n\n", []event{data("a"), data(`{"error":1}`), data("b")}},
		{"an error line", "data: a\n\nerror: {\"code\":500}\n\n", []event{data("a"), named("error", `{"code":500}`)}},
		{"an error line directly behind data", "data: a\nerror: {\"code\":500}\n\n", []event{data("a"), named("error", `{"code":500}`)}},
		{"JSON in several lines behind one data", "data: {\n  \"a\": 1\n}\n\ndata: b\n\n", []event{data("{\n  \"a\": 1\n}"), data("b")}},
		{"an empty error line", "error:\n{\"a\":1}\n\n", []event{data(`{"a":1}`)}},
		{"a page", "<html>\n<body>\n</body>\n", nil},
		{"nothing", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, src := range map[string]io.Reader{
				"whole": strings.NewReader(test.stream), "bytes": iotest.OneByteReader(strings.NewReader(test.stream)),
				"with the end": iotest.DataErrReader(strings.NewReader(test.stream)), "halves": iotest.HalfReader(strings.NewReader(test.stream)),
			} {
				got, err := events(src)
				if err != io.EOF {
					t.Errorf("%s: the stream ended with %v", name, err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// B54: words where events should be are kept, and bounded.
func TestReaderKeepsStrayLines(t *testing.T) {
	for stream, want := range map[string]string{
		"upstream timed out\n\nno: more\n":                          "upstream timed out\nno: more",
		": comment\nid: 1\nretry: 2\nevent: x\ndata: a\n\ndata\n\n": "",
		"da": "", "event: x\ne": "", // cut within the name of a field
		strings.Repeat("x", 5<<10) + "\ny\n":                         strings.Repeat("x", 4<<10),
		strings.Repeat("x", 4<<10-1) + "\n" + strings.Repeat("y", 9): strings.Repeat("x", 4<<10-1) + "\n",
	} {
		r := sse.NewReader(strings.NewReader(stream))
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		if got := string(r.Stray()); got != want {
			t.Errorf("of %.40q %q is kept, want %q", stream, got, want)
		}
	}
}

// An event that arrived whole counts, what was cut within a line does not.
func TestReaderTellsHowTheSourceFailed(t *testing.T) {
	broken := errors.New("connection reset")
	got, err := events(io.MultiReader(strings.NewReader("data: a\n\ndata: b\ndata: c"), iotest.ErrReader(broken)))
	if err != broken {
		t.Errorf("the stream ended with %v, not with the source's error", err)
	}
	if diff := cmp.Diff([]sse.Event{{Data: []byte("a")}, {Data: []byte("b")}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReaderAfterTheEnd(t *testing.T) {
	r := sse.NewReader(strings.NewReader("data: a"))
	_, _ = r.Next()
	for range 2 {
		if event, err := r.Next(); err != io.EOF {
			t.Errorf("after the end came %q, %v", event.Data, err)
		}
	}
}

// repeat is an endless source, or one of n bytes.
type repeat struct {
	head string
	b    byte
	n    int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.head != "" {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	if r.n == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.n)
	for i := range n {
		p[i] = r.b
	}
	r.n -= n
	return n, nil
}

// memoryOf returns how many bytes f allocates.
func memoryOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestReaderTakesLongLines(t *testing.T) {
	const size = 10 << 20
	memory := memoryOf(func() {
		event, err := sse.NewReader(&repeat{head: "data: ", b: 'x', n: size}).Next()
		if err != nil || len(event.Data) != size {
			t.Errorf("got %d bytes, %v", len(event.Data), err)
		}
	})
	if most := uint64(64 << 20); memory > most {
		t.Errorf("a line of 10 MiB allocates %d bytes, more than %d", memory, most)
	}
}

func TestReaderBoundsItsMemory(t *testing.T) {
	const most = 160 << 20 // all growing steps together
	lines := strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", 32)
	for name, src := range map[string]io.Reader{
		"an endless line":            &repeat{head: "data: ", b: 'x', n: 1 << 26},
		"an endless line of nothing": &repeat{b: 'x', n: 1 << 26},
		"endless comments":           &repeat{head: "data: a\n:", b: 'x', n: 1 << 26},
		"an endless event":           strings.NewReader(lines),
		"an endless body":            strings.NewReader("{" + strings.ReplaceAll(lines, "data: ", " ")),
	} {
		var err error
		memory := memoryOf(func() { _, err = events(src) })
		if !errors.Is(err, sse.ErrTooLong) {
			t.Errorf("%s ended with %v", name, err)
		}
		if memory > most {
			t.Errorf("%s took %d bytes of memory, more than %d", name, memory, most)
		}
	}
}

// Comment lines between the lines of an event take no memory.
func TestReaderForgetsComments(t *testing.T) {
	stream := "data: a\n" + strings.Repeat(": keep-alive\n", 1<<20) + "\n"
	var got []sse.Event
	memory := memoryOf(func() { got, _ = events(strings.NewReader(stream)) })
	if len(got) != 1 || string(got[0].Data) != "a" {
		t.Errorf("got %q", got)
	}
	if memory > 1<<20 {
		t.Errorf("%d bytes of memory for %d bytes of comments", memory, len(stream))
	}
}

func TestAppendEvent(t *testing.T) {
	stream := sse.AppendEvent(nil, "", []byte(`{"a":1}`))
	stream = sse.AppendEvent(stream, "x", []byte("one\ntwo"))
	stream = sse.AppendDone(stream)
	if want := "data: {\"a\":1}\n\nevent: x\ndata: one\ndata: two\n\ndata: [DONE]\n\n"; string(stream) != want {
		t.Errorf("got %q, want %q", stream, want)
	}
	got, _ := events(bytes.NewReader(stream))
	if len(got) != 3 || got[1].Name != "x" || string(got[1].Data) != "one\ntwo" || !got[2].Done() || got[0].Done() {
		t.Errorf("read back: %q", got)
	}
}

// However a stream is cut into reads, it has the same events, none longer than
// the stream.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"data: a\r\n\r\nevent: x\ndata: b\ndata: c\n\n: hi\n\ndata: [DONE]\n\n", "\xef\xbb\xbf{\"a\":\n1}", "error: {}\n\r\rdata:{\n }\n\n[\n", "data: \xf0\x9f\x98\x8a\r",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		want, err := events(bytes.NewReader(stream))
		if err != io.EOF {
			t.Fatalf("the stream ended with %v", err)
		}
		got, err := events(iotest.OneByteReader(bytes.NewReader(stream)))
		if err != io.EOF {
			t.Fatalf("byte by byte the stream ended with %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("byte by byte (-whole +bytes):\n%s", diff)
		}
		total := 0
		for _, event := range want {
			total += len(event.Data)
		}
		if total > len(stream) {
			t.Fatalf("%d bytes of data in %d bytes", total, len(stream))
		}
	})
}
