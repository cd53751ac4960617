package gateway

import (
	"net/http"
	"time"
)

const (
	// promptPerMinute is how many requests that start no call a key may send per minute without
	// delay. A client that respects Retry-After sends far fewer.
	promptPerMinute = 600
	// tarpitTime is the delay of each further request. It is shorter than the usual timeout of a
	// client. A shutdown waits for delayed requests as for calls: those that are left after the
	// drain time are cut off.
	tarpitTime = time.Second
	// maxHeld is how many requests of all keys together are delayed at a time. Each keeps its
	// connection open.
	maxHeld = 1000
)

// hold delays a request that starts no call if its key sends too many of them: refused requests,
// lists of models and unknown endpoints. A refusal costs about as much as a short call, so a
// client that retries at once would take CPU time from other tenants. Without keys, nothing is
// delayed, because all clients would share one limit.
//
// Some requests are not delayed, but answered at once with Connection: close, so that the client
// must connect again; in HTTP/2, net/http sends GOAWAY for it. They are those beyond maxHeld, and
// some with unread bodies: net/http buffers up to 1 MiB of bodies for each connection of HTTP/2,
// and a client that sends Expect begins to send its body anyway if the answer takes a second.
func (g *Gateway) hold(w http.ResponseWriter, r *http.Request, e *exchange) {
	if g.config.Keys == nil || e.key.prompt.Take(time.Now(), 1) {
		return
	}
	defer g.held.Add(-1)
	unread := r.ContentLength != 0 && e.body != bodyRead
	if g.held.Add(1) > maxHeld || unread && (r.ProtoMajor > 1 || r.Header.Get("Expect") != "") {
		w.Header().Set("Connection", "close")
		return
	}
	timer := time.NewTimer(tarpitTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
