package policy

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// WithState sets the function that opens the server of section state by its URL, such as
// redis.Open of package plugin/fallback/state/redis. It must not wait for the server: a
// policy loads even if the server cannot be reached.
func WithState(open func(url string) (state.Store, error)) Option {
	return optionFunc(func(o *options) { o.open = open })
}

func (o *options) opens() bool { return o.open != nil }

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

// state opens the server of the section, or keeps the one in use.
func (b *builder) state() {
	s := b.policy.State
	// One name, as long as there is one purse: a server that has been told before what the
	// purse has spent, for an earlier section, does not charge it again.
	b.kept.opened, b.kept.replica = b.before.opened, cmp.Or(b.before.replica, rand.Text())
	if s == nil {
		return
	}
	want := sharingSettings{URL: s.URL, Prefix: s.Prefix, Timeout: s.Timeout, Deny: s.Unavailable == "deny"}
	if s.URLEnv != "" {
		if want.URL, _ = b.options.env(s.URLEnv); want.URL == "" {
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
	if b.kept.sharing, err = b.options.share(want, b.kept.opened, b.kept.replica); err != nil {
		b.err("state", "the server cannot be opened: "+redact.Text(strings.ReplaceAll(err.Error(), want.URL, "[redacted]"), maxProblem))
	}
}

// share opens a server.
func (o *options) share(want sharingSettings, id int, replica string) (*sharing, error) {
	store, err := o.open(want.URL)
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, errors.New("the function of policy.WithState has returned nil")
	}
	shared, err := state.New(store, state.Config{Prefix: want.Prefix, Timeout: want.Timeout, Deny: want.Deny, Replica: replica, Logger: o.logger})
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

// closeState closes the server if it was opened for a tree that could not be built.
func (b *builder) closeState() {
	if b.kept.sharing != b.before.sharing {
		b.kept.sharing.close()
	}
}

// state returns the state that layers share; nil for none.
func (k *kept) state() *state.Shared {
	if k.sharing == nil {
		return nil
	}
	return k.sharing.shared
}

// sharingID returns what distinguishes layers that share their state from those that share
// it elsewhere, or not at all; 0 for these.
func (k *kept) sharingID() int {
	if k.sharing == nil {
		return 0
	}
	return k.sharing.id
}

// stateKey returns which models of other policies are the same as a target: those with its
// name and its server, and the same variable for the key. Two replicas may have different
// versions of a policy for a while, so nothing else counts.
func (b *builder) stateKey(t spec.Target) string {
	if b.kept.sharing == nil {
		return ""
	}
	m := t.Settings
	sum := sha256.Sum256([]byte(strings.Join([]string{t.Provider, t.ID, m.API, m.BaseURL, m.Region, m.CredentialEnv}, "\x00")))
	key := t.Model + "@" + hex.EncodeToString(sum[:6])
	if t.Grades {
		key += "/grader" // it has layers of its own
	}
	return key
}
