package state

import (
	"context"
	"time"
)

// Store is what replicas share. Package state has one in memory, [Memory]; package
// state/redis has one on a Redis server.
//
// Methods return when ctx ends at the latest, and are safe for concurrent use. An error
// means that the store cannot be reached or used now. Keys are printable, at most
// [MaxKeyBytes] long, and contain no personal data. Times are durations from now, so that
// the clocks of replicas need not agree.
type Store interface {
	// Take takes tokens from a bucket that all replicas share. If it holds at least least
	// of them, it takes as many as it holds, at most most, and wait is 0. Otherwise it
	// takes none and wait is the time until it holds least. A bucket that is not known is
	// full. If most is below 0, that many tokens are put back, at most until the bucket is
	// full; least must be 0 then.
	Take(ctx context.Context, b Bucket, least, most int) (taken int, wait time.Duration, err error)

	// Lease changes what a replica has set aside of an account's limit, and charges the
	// account with what the replica has spent of it. See [Change].
	Lease(ctx context.Context, a Account, c Change) (Balance, error)

	// Get returns the value of a key, nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set keeps a value, which must not be empty, for some time.
	Set(ctx context.Context, key string, value []byte, keep time.Duration) error

	// Raise replaces the flag of f's key and pushes it to all that listen. A flag without
	// For is removed, and the removal is pushed.
	Raise(ctx context.Context, f Flag) error
	// Beat says that a replica lives, for at most ttl without another beat. It returns how
	// many do, and all flags.
	Beat(ctx context.Context, replica string, ttl time.Duration) (replicas int, flags []Flag, err error)
	// Listen calls f for each pushed flag, one at a time, until ctx ends or pushes are
	// lost. A flag may be pushed twice, or not at all: Beat returns all.
	Listen(ctx context.Context, f func(Flag)) error

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

// Account is what a tenant may spend until a time. Amounts are in billionths of a dollar.
type Account struct {
	Key   string
	Limit int64         // at most; 0 for no limit: spending is only counted
	Ends  time.Duration // until the account is forgotten; above 0
}

// Change is a change of a replica's lease of an account. The lease is the part of the limit
// that the replica may spend without asking again. It runs out after TTL without another
// change, so that what a crashed replica had set aside returns to the account.
type Change struct {
	Replica string
	Spent   int64 // to charge the account with, and to take off the lease; 0 or more
	Least   int64 // more to lease, at least; nothing if the account does not have it
	Most    int64 // more to lease, at most; below 0 to give back
	TTL     time.Duration
}

// Balance is an account after a [Change].
type Balance struct {
	Granted int64 // more that was leased; 0 or at least Least
	Leased  int64 // by the replica in all
	Spent   int64 // by all replicas
	Others  int64 // leased by other replicas
}

// Flag is something that one replica has found out and the others should know, such as that
// a target is down.
type Flag struct {
	Key    string
	For    time.Duration // it is true for so long from now on; 0 or less: not any more
	Reason string        // why, in a few words without personal data; at most 256 bytes
	From   string        // the replica
}
