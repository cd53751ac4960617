package redis

import (
	"context"
	_ "embed" // the scripts
	"time"

	"github.com/redis/go-redis/v9"
)

// The scripts that the server runs. Each changes one key, its first argument.
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

// run runs a script by its hash. If the server does not know the hash, run sends the text.
func (s *store) run(ctx context.Context, script *redis.Script, key string, args ...any) (*answer, error) {
	values, err := within(ctx, func(ctx context.Context) ([]any, error) {
		v, err := script.Run(ctx, s.client, []string{key}, args...).Result()
		values, _ := v.([]any)
		return values, err
	})
	return &answer{values: values}, err
}

// timeout bounds an operation, and each step of it.
const timeout = time.Second

// within returns the result of f, or the error of ctx if ctx ends first. Then f continues for at
// most a second, so that the next operation can use its connection. If the connection were
// closed, a server that answers a little late would also have to make new connections, each of
// which takes several round trips.
func within[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	if err := ctx.Err(); err != nil {
		return *new(T), clean(err)
	}
	done := make(chan result, 1)
	go func() { // ends with f
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		value, err := f(ctx)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, clean(r.err)
	case <-ctx.Done():
	}
	select {
	case r := <-done: // both have happened while this process did not run
		return r.value, clean(r.err)
	default:
		return *new(T), clean(ctx.Err())
	}
}
