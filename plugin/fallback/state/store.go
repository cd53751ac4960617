package state

import (
	"context"
	"time"
)

// Store is what replicas share. Package state has one in memory, [Memory]; package
// state/redis has one on a Redis server.
//
// Methods return when ctx ends at the latest, and are safe for concurrent use. An error
// means that the store cannot be reached or used now; whether the call had an effect is
// then not known. Calling any method but Take again with the same arguments has no other
// effect than calling it once. Keys are printable, at most [MaxKeyBytes] long, and contain
// no personal data. Times are durations from now, so that the clocks of replicas need not
// agree.
type Store interface {
	// Take takes tokens from a bucket that all replicas share. If it holds at least least
	// of them, it takes as many whole tokens as it holds, at most most. Otherwise it takes
	// none and returns the time until it holds least. A bucket that is not known is full. If most
	// is below 0, that many tokens are put back, at most until the bucket is full; least
	// must be 0 then.
	Take(ctx context.Context, b Bucket, least, most int) (Tokens, error)

	// Lease changes what a replica has set aside of an account's limit, and charges the
	// account with what the replica has spent. See [Change].
	Lease(ctx context.Context, a Account, c Change) (Balance, error)

	// Get returns the value of a key, nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set keeps a value, which must not be empty, for some time.
	Set(ctx context.Context, key string, value []byte, keep time.Duration) error

	// Raise replaces the flag of f's key in a space, and pushes it to all that listen to
	// the space. A flag without For is removed, and the removal is pushed. Spaces separate
	// applications that use one store: a space is the beginning of the keys that Raise,
	// Beat and Listen use.
	Raise(ctx context.Context, space string, f Flag) error
	// Beat says that a replica of a space lives, for at most ttl without another beat, or
	// with a ttl of 0 that it has ended. It returns how many live, and all flags of the
	// space.
	Beat(ctx context.Context, space, replica string, ttl time.Duration) (replicas int, flags []Flag, err error)
	// Listen calls f for each flag that is pushed in a space, one at a time, until ctx ends
	// or pushes are lost, and returns why. A flag may be pushed twice, or not at all: Beat
	// returns all.
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

// Tokens is what a bucket gave.
type Tokens struct {
	Taken int           // 0 or more; 0 if tokens were put back
	Left  int           // whole tokens that the bucket holds now
	Wait  time.Duration // until the bucket holds what was asked for at least; 0 if it did
}

// Account is what a tenant may spend until a time. Amounts are in billionths of a dollar.
type Account struct {
	Key   string
	Limit int64         // at most; 0 for no limit: spending is only counted
	Ends  time.Duration // until the account is forgotten; above 0
}

// Change is a change of a replica's lease of an account. The lease is the part of the limit
// that the replica may spend without asking again. It runs out after TTL without another
// change, so that what a crashed replica had set aside returns to the account.
//
// A change says how things shall be, not by how much they differ, so that it may be sent
// again when its answer was lost. First the account is charged with what the replica has
// spent since its latest change, which its lease pays for as far as it goes. Then the lease
// becomes as much as the limit, the spending of all and the leases of others leave, at most
// Most. If they leave less than Least, the lease only shrinks: to what it is, to Most, or to
// what they leave, whichever is least.
type Change struct {
	Replica string
	Spent   int64 // by the replica since the account began; a value below an earlier one changes nothing
	Least   int64 // the lease after the change, at least; 0 or more, at most Most
	Most    int64 // the lease after the change, at most; 0 gives it back
	TTL     time.Duration
}

// Balance is an account after a [Change]. Without a limit nothing is leased.
type Balance struct {
	Leased int64 // by the replica
	Others int64 // leased by other replicas
	Spent  int64 // by all replicas
}

// Flag is something that one replica has found out and the others should know, such as that
// a target is down.
type Flag struct {
	Key    string
	For    time.Duration // it is true for so long from now on; 0 or less: not any more
	Reason string        // why, in a few words without personal data; at most 256 bytes
	From   string        // the replica
}
