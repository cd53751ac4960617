package httpclient

import (
	"errors"
	"net/url"
)

// Bare returns the cause of an error of http.Client, without the URL, whose query
// may hold a key.
func Bare(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
