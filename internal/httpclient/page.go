package httpclient

import (
	"mime"
	"net/http"
)

// IsPage reports whether a response is a web page: that of a proxy or of a login, never an
// answer.
func IsPage(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}
