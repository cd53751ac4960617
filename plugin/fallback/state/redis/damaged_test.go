package redis_test

import (
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Values that another program has written count as absent. If they made an operation fail, that
// would look like an outage, and nothing would be shared.
func TestDamagedKeysCountAsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		store := open(t, url)
		options, err := client.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		c := client.NewClient(options)
		defer func() { _ = c.Close() }()
		write := func(args ...any) {
			t.Helper()
			if err := c.Do(t.Context(), args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for _, command := range [][]any{
			{"SET", "some-bucket", "full"}, {"SET", "some-bucket", ""}, {"SET", "some-bucket", "-1 -1"}, {"HSET", "some-bucket", "full", "1"},
		} {
			write("DEL", "some-bucket")
			write(command...)
			tokens, err := store.Take(t.Context(), state.Bucket{Key: "some-bucket", PerMinute: 100}, 1, 1)
			if err != nil || tokens.Taken != 1 || tokens.Left != 99 {
				t.Errorf("%q: %+v, error %v; want one token of a full bucket", command, tokens, err)
			}
		}
		for _, field := range []string{"lease other", "lease some-replica", "by some-replica", "spent"} {
			for _, value := range []string{"", "much", "-1", "1.5", "1 x"} {
				write("DEL", "some-account")
				write("HSET", "some-account", field, value)
				balance, err := store.Lease(t.Context(), state.Account{Key: "some-account", Limit: 100, Ends: time.Hour},
					state.Change{Replica: "some-replica", Spent: 1, Most: 10, TTL: time.Minute})
				if want := (state.Balance{Leased: 10, Spent: 1}); err != nil || balance != want {
					t.Errorf("%s %q: %+v, error %v; want %+v", field, value, balance, err, want)
				}
			}
		}
		for _, command := range [][]any{{"SET", "some-account", "full"}, {"RPUSH", "some-account", "full"}} {
			write("DEL", "some-account")
			write(command...)
			balance, err := store.Lease(t.Context(), state.Account{Key: "some-account", Limit: 100, Ends: time.Hour},
				state.Change{Replica: "some-replica", Spent: 1, Most: 10, TTL: time.Minute})
			if want := (state.Balance{Leased: 10, Spent: 1}); err != nil || balance != want {
				t.Errorf("%q: %+v, error %v; want %+v", command, balance, err, want)
			}
		}
		for _, command := range [][]any{{"SET", "some-space:replicas", "2"}, {"RPUSH", "some-space:replicas", "replica other"}} {
			write("DEL", "some-space:replicas")
			write(command...)
			replicas, flags, err := store.Beat(t.Context(), "some-space:", "some-replica", time.Minute)
			if err != nil || replicas != 1 || len(flags) > 0 {
				t.Errorf("%q: %d replicas, flags %v, error %v; want one and none", command, replicas, flags, err)
			}
			write("DEL", "some-space:replicas")
			write(command...)
			if err := store.Raise(t.Context(), "some-space:", state.Flag{Key: "some-flag", For: time.Minute}); err != nil {
				t.Errorf("%q: raise: %v", command, err)
			}
			if _, flags, err := store.Beat(t.Context(), "some-space:", "some-replica", time.Minute); err != nil || len(flags) != 1 {
				t.Errorf("%q: flags %v, error %v; want the one raised", command, flags, err)
			}
		}
		write("DEL", "some-space:replicas")
		for _, field := range []string{"replica other", "flag some-flag", "other"} {
			for _, value := range []string{"", "soon", "-1 {}"} {
				write("HSET", "some-space:replicas", field, value)
				replicas, flags, err := store.Beat(t.Context(), "some-space:", "some-replica", time.Minute)
				if err != nil || replicas != 1 || len(flags) > 0 {
					t.Errorf("%s %q: %d replicas, flags %v, error %v; want one and none", field, value, replicas, flags, err)
				}
			}
		}
		write("LPUSH", "some-answer", "other")
		if value, err := store.Get(t.Context(), "some-answer"); err != nil || value != nil {
			t.Errorf("a list is the value %q, error %v; want none", value, err)
		}
		if err := store.Set(t.Context(), "some-answer", []byte("new"), time.Minute); err != nil {
			t.Error(err)
		}
		if value, err := store.Get(t.Context(), "some-answer"); err != nil || string(value) != "new" {
			t.Errorf("value %q, error %v; want the new one", value, err)
		}
	})
}
