package httpclient

import (
	"mime"
	"net/http"
)

// IsPage reports whether a response is a web page, such as that of a proxy or a login. No model
// answers with one.
func IsPage(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}
