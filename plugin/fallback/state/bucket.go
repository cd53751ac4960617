package state

import (
	"context"
	"time"
)

// Bucket returns the bucket of a key, which holds at most perMinute tokens and is refilled
// evenly at that rate, by all replicas together. A key has one bucket: a later perMinute
// replaces an earlier one. perMinute must be above 0.
func (s *Shared) Bucket(key string, perMinute int) *SharedBucket { return &SharedBucket{} }

// SharedBucket is a token bucket that replicas share. A replica has a small stock of tokens,
// at most a hundredth of a minute's divided by the replicas or one call's, so that most
// calls do not wait for the store.
//
// While the store is gone, the bucket is this replica's share of it: what was left when it
// was last known and what a minute adds, divided by the replicas last known.
//
// A nil SharedBucket has no limit.
type SharedBucket struct{}

// Take takes n tokens and returns 0, or takes none and returns the time until there may be
// so many; n must be from 0 to the bucket's size. It asks the store, and waits for the
// answer for Config.Timeout at most, if the stock is too small. It returns early with some
// time if ctx ends.
func (b *SharedBucket) Take(ctx context.Context, n int) (wait time.Duration) { return 0 }

// Settle takes more tokens, or gives some back if more is below 0. It never waits. Tokens
// that the bucket does not have are owed: later tokens pay for them first. At most a
// minute's tokens are owed.
func (b *SharedBucket) Settle(more int) {}
