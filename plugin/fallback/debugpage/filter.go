package debugpage

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Outcomes that calls can be filtered by, beside those of package call.
const (
	outcomeFallback = "fallback" // another model than the first answered
	outcomeDegraded = "degraded" // a last resort answered
)

// outcomes are the values of the filter, in the order of its list.
var outcomes = []string{string(call.OK), outcomeFallback, outcomeDegraded, string(call.Failed), string(call.Cancelled)}

// filter says which calls are shown. The zero value is all.
type filter struct{ Outcome, Tenant, Invocation string }

// filterOf reads the filter in a query.
func filterOf(query url.Values) (filter, error) {
	f := filter{query.Get("outcome"), line(query.Get("tenant"), call.MaxNameBytes), line(query.Get("invocation"), call.MaxMessageBytes)}
	if f.Outcome != "" && !slices.Contains(outcomes, f.Outcome) {
		return filter{}, fmt.Errorf("debugpage: outcome is %q; must be one of %q", line(f.Outcome, 32), outcomes)
	}
	return f, nil
}

func (f filter) keeps(r *record) bool {
	outcome := f.Outcome == "" || f.Outcome == string(r.Outcome)
	switch f.Outcome {
	case outcomeFallback:
		outcome = r.fellBack()
	case outcomeDegraded:
		outcome = r.Degraded != ""
	}
	return outcome && (f.Tenant == "" || f.Tenant == r.tenant.String() || f.Tenant == r.tenantName) &&
		(f.Invocation == "" || f.Invocation == line(r.invocation, call.MaxMessageBytes))
}

// Query returns f as the query of a link, without "?".
func (f filter) Query() string {
	q := url.Values{}
	for key, value := range map[string]string{"outcome": f.Outcome, "tenant": f.Tenant, "invocation": f.Invocation} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return q.Encode()
}
