// Package redis keeps the state that replicas share on a Redis server, version 6 or newer,
// or on one that is compatible, such as Valkey.
//
//	store, err := redis.Open("redis://redis.internal:6379/0")
//	shared, err := state.New(store, state.Config{})
//
// In a policy file, the same is one line:
//
//	state: redis://redis.internal:6379/0
//
// # What the server needs
//
// Each operation is one script that uses one key, or GET or SET, so a cluster will do. The time
// is the server's. All keys and channels begin with the Prefix of state.Config. A user with
// limited permissions needs these:
//
//	ACL SETUSER replica on >PASSWORD ~adk-fallback:* &adk-fallback:* +get +set +del +hset +hdel +hget
//		+hgetall +hincrby +pexpire +pttl +time +eval +evalsha +publish +subscribe +ping
//
// Without the channels (&), flags reach other replicas with their next beat.
//
// Applications that must not share anything have prefixes or databases of their own.
//
// # A server that fails
//
// An operation ends with its context, whatever the server does. Nothing is retried: package
// state decides what a replica does without the server.
package redis
