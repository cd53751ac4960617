// Package httpclient holds what the HTTP clients of all providers share: the
// connection pool and the rule for redirects.
package httpclient
