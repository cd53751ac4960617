// Package httpclient holds what the HTTP clients of all providers share: the
// connection pool, the rule for redirects, the names of endpoints, and how to recognize a web page.
package httpclient
