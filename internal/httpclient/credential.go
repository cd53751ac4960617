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

// CheckCredential returns an error if key cannot be sent. If the server requires a credential, it also
// returns one if a request carries none: no key, no header for credentials, and no transport of the
// client's own, which may add one.
func CheckCredential(required bool, key string, header http.Header, client *http.Client) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if !required || key != "" || client != nil && client.Transport != nil {
		return nil
	}
	for name := range header {
		if slices.Contains([]string{"Authorization", "Api-Key", "X-Api-Key"}, http.CanonicalHeaderKey(name)) {
			return nil
		}
	}
	return errors.New("no API key; set APIKey, or BaseURL for a server that needs none")
}
