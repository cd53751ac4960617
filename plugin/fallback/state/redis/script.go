package redis

import (
	"context"
	_ "embed" // the scripts
	"time"

	"github.com/redis/go-redis/v9"
)

// What the server runs. Each script changes one key, which is its first argument.
var (
	//go:embed take.lua
	takeLua string
	//go:embed lease.lua
	leaseLua string
	//go:embed raise.lua
	raiseLua string
	//go:embed beat.lua
	beatLua string

	takeScript  = redis.NewScript(takeLua)
	leaseScript = redis.NewScript(leaseLua)
	raiseScript = redis.NewScript(raiseLua)
	beatScript  = redis.NewScript(beatLua)
)

// run runs a script by its hash. A server that does not know it is sent the text.
func (s *store) run(ctx context.Context, script *redis.Script, key string, args ...any) (*answer, error) {
	values, err := within(ctx, func() ([]any, error) {
		v, err := script.Run(ctx, s.client, []string{key}, args...).Result()
		values, _ := v.([]any)
		return values, err
	})
	return &answer{values: values}, err
}

// within returns what f returns, or that ctx has ended. f goes on then until its own
// deadline: a read that is under way heeds a context's deadline, but not that it is
// cancelled, and a client that is not ours may heed neither.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	if err := ctx.Err(); err != nil {
		return *new(T), clean(err)
	}
	done := make(chan result, 1)
	go func() { // ends with f, within the client's timeouts
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, clean(r.err)
	case <-ctx.Done():
		return *new(T), clean(ctx.Err())
	}
}

// timeout bounds what has no deadline of its own, and the work that goes on after a context
// has ended.
const timeout = time.Second
