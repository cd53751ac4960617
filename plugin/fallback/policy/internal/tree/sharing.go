package tree

import (
	"cmp"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// sharing is the open store of section state. The next policy keeps it if its section is the
// same. A nil *sharing shares nothing.
type sharing struct {
	settings sharingSettings
	id       int // tells it from the others of a Live; above 0
	store    state.Store
	shared   *state.Shared
}

type sharingSettings struct {
	URL, Prefix string
	Timeout     time.Duration
	Deny        bool
}

// maxReason bounds what a server's client says of a failure, in bytes.
const maxReason = 4096

// state opens the server of the section, or keeps the one in use.
func (b *builder) state() {
	s := b.policy.State
	// The replica keeps its name as long as it keeps its purse: a server that already knows
	// the purse's spending, from an earlier section state, does not charge it again.
	b.kept.opened, b.kept.replica = b.before.opened, cmp.Or(b.before.replica, rand.Text())
	if b.inUse {
		b.kept.sharing = b.before.sharing
		return
	}
	if s == nil {
		return
	}
	want := sharingSettings{URL: s.URL, Prefix: s.Prefix, Timeout: s.Timeout, Deny: s.Unavailable == "deny"}
	if s.URLEnv != "" {
		if want.URL, _ = b.app.Env(s.URLEnv); want.URL == "" {
			b.err("state.url_env", "variable "+s.URLEnv+" is not set; it must hold a URL")
			return
		}
	}
	if b.before.sharing != nil && b.before.sharing.settings == want {
		b.kept.sharing = b.before.sharing
		return
	}
	b.kept.opened++
	var err error
	if b.kept.sharing, err = b.openServer(want, b.kept.opened, b.kept.replica); err != nil {
		b.err("state", "the server cannot be opened: "+redact.Text(strings.ReplaceAll(err.Error(), want.URL, "[redacted]"), maxReason))
	}
}

// openServer opens a server.
func (b *builder) openServer(want sharingSettings, id int, replica string) (*sharing, error) {
	store, err := b.app.Open(want.URL)
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, errors.New("the function of policy.WithState has returned nil")
	}
	shared, err := state.New(store, state.Config{Prefix: want.Prefix, Timeout: want.Timeout, Deny: want.Deny, Replica: replica, Logger: b.app.Logger})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &sharing{settings: want, id: id, store: store, shared: shared}, nil
}

// close gives back this replica's leases and tokens, and closes the connections.
func (s *sharing) close() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.shared.Close(), s.store.Close())
}
