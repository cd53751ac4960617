package wire

import (
	"encoding/base64"
	"strings"
)

// DataURL reads a data URL in base64 (RFC 2397).
func DataURL(url string) (mime string, data []byte, ok bool) {
	rest, ok := strings.CutPrefix(url, "data:")
	head, payload, comma := strings.Cut(rest, ",")
	mime, isBase64 := strings.CutSuffix(head, ";base64")
	if !ok || !comma || !isBase64 {
		return "", nil, false
	}
	data, err := base64.StdEncoding.DecodeString(payload)
	return mime, data, err == nil
}

// IsVertex reports whether a path is one of Vertex AI, and not of the Gemini API.
func IsVertex(path string) bool { return strings.Contains(path, "/publishers/google/") }
