package sse

import "bytes"

// AppendEvent appends an event to dst and returns it. The name may be empty.
// Data of several lines is written as several lines.
func AppendEvent(dst []byte, name string, data []byte) []byte {
	if name != "" {
		dst = append(append(append(dst, "event: "...), name...), '\n')
	}
	for {
		line, rest, more := bytes.Cut(data, []byte("\n"))
		dst = append(append(append(dst, "data: "...), line...), '\n')
		if !more {
			return append(dst, '\n')
		}
		data = rest
	}
}

// AppendDone appends the mark that ends a stream of chat completions.
func AppendDone(dst []byte) []byte { return append(dst, "data: [DONE]\n\n"...) }
