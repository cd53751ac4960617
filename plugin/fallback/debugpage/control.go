package debugpage

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Durations for which a form opens a breaker.
var durations = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}

const (
	doOpen  = "open"
	doClose = "close"
	byHand  = "opened by hand on the debug page"
)

// confirm is the form that a person confirms a change with.
type confirm struct {
	*view
	Target  *targetState
	Breaker *breakerState
	Do      string
	Others  bool // the target has more than one breaker
}

// named returns the target of a breaker's ID, or nil.
func (v *view) named(breaker string) *targetState {
	for i := range v.Targets {
		for _, b := range v.Targets[i].Breakers {
			if b.ID == breaker {
				return &v.Targets[i]
			}
		}
	}
	return nil
}

// serveConfirm serves the form for the breaker that the query names.
func (p *Page) serveConfirm(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	v := p.view(p.collect(filter{}), filter{})
	c := confirm{view: v, Target: v.named(query.Get("breaker")), Do: query.Get("do")}
	if c.Target == nil {
		refuse(w, http.StatusNotFound, "debugpage: the breaker is not part of the tree any more; go back and reload")
		return
	}
	if c.Do != doOpen && c.Do != doClose {
		refuse(w, http.StatusBadRequest, "debugpage: do must be open or close")
		return
	}
	i := slices.IndexFunc(c.Target.Breakers, func(b breakerState) bool { return b.ID == query.Get("breaker") })
	c.Breaker, c.Others = &c.Target.Breakers[i], len(c.Target.Breakers) > 1
	p.render(w, r, http.StatusOK, "confirm", c)
}

// control opens or closes a breaker, if the request comes from the page itself or from no
// browser.
func (p *Page) control(w http.ResponseWriter, r *http.Request) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		refuse(w, http.StatusForbidden, "debugpage: the request comes from another site")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "debugpage: the form cannot be read")
		return
	}
	breaker := p.collect(filter{}).breakers[r.PostForm.Get("breaker")]
	if breaker == nil {
		refuse(w, http.StatusNotFound, "debugpage: the breaker is not part of the tree any more; go back and reload")
		return
	}
	switch r.PostForm.Get("do") {
	case doOpen:
		d, err := time.ParseDuration(r.PostForm.Get("for"))
		if err != nil || !slices.Contains(durations, d) {
			refuse(w, http.StatusBadRequest, "debugpage: for must be 1m, 10m, 1h or 24h")
			return
		}
		breaker.Open(d, cmp.Or(prose(r.PostForm.Get("reason")), byHand))
	case doClose:
		breaker.Close()
	default:
		refuse(w, http.StatusBadRequest, "debugpage: do must be open or close")
		return
	}
	// Relative to the address that the client knows, whatever prefix was stripped on the way.
	w.Header().Set("Location", "?changed="+r.PostForm.Get("breaker"))
	w.WriteHeader(http.StatusSeeOther)
}
