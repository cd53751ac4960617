package debugpage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// ServeHTTP serves the page, at any path. See the package's comment for its formats.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", contentSecurityPolicy())
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		p.serveGet(w, r)
	case r.Method == http.MethodPost && p.config.AllowBreakerControl:
		p.control(w, r)
	default:
		allowed := "GET, HEAD"
		if p.config.AllowBreakerControl {
			allowed += ", POST"
		}
		header.Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("debugpage: the method must be one of %s", allowed))
	}
}

func (p *Page) serveGet(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f, err := filterOf(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	switch format := formatOf(query.Get("format"), r.Header.Get("Accept")); {
	case format == "events":
		p.serveEvents(w, r, f)
	case format == "json":
		p.serveJSON(w, r, f)
	case format != "html":
		refuse(w, http.StatusBadRequest, "debugpage: format must be html, json or events")
	case query.Has("breaker") && p.config.AllowBreakerControl:
		p.serveConfirm(w, r)
	default:
		p.serveHTML(w, r, f)
	}
}

// formatOf returns the format that a query asks for, or else a header: HTML, unless the header
// has another one and not HTML.
func formatOf(query, accept string) string {
	switch {
	case query != "":
		return query
	case strings.Contains(accept, "text/html"):
		return "html"
	case strings.Contains(accept, "text/event-stream"):
		return "events"
	case strings.Contains(accept, "application/json"):
		return "json"
	}
	return "html"
}

func (p *Page) serveHTML(w http.ResponseWriter, r *http.Request, f filter) {
	v := p.view(p.collect(f), f)
	v.Changed = v.named(r.URL.Query().Get("changed"))
	p.render(w, r, http.StatusOK, "page", v)
}

// render writes a template as a whole, so that a slow client keeps nothing waiting.
func (p *Page) render(w http.ResponseWriter, r *http.Request, code int, name string, v any) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, name, v); err != nil {
		refuse(w, http.StatusInternalServerError, "debugpage: the page cannot be made: "+err.Error())
		return
	}
	answer(w, r, code, "text/html; charset=utf-8", out.Bytes())
}

func (p *Page) serveJSON(w http.ResponseWriter, r *http.Request, f filter) {
	out, err := json.MarshalIndent(p.collect(f), "", "  ")
	if err != nil {
		refuse(w, http.StatusInternalServerError, "debugpage: the JSON cannot be made: "+err.Error())
		return
	}
	answer(w, r, http.StatusOK, "application/json", append(out, '\n'))
}

func answer(w http.ResponseWriter, r *http.Request, code int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		w.Write(body) // an error is the client's loss alone
	}
}

func refuse(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, text)
}
