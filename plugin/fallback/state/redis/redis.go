package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// store is a state.Store on a server.
type store struct {
	client   redis.UniversalClient
	database int
	close    func() error
}

// New returns a store that uses a client of the application. Use it for a cluster, sentinels or
// custom settings. The application closes the client, after the store. Set the same options as
// [Open], so that short outages stay short: ContextTimeoutEnabled, MaxRetries -1,
// DialerRetries 1.
func New(client redis.UniversalClient) state.Store {
	s := &store{client: client, close: func() error { return nil }}
	if single, ok := client.(*redis.Client); ok {
		s.database = single.Options().DB
	}
	return s
}

// Close implements [state.Store].
func (s *store) Close() error { return s.close() }

// Take implements [state.Store].
func (s *store) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	answer, err := s.run(ctx, takeScript, b.Key, b.PerMinute, least, most)
	if err != nil {
		return state.Tokens{}, err
	}
	t := state.Tokens{Taken: int(answer.number(0)), Left: int(answer.number(1)), Wait: min(micros(answer.number(2)), time.Hour)}
	return t, answer.err
}

// maxAmount is two billion dollars, so that sums of amounts stay below 2^63.
const maxAmount = 1 << 61

// Lease implements [state.Store].
func (s *store) Lease(ctx context.Context, a state.Account, c state.Change) (state.Balance, error) {
	answer, err := s.run(ctx, leaseScript, a.Key,
		min(a.Limit, maxAmount), max(1, a.Ends.Milliseconds()),
		c.Replica, min(c.Spent, maxAmount), min(c.Least, maxAmount), min(c.Most, maxAmount), c.TTL.Microseconds())
	if err != nil {
		return state.Balance{}, err
	}
	return state.Balance{Leased: answer.number(0), Others: answer.number(1), Spent: answer.number(2)}, answer.err
}

// Get implements [state.Store]. A key of another type has no value: Set replaces it.
func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	return within(ctx, func(ctx context.Context) ([]byte, error) {
		value, err := s.client.Get(ctx, key).Bytes()
		if errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
			return nil, nil
		}
		return value, err
	})
}

// Set implements [state.Store].
func (s *store) Set(ctx context.Context, key string, value []byte, keep time.Duration) error {
	_, err := within(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.client.Set(ctx, key, value, max(keep, time.Millisecond)).Err()
	})
	return err
}

// The key of a space, and the channel of its flags. Channels are the same in all databases of a
// server, so the channel's name contains the database's number.
func (s *store) space(name string) string   { return name + "replicas" }
func (s *store) channel(name string) string { return name + "flags:" + strconv.Itoa(s.database) }

// Raise implements [state.Store].
func (s *store) Raise(ctx context.Context, space string, f state.Flag) error {
	text, err := encode(f)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, raiseScript, s.space(space), s.channel(space), f.Key, max(0, f.For.Microseconds()), text)
	return err
}

// Beat implements [state.Store].
func (s *store) Beat(ctx context.Context, space, replica string, ttl time.Duration) (replicas int, flags []state.Flag, err error) {
	answer, err := s.run(ctx, beatScript, s.space(space), replica, max(0, ttl.Microseconds()))
	if err != nil {
		return 0, nil, err
	}
	replicas = int(answer.number(0))
	for i := 1; i+1 < len(answer.values); i += 2 {
		f, err := decode(answer.text(i + 1))
		if err != nil {
			continue // of a replica with a newer binary
		}
		f.For = micros(answer.number(i))
		flags = append(flags, f)
	}
	return replicas, flags, answer.err
}

func micros(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Microsecond))) * time.Microsecond
}

// answer is what a script returned.
type answer struct {
	values []any
	err    error // the first value of a wrong type
}

// number returns a value that is an integer, or the text of one.
func (a *answer) number(i int) int64 {
	if i < len(a.values) {
		switch v := a.values[i].(type) {
		case int64:
			return v
		case string:
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n
			}
		}
	}
	a.err = fmt.Errorf("state/redis: value %d of a script's answer is not a number", i)
	return 0
}

func (a *answer) text(i int) string {
	text, _ := a.values[i].(string)
	return text
}
