// Package capture holds what a transport notes of the HTTP exchange behind an attempt:
// status, headers and the beginning of an error's body. Package failure reads it. It is a
// package of its own so that an attempt can contain its context without an allocation.
package capture

import (
	"context"
	"net/http"
	"sync"
)

// maxBody bounds the part of an error body that is kept, in bytes.
const maxBody = 64 << 10

// Context is a context for one attempt that holds its last exchange. The zero
// value is ready once Context is set. It is safe for concurrent use.
type Context struct {
	context.Context
	// Fitted says that the attempt's request is the model's own to change, and has
	// been made to fit it: an adapter need not do either again.
	Fitted bool

	mu   sync.Mutex
	last *exchange // guarded by mu; nil for none, or one that was no error
}

// exchange is an answer with an error status.
type exchange struct {
	status int
	header http.Header
	body   []byte
}

type key struct{}

// Value implements context.Context.
func (c *Context) Value(k any) any {
	if k == (key{}) {
		return c
	}
	return c.Context.Value(k)
}

// Of returns the holder that ctx has, or nil.
func Of(ctx context.Context) *Context {
	c, _ := ctx.Value(key{}).(*Context)
	return c
}

// Fitted reports whether the request of ctx's attempt has been made to fit its
// model.
func Fitted(ctx context.Context) bool {
	c := Of(ctx)
	return c != nil && c.Fitted
}

// Reset forgets the last exchange.
func (c *Context) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = nil
}

// Set notes an exchange whose body is to come.
func (c *Context) Set(status int, header http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = &exchange{status: status, header: header}
}

// Append notes the beginning of the body, as far as it is kept.
func (c *Context) Append(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return
	}
	if room := maxBody - len(c.last.body); room > 0 {
		c.last.body = append(c.last.body, p[:min(len(p), room)]...)
	}
}

// Last returns the last exchange if it was an error; status is 0 if not.
func (c *Context) Last() (status int, header http.Header, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return 0, nil, ""
	}
	return c.last.status, c.last.header, string(c.last.body)
}
