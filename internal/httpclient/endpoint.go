package httpclient

import (
	"net/url"
	"strings"
)

// Endpoint returns the name of the server of u: the host in lower case, with its port unless that
// is the scheme's default.
func Endpoint(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return host
	}
	return host + ":" + port
}
