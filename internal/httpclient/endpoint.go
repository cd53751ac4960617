package httpclient

import (
	"net/url"
	"strings"
)

// Endpoint returns the name by which a provider knows the server of u: the host, with its port
// if that is not the scheme's.
func Endpoint(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return host
	}
	return host + ":" + port
}
