package ledger

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// slack is how long a shared account is kept after its day: for attempts that end later,
// and because the day may still grow when its time zone changes, from UTC+14 to UTC-12.
const slack = 26 * time.Hour

// SetState shares the accounts with other replicas, from now on; nil ends that. What this
// process has spent today counts there too. An earlier reservation is released in the state in
// which it was made; its cost counts in the new one.
func (l *Ledger) SetState(s *state.Shared) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == l.state {
		return
	}
	l.state = s
	l.roll()
	for _, a := range l.accounts {
		a.key = "" // replicas that start now use the key of the present day
		l.share(a)
		a.shared.Settle(0, int64(a.spent))
	}
}

// share opens the shared account of a, or changes its limit. It needs mu.
func (l *Ledger) share(a *account) {
	if a.key == "" {
		a.key = redact.DigestOf(a.tenant).String() + "@" + l.tomorrow.UTC().Format("2006-01-02T15:04Z")
		a.ends = l.tomorrow.Add(slack)
	}
	limit := int64(a.limit)
	if a.limit == unlimited {
		limit = 0
	}
	a.shared = l.state.Account(a.key, limit, a.ends)
}
