// Package state shares between the replicas of an application what each of them has found
// out about its models: which are down, how much of a rate limit or a budget is left, and
// which answers are known.
//
//	store, err := redis.Open("redis://cache:6379/0") // package state/redis; or state.NewMemory()
//	shared, err := state.New(store, state.Config{})
//	defer shared.Close()
//	breaker := middleware.MustBreaker(middleware.BreakerConfig{State: shared})
//
// A call uses what its replica knows, and hardly ever waits for the store:
//
//   - [Switch]: flags cost nothing. Others' flags are pushed, and asked for twice a second in case
//     a push is lost.
//   - [SharedBucket]: a call waits for the store if the bucket is less than half full.
//   - [SharedAccount]: a call waits for the store if what its replica has leased is used up.
//   - [Shared.Get]: a call waits for the store.
//
// The wait is at most Config.Timeout. The first call that waits for so long, or gets an error,
// marks the store as gone. From then on no call waits, until the store answers a request in
// the background in time. The first such request is sent at once after a late answer, and
// otherwise after a pause of 100 ms, which grows to a second. Meanwhile:
//
//   - Flags are what is known here.
//   - A bucket is this replica's share of it, and so is an account (or, with Config.Deny,
//     nothing but what is leased).
//   - There are no values.
//
// Afterwards the replica sends what the store has missed: its flags, its spending, its use
// of buckets and up to 256 values. So the store may lose its data.
package state
