// Package redis stores the state that replicas share on a Redis server, version 7 or later,
// or on a compatible server, such as Valkey.
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
// Each operation is GET, SET or one script, and uses one key. So Redis Cluster works. The
// server's clock decides. All keys and channels begin with the Prefix of state.Config. A user with
// limited permissions needs these:
//
//	ACL SETUSER replica on >PASSWORD ~adk-fallback:* &adk-fallback:* +get +set +del +hset +hdel +hget
//		+hgetall +hincrby +pexpire +pttl +time +eval +evalsha +publish +subscribe +ping
//
// Without permission for the channels (&), flags reach other replicas with their next beat.
//
// Applications that must not share state need different prefixes or databases.
//
// # A server that fails
//
// An operation ends when its context ends, even if the server does not answer. Operations are
// not retried: package state decides what a replica does without the server.
package redis
