package state

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Config configures how a replica uses a store. All fields are optional.
type Config struct {
	// Prefix begins all keys. Replicas with the same prefix on the same store share their
	// state. At most 64 printable bytes. "" means DefaultPrefix.
	Prefix string
	// Timeout is the longest that a call waits for an answer of the store. 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// Beat is the interval at which the replica tells the store that it is alive, and reads
	// all flags in case a push was lost. 0 means DefaultBeat.
	Beat time.Duration
	// Lease is how long the store keeps a replica's lease of an account without renewal,
	// such as after a crash. At least 4 s. 0 means DefaultLease.
	Lease time.Duration
	// Deny refuses spending beyond the replica's lease from accounts with a limit while the
	// store is gone. By default, a replica may then spend its share of the limit.
	Deny bool
	// Replica is the name of the replica. It must be unique, even among earlier runs of the
	// same program: the store would take the new replica's spending for the earlier one's.
	// "" means a random name.
	Replica string
	// Logger logs the start and the end of each outage of the store. Nil means slog.Default.
	Logger *slog.Logger
}

// Defaults of [Config].
const (
	DefaultPrefix  = "adk-fallback:"
	DefaultTimeout = 5 * time.Millisecond
	DefaultBeat    = 500 * time.Millisecond
	DefaultLease   = 10 * time.Second
)

// Shared is a replica's view of a [Store]. It keeps a copy of the state in memory. It is safe
// for concurrent use. A nil Shared shares nothing: layers then keep their own state.
type Shared struct {
	store  Store
	config Config // defaults filled in
	link   link

	replicas atomic.Int64 // as last known, this one included
	restored time.Time    // of the goroutine of beats; when the latest outage ended
	hiccuped time.Time    // likewise; when a store that was late was last probed without a pause
	errands  errands
	values   chan *value // that wait to be sent
	dropped  atomic.Int64
	gets     atomic.Int64  // calls of Get in progress
	newsWake chan struct{} // has a value if there are news

	end     context.CancelFunc
	running sync.WaitGroup
	closing sync.Once

	mu       sync.Mutex                            // guards the rest, and flags; taken after that of a bucket or an account
	flags    map[string]*flag                      // that are up, or have switches
	news     []*flag                               // that have changed
	buckets  map[string]weak.Pointer[SharedBucket] // all that there are
	active   map[*SharedBucket]bool                // those in use
	accounts map[string]*SharedAccount             // until they end
}

// New returns a replica's view of store. It does not wait for the store, and works without
// it until it can be reached. It starts goroutines, which Close ends. The caller must close
// the store itself, after the view. The error names every wrong field.
func New(store Store, config Config) (*Shared, error) {
	if err := config.check(store); err != nil {
		return nil, err
	}
	config.Prefix = cmp.Or(config.Prefix, DefaultPrefix)
	config.Timeout = cmp.Or(config.Timeout, DefaultTimeout)
	config.Beat = cmp.Or(config.Beat, DefaultBeat)
	config.Lease = cmp.Or(config.Lease, DefaultLease)
	config.Replica = cmp.Or(config.Replica, rand.Text())
	config.Logger = cmp.Or(config.Logger, slog.Default())
	ctx, end := context.WithCancel(context.Background())
	s := &Shared{
		store: store, config: config, link: link{timeout: config.Timeout, lost: make(chan struct{}, 1), since: time.Now()},
		errands: errands{wake: make(chan struct{}, 1)}, values: make(chan *value, maxValues), newsWake: make(chan struct{}, 1), end: end,
		flags: make(map[string]*flag), buckets: make(map[string]weak.Pointer[SharedBucket]),
		active: make(map[*SharedBucket]bool), accounts: make(map[string]*SharedAccount),
	}
	s.replicas.Store(1)
	for _, run := range []func(context.Context){s.beats, s.sends, s.tells, s.listens} {
		s.running.Go(func() { run(ctx) })
	}
	return s, nil
}

func (c *Config) check(store Store) error {
	var problems []error
	if store == nil {
		problems = append(problems, errors.New("state: New: the store is nil"))
	}
	if len(c.Prefix) > 64 || printable.Line(c.Prefix, 64) != c.Prefix {
		problems = append(problems, fmt.Errorf("state: Config.Prefix: %q is too long or does not print; must be at most 64 bytes", c.Prefix))
	}
	if len(c.Replica) > 64 || printable.Line(c.Replica, 64) != c.Replica {
		problems = append(problems, fmt.Errorf("state: Config.Replica: %q is too long or does not print; must be at most 64 bytes", c.Replica))
	}
	problems = append(problems,
		check.NotNegative("state: Config.Timeout", c.Timeout, fmt.Sprintf("0 for %v, or more", DefaultTimeout)),
		check.NotNegative("state: Config.Beat", c.Beat, fmt.Sprintf("0 for %v, or more", DefaultBeat)),
	)
	if c.Lease != 0 && c.Lease < 4*time.Second {
		problems = append(problems, fmt.Errorf("state: Config.Lease: %v is too short; must be 0 for %v, or at least 4s", c.Lease, DefaultLease))
	}
	return errors.Join(problems...)
}

// listens receives pushed flags until ctx ends.
func (s *Shared) listens(ctx context.Context) {
	for {
		_ = s.store.Listen(ctx, s.config.Prefix, s.heard) // beats find what is not pushed
		if !wait(ctx, s.config.Beat, nil) {
			return
		}
	}
}

// Close gives back the replica's leases and tokens, and ends its goroutines. It waits for the
// store for a second at most, and before and after that for one request in progress, each for a
// second or Config.Timeout at most. Afterwards, s works as if the store were gone.
func (s *Shared) Close() error {
	if s == nil {
		return nil
	}
	s.closing.Do(func() {
		s.end()
		s.running.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.leave(ctx)
		s.link.lose(errors.New("closed"))
	})
	return nil
}

// leave gives back the replica's leases, sends its unsent changes, and ends its beats.
func (s *Shared) leave(ctx context.Context) {
	for _, a := range s.allAccounts() {
		a.leave(ctx)
	}
	for _, b := range s.activeBuckets() {
		b.send(ctx)
	}
	ask(ctx, &s.link, s.background(), func(ctx context.Context) (struct{}, error) {
		_, _, err := s.store.Beat(ctx, s.config.Prefix, s.config.Replica, 0)
		return struct{}{}, err
	})
	s.sendAll(ctx)
}

// key returns the store's key for a name.
func (s *Shared) key(kind, name string) string {
	return s.config.Prefix + kind + ":" + bounded(name)
}

// bounded returns name if a key can contain it, and otherwise a digest of it.
func bounded(name string) string {
	const most = MaxKeyBytes - 64 - len("account:") // beside the longest prefix
	if name != "" && len(name) <= most && printable.Line(name, most) == name {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256-" + hex.EncodeToString(sum[:])
}

// bucket returns the bucket of a key.
func (s *Shared) bucket(key string) *SharedBucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[key].Value(); b != nil {
		return b
	}
	maps.DeleteFunc(s.buckets, func(_ string, b weak.Pointer[SharedBucket]) bool { return b.Value() == nil })
	b := &SharedBucket{s: s, key: key}
	s.buckets[key] = weak.Make(b)
	return b
}

func (s *Shared) activate(b *SharedBucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active[b] = true
}

func (s *Shared) retire(b *SharedBucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.active, b)
}

func (s *Shared) activeBuckets() []*SharedBucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.active))
}

// account returns the account of a key.
func (s *Shared) account(key string, ends time.Time) (a *SharedAccount, isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = s.accounts[key]
	if a == nil {
		a, isNew = &SharedAccount{s: s, key: key, ends: ends}, true
		s.accounts[key] = a
	}
	return a, isNew
}

func (s *Shared) forget(a *SharedAccount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.accounts, a.key)
}

func (s *Shared) allAccounts() []*SharedAccount {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.accounts))
}

// Inspect returns the state of the connection to the store.
func (s *Shared) Inspect() inspect.Node {
	n := inspect.Node{Layer: "state"}
	if s == nil {
		return n
	}
	since, problem, _ := s.link.status()
	n.State = s
	n.Shared = &inspect.State{
		Reachable: !s.gone(), Since: since, Problem: problem,
		Replicas: int(s.replicas.Load()), Dropped: int(s.dropped.Load()),
	}
	return n
}
