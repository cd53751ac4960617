package state_test

import (
	"context"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Two replicas of an application. In real life each is a process of its own, and the store
// is a Redis server; see package state/redis.
func Example() {
	store := state.NewMemory()
	one, err := state.New(store, state.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer one.Close()
	two, err := state.New(store, state.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer two.Close()

	// What one finds out, the other is told.
	told := make(chan state.Flag)
	heard := two.Flag("breaker:flash", func(f state.Flag) { told <- f })
	defer heard.Stop()
	one.Flag("breaker:flash", nil).Raise(time.Minute, "rate limit")
	fmt.Println("two: flash is down:", (<-told).Reason)

	// What one spends, the other cannot.
	const dollar = 1_000_000_000
	midnight := time.Now().Add(time.Hour)
	account := one.Account("tenant", 10*dollar, midnight)
	fmt.Println("one: nine dollars:", account.Reserve(context.Background(), 9*dollar))
	fmt.Println("two: two dollars:", two.Account("tenant", 10*dollar, midnight).Reserve(context.Background(), 2*dollar))
	account.Settle(9*dollar, 7*dollar)

	// Output:
	// two: flash is down: rate limit
	// one: nine dollars: <nil>
	// two: two dollars: state: the account's limit is reached
}
