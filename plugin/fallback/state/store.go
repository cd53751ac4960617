package state

import (
	"context"
	"time"
)

// Store keeps the state that replicas share. [Memory] is a store in memory; package
// state/redis has one on a Redis server.
//
// Methods return at the latest when ctx ends, and are safe for concurrent use. An error
// means that the store cannot be reached or used now; the call may still have had an
// effect. All methods but Take are idempotent: a second call with the same arguments
// has no further effect. Keys are printable, at most [MaxKeyBytes] long, and contain
// no personal data. Times are durations from now, so that the clocks of replicas need not
// agree.
type Store interface {
	// Take takes tokens from a bucket that all replicas share. If the bucket holds at least
	// least tokens, Take takes as many whole tokens as there are, at most most. Otherwise it
	// takes none and returns the time until the bucket holds least. An unknown bucket is full.
	// If most is below 0, Take puts that many tokens back, until the bucket is full; then
	// least must be 0.
	Take(ctx context.Context, b Bucket, least, most int) (Tokens, error)

	// Lease changes a replica's lease of an account, and charges the account with the
	// replica's spending. See [Change].
	Lease(ctx context.Context, a Account, c Change) (Balance, error)

	// Get returns the value of a key; nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set stores a value for the given time. The value must not be empty.
	Set(ctx context.Context, key string, value []byte, keep time.Duration) error

	// Raise replaces the flag of f's key in a space, and pushes it to all listeners of the
	// space. If For is 0 or less, it removes the flag, and pushes the removal. A space
	// separates applications that use the same store: it is the prefix of the keys of Raise,
	// Beat and Listen.
	Raise(ctx context.Context, space string, f Flag) error
	// Beat marks a replica of a space as alive for ttl; a ttl of 0 marks it as ended. Beat
	// returns the number of replicas alive, and all flags of the space.
	Beat(ctx context.Context, space, replica string, ttl time.Duration) (replicas int, flags []Flag, err error)
	// Listen calls f for each flag that is pushed in a space, one at a time. It returns when
	// ctx ends or pushes are lost, with the reason. A push may come twice or be lost; Beat
	// returns all flags.
	Listen(ctx context.Context, space string, f func(Flag)) error

	// Close releases the store's connections and goroutines.
	Close() error
}

// MaxKeyBytes bounds a key, in bytes.
const MaxKeyBytes = 200

// Bucket is a token bucket: it holds at most PerMinute tokens, and is refilled evenly at
// that rate.
type Bucket struct {
	Key       string
	PerMinute int // above 0
}

// Tokens is the result of [Store].Take.
type Tokens struct {
	Taken int           // 0 or more; 0 if tokens were put back
	Left  int           // whole tokens that the bucket holds now
	Wait  time.Duration // until the bucket holds least tokens; 0 if it did
}

// Account is a limit of a tenant's spending until a time. Amounts are in billionths of a
// dollar.
type Account struct {
	Key   string
	Limit int64         // at most; 0 for no limit: spending is only counted
	Ends  time.Duration // until the account is forgotten; above 0
}

// Change is a change of a replica's lease of an account. The lease is the part of the limit
// that the replica may spend without another change. It expires after TTL, so that the lease
// of a crashed replica returns to the account.
//
// A change has absolute values, not differences, so it can be sent again if its answer was
// lost. First the account is charged with the replica's spending since its latest change; its
// lease shrinks by that, to 0 at least. Then the lease becomes the free part of the limit, at
// most Most. The free part is the limit minus the spending of all replicas and the leases of
// the others. If it is less than Least, the lease only shrinks: to the smallest of its present
// size, Most and the free part.
type Change struct {
	Replica string
	Spent   int64 // by the replica since the account began; a value below an earlier one changes nothing
	Least   int64 // the lease after the change, at least; 0 or more, at most Most
	Most    int64 // the lease after the change, at most; 0 gives it back
	TTL     time.Duration
}

// Balance is an account after a [Change]. Without a limit, Leased and Others are 0.
type Balance struct {
	Leased int64 // by the replica
	Others int64 // leased by other replicas
	Spent  int64 // by all replicas
}

// Flag is a fact that one replica has found out and tells the others, such as that a target
// is down.
type Flag struct {
	Key    string
	For    time.Duration // how long the flag stays up from now; 0 or less: it is down
	Reason string        // why, in a few words without personal data; at most 256 bytes
	From   string        // the replica
}
