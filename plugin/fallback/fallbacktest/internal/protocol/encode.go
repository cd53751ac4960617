package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Encode writes values whose types are known here. Only a caller's own tool
// arguments can fail to encode, and then the error is the document.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Appendf(nil, "fallbacktest: answer cannot be encoded: %v", err)
	}
	return b
}

// Event is v as one event of a stream.
func Event(v any) []byte { return append(append([]byte("data: "), Encode(v)...), "\n\n"...) }

// Framed puts the events that open and close a stream around its pieces. The opening is
// a piece of its own if apart is set.
func Framed(opening []byte, pieces [][]byte, closing []byte, apart bool) [][]byte {
	if len(pieces) == 0 {
		pieces = [][]byte{nil}
	}
	last := len(pieces) - 1
	pieces[last] = append(pieces[last], closing...)
	if apart {
		return append([][]byte{opening}, pieces...)
	}
	pieces[0] = append(opening, pieces[0]...)
	return pieces
}

// InPieces splits arguments as a stream brings them: in up to three pieces.
func InPieces(s string) []string {
	var out []string
	for size := len(s)/3 + 1; len(s) > 0; {
		n := min(size, len(s))
		for n < len(s) && s[n]&0xC0 == 0x80 { // not within a character
			n++
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

// OrNull is s, or null if it is empty.
func OrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ID makes an id as OpenAI's and Anthropic's look. It depends on the model, the request
// and n alone, so that ids differ within a conversation and a test can be run again.
func ID(prefix string, req *Request, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", prefix, req.Model, req.Index, n))
	return prefix + hex.EncodeToString(sum[:12])
}
