// Package state lets the replicas of an application share the state of their models: which
// targets are down, how much of a rate limit or a budget is left, and cached answers.
//
//	store, err := redis.Open("redis://cache:6379/0") // package state/redis; or state.NewMemory()
//	shared, err := state.New(store, state.Config{})
//	defer shared.Close()
//	breaker := middleware.MustBreaker(middleware.BreakerConfig{State: shared})
//
// A call uses the state in its replica's memory, and rarely waits for the store:
//
//   - [Switch]: a call never waits. The store pushes the flags of other replicas; in case a push
//     is lost, each replica also reads all flags twice a second.
//   - [SharedBucket]: a call waits for the store if the bucket is less than half full.
//   - [SharedAccount]: a call waits for the store if its replica's lease is used up.
//   - [Shared.Get]: a call waits for the store.
//
// The layers of this module wait for all of these at the same time, so a call waits as long as for
// one answer of the store. It waits longer if its replica is already requesting a lease of the
// account, is giving tokens back to the bucket, or has eight requests for the bucket in progress,
// and if other calls use up the lease that it has waited for.
//
// A call waits at most Config.Timeout for an answer. The first call that waits that long, or gets
// an error, marks the store as gone. Then no call waits, until the store answers a background request
// in time. After a late answer the first such request is sent at once, otherwise after a
// pause of 100 ms, which grows to a second. Meanwhile:
//
//   - Flags have the state that this replica knows.
//   - Buckets and accounts are limited to this replica's share. With Config.Deny, accounts are
//     limited to its lease.
//   - Get returns no values.
//
// After the outage, the replica sends the changes that the store has missed: its flags, its
// spending, its use of buckets and up to 256 values. So the store may lose its data.
package state
