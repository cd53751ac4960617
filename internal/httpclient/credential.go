package httpclient

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// CheckKey returns an error if key cannot be sent in a header. Often it ends with a line break, because
// it was read from a file. The error does not contain the key. An empty key is valid.
func CheckKey(key string) error {
	if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return errors.New("the API key contains a line break or another control character; remove it")
	}
	return nil
}

// HasCredential reports whether a request may carry a credential: key, a header for credentials, or
// one that the client's own transport may add.
func HasCredential(key string, header http.Header, client *http.Client) bool {
	if key != "" || client != nil && client.Transport != nil {
		return true
	}
	for name := range header {
		if slices.Contains([]string{"Authorization", "Api-Key", "X-Api-Key"}, http.CanonicalHeaderKey(name)) {
			return true
		}
	}
	return false
}
