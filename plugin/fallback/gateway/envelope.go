package gateway

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// exchange has the state of a request in the gateway. It is in the request's context.
type exchange struct {
	key      *key
	endpoint string // the pattern of the request's method and path
	named    string // the model or route in the request; "" before it is read
	problem  *problem.Problem
	body     bodyState
	data     []byte // the body of a POST request to an endpoint, when it has been read
}

// bodyState says how much of a body has been read.
type bodyState int

const (
	bodyUntouched bodyState = iota
	bodyBegun
	bodyRead // to its end
)

type exchangeKey struct{}

// exchangeOf returns the exchange of a request's context, or an empty one if there is none.
func exchangeOf(ctx context.Context) *exchange {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e
	}
	return &exchange{key: &key{}}
}

// note stores for the log the model or route that a request names, and the problem that ended
// it; nil for none. Endpoints call it.
func note(ctx context.Context, named string, p *problem.Problem) {
	e := exchangeOf(ctx)
	e.named, e.problem = printable.Line(named, 128), p
}

// mayName reports whether the key of a request allows it to name a model or route.
func mayName(ctx context.Context, name string) bool { return exchangeOf(ctx).key.allows(name) }

// headerPriority is the request header with the class of the call.
const headerPriority = "X-Fallback-Priority"

// maxHeaders bounds the number of a request's headers.
const maxHeaders = 200

// protocolOf returns the protocol of the error for a request that is refused before its
// endpoint.
func protocolOf(r *http.Request) protocol.ErrorWriter {
	if isGemini(r) {
		return gemini.Errors{}
	}
	return openai.Errors{}
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		g.serveHealth(w, r)
		return
	}
	started := time.Now()
	e := &exchange{key: g.anyone}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), exchangeKey{}, e))
	defer cancel()
	r = withoutEmptySegments(r.WithContext(ctx))
	out := &writer{ResponseWriter: w, control: http.NewResponseController(w), timeout: g.limits.WriteTimeout, gone: cancel}
	out.Header().Set("X-Request-Id", rand.Text())
	if r.ContentLength != 0 {
		_ = out.control.SetReadDeadline(started.Add(g.limits.BodyTimeout)) // not supported by the recorders of tests
	}
	defer g.log(out, r, e, started)
	defer out.end()
	defer func() {
		recovered := recover()
		if recovered == nil {
			return
		}
		if recovered == http.ErrAbortHandler {
			panic(recovered)
		}
		e.problem = problem.New(http.StatusInternalServerError, problem.CodeServer, "", "the gateway panicked")
		g.config.Logger.Error("gateway: a request panicked", "endpoint", e.endpoint, "panic", panics.Text(recovered))
		if out.status != 0 {
			cancel()
			panic(http.ErrAbortHandler) // so that the client does not take the answer for complete
		}
		refuse(out, protocolOf(r), e.problem)
	}()
	if p := g.pass(out, r, e); p != nil {
		e.problem, e.data = p, nil
		if p.Status < http.StatusInternalServerError {
			g.hold(out, r, e)
		}
		refuseUnread(out, r, e)
	}
}

// withoutEmptySegments returns a request without the second slash of a path such as
// /v1//chat/completions, whose client has a base URL that ends with a slash. Otherwise ServeMux would
// redirect it, and its API key in the query would be lost.
func withoutEmptySegments(r *http.Request) *http.Request {
	path := r.URL.EscapedPath() // a slash within a name is %2F
	if !strings.Contains(path, "//") {
		return r
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	u := *r.URL
	u.RawPath = path
	u.Path, _ = url.PathUnescape(path) // which was valid before
	r.URL = &u
	return r
}

// Bounds for reading the rest of a body after its request has been refused. Most clients read
// the answer only after they have sent the body; otherwise they would see a broken connection.
const (
	lingerTime = time.Second
	// A body of this size or less is read before the answer, so that the connection can serve
	// the next request: net/http does so up to 256 KiB.
	lingerSize = 64 << 10
)

// refuseUnread writes the problem of an exchange, whose body may be unread.
func refuseUnread(out *writer, r *http.Request, e *exchange) {
	if r.ContentLength == 0 || e.body == bodyRead || r.ProtoMajor > 1 {
		refuse(out, protocolOf(r), e.problem)
		return
	}
	waits := e.body == bodyUntouched && r.Header.Get("Expect") != "" // to be told to send the body
	closing := out.Header().Get("Connection") == "close"             // then net/http does not read the rest
	small := e.body == bodyUntouched && r.ContentLength > 0 && r.ContentLength <= lingerSize && !waits && !closing
	if e.problem.Status != http.StatusRequestTimeout { // or there is no time left
		_ = out.control.SetReadDeadline(time.Now().Add(lingerTime))
	}
	if small {
		refuse(out, protocolOf(r), e.problem)
		return
	}
	// What follows the answer must not be taken for the next request.
	out.Header().Set("Connection", "close")
	refuse(out, protocolOf(r), e.problem)
	if !waits && out.control.Flush() == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

// pass checks a request, and passes it to its endpoint.
func (g *Gateway) pass(w http.ResponseWriter, r *http.Request, e *exchange) *problem.Problem {
	var keys *keySet
	if g.config.Keys != nil {
		keys = g.config.Keys.set.Load()
	}
	if p := g.identify(r, keys, e); p != nil {
		return p
	}
	class, rank, ok := keys.priorityOf(e.key, r.Header.Get(headerPriority))
	if !ok {
		return problem.Invalid(headerPriority, "the header "+headerPriority+" is no class of calls; it must be one of "+strings.Join(keys.priorities, ", "))
	}
	if _, e.endpoint = g.mux.Handler(r); !strings.HasPrefix(e.endpoint, "POST ") {
		g.hold(w, r, e)
		g.mux.ServeHTTP(w, r) // an unknown endpoint is refused there
		return nil
	}
	t, p := g.admission.begin(e.key)
	if p != nil {
		return p
	}
	defer t.end()
	if e.data, p = g.readBody(w, r, t, e); p != nil {
		return p
	}
	if p := t.enter(r.Context(), rank, keys.ranks()); p != nil {
		return p
	}
	info := call.Info{Tenant: e.key.tenant, Priority: class}
	g.mux.ServeHTTP(w, r.WithContext(call.With(r.Context(), info)))
	return nil
}

// identify sets the key of a request.
func (g *Gateway) identify(r *http.Request, keys *keySet, e *exchange) *problem.Problem {
	apiKey := credential(r)
	if size, n := headerSize(r); size > g.limits.MaxHeader || n > maxHeaders {
		return problem.New(http.StatusRequestHeaderFieldsTooLarge, problem.CodeTooLarge, "", "the request has too many or too large headers")
	}
	switch {
	case keys == nil && r.Header.Get("Origin") != "":
		// Any page that is open in a browser on this machine could spend its owner's money.
		return problem.New(http.StatusForbidden, problem.CodeForbidden, "", "a gateway without keys does not serve web pages; configure keys, or remove the header Origin")
	case keys == nil:
		return nil
	case apiKey == "":
		return problem.New(http.StatusUnauthorized, problem.CodeKey, "", "the request has no API key; send one as Authorization: Bearer KEY, x-api-key or x-goog-api-key")
	}
	found, ok := keys.keyOf(apiKey)
	if !ok {
		return problem.New(http.StatusUnauthorized, problem.CodeKey, "", "the API key is not valid")
	}
	e.key = found
	return nil
}

// headerSize returns the size of a request's line and headers in bytes, and their number.
func headerSize(r *http.Request) (size, n int) {
	size = len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
			n++
		}
	}
	return size, n
}

// log writes the line of a request. It has no query, body, key or name of a tenant.
func (g *Gateway) log(out *writer, r *http.Request, e *exchange, started time.Time) {
	if !g.config.Logger.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	attributes := []slog.Attr{
		slog.String("method", r.Method), slog.String("endpoint", e.endpoint), slog.Int("status", out.statusOf(e.problem)),
		slog.Duration("duration", time.Since(started).Round(time.Microsecond)), slog.String("request", out.Header().Get("X-Request-Id")),
	}
	for _, optional := range []struct{ name, value string }{
		{"tenant", redact.DigestOf(e.key.tenant).String()}, {"named", e.named}, {"model", out.Header().Get(headerModel)},
	} {
		if optional.value != "" {
			attributes = append(attributes, slog.String(optional.name, optional.value))
		}
	}
	if e.problem != nil {
		attributes = append(attributes, slog.String("problem", e.problem.Code))
	}
	g.config.Logger.LogAttrs(r.Context(), slog.LevelInfo, "gateway: request", attributes...)
}
