package redis_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// Two replicas share a limit of 100 per minute.
func ExampleOpen() {
	server, err := miniredis.Run() // in production: a Redis server
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ctx, limit := context.Background(), state.Bucket{Key: "gemini-2.5-flash", PerMinute: 100}
	for range 2 {
		store, err := redis.Open("redis://" + server.Addr())
		if err != nil {
			log.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		tokens, err := store.Take(ctx, limit, 1, 60)
		fmt.Println(tokens.Taken, err)
	}

	// Output:
	// 60 <nil>
	// 40 <nil>
}
