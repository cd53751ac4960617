package redis_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	client "github.com/redis/go-redis/v9"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/internal/storetest"
)

// B95, B97: what every store does, with the time of a server in memory.
func TestIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, f func(*testing.T, state.Store, func(time.Duration))) {
		server, now := miniredis.RunT(t), time.Now()
		server.SetTime(now)
		f(t, open(t, "redis://"+server.Addr()), func(d time.Duration) {
			now = now.Add(d)
			server.SetTime(now)
			server.FastForward(d)
		})
	})
}

// B95, B97: the same on a real server, whose time is that of the machine.
func TestIsAStoreOnAServer(t *testing.T) {
	storetest.Run(t, func(t *testing.T, f func(*testing.T, state.Store, func(time.Duration))) {
		t.Parallel()
		f(t, open(t, redistest.Start(t).URL()), time.Sleep)
	})
}

// Whatever is written has a time at which the server forgets it.
func TestKeysExpire(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		store := open(t, url)
		for name, do := range operations {
			if err := do(t.Context(), store); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		options, err := client.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		c := client.NewClient(options)
		defer func() { _ = c.Close() }()
		keys, err := c.Keys(t.Context(), "*").Result()
		if err != nil || len(keys) != 4 {
			t.Errorf("keys %q, error %v; want 4", keys, err)
		}
		for _, key := range keys {
			if left, err := c.PTTL(t.Context(), key).Result(); err != nil || left <= 0 || left > 2*time.Hour {
				t.Errorf("%s expires in %v, error %v", key, left, err)
			}
		}
	})
}

// A server that was restarted, or whose scripts were flushed, is given them again.
func TestScriptsComeBack(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL())
	for _, forget := range []func(){func() {}, func() { server.Do("SCRIPT FLUSH") }, server.Restart} {
		forget()
		for name, do := range operations {
			var err error
			for range 20 { // the pool's connections to the old server fail once each
				if err = do(t.Context(), store); err == nil {
					break
				}
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// B97: tokens that many take at once are given once each. All scripts of one bucket are
// atomic.
func TestTokensAreGivenOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		var taken atomic.Int64
		var wg sync.WaitGroup
		began := time.Now()
		for range 4 {
			store := open(t, url)
			for range 8 {
				wg.Go(func() {
					for range 20 {
						tokens, err := store.Take(t.Context(), state.Bucket{Key: "bucket", PerMinute: 100}, 1, 3)
						if err != nil {
							t.Error(err)
						}
						taken.Add(int64(tokens.Taken))
					}
				})
			}
		}
		wg.Wait()
		most := int64(100 + time.Since(began).Minutes()*100 + 1)
		if n := taken.Load(); n < 100 || n > most {
			t.Errorf("%d tokens of 100, want from 100 to %d", n, most)
		}
	})
}

// A server's clock that is set back does not empty or fill a bucket.
func TestClockSetBack(t *testing.T) {
	server, now := miniredis.RunT(t), time.Now()
	store, bucket := open(t, "redis://"+server.Addr()), state.Bucket{Key: "bucket", PerMinute: 60}
	for i, at := range []struct {
		after time.Duration
		want  int
	}{{0, 60}, {-time.Hour, 0}, {-time.Hour + 5*time.Second, 5}} {
		server.SetTime(now.Add(at.after))
		if got, err := store.Take(t.Context(), bucket, 0, 100); err != nil || got.Taken != at.want {
			t.Errorf("call %d: %+v, %v; want %d", i+1, got, err, at.want)
		}
	}
}

// B95: a user without permission for channels shares flags all the same: with beats.
func TestFlagsWithoutChannels(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL SETUSER ada on >s3cret ~s:* resetchannels +@all")
	store := open(t, strings.Replace(server.URL(), "unix://", "unix://ada:s3cret@", 1))
	flag := state.Flag{Key: "down", For: time.Minute, From: "a"}
	if err := store.Raise(t.Context(), "s:", flag); err != nil {
		t.Fatal(err)
	}
	if _, flags, err := store.Beat(t.Context(), "s:", "b", time.Minute); err != nil || len(flags) != 1 || flags[0].Key != "down" {
		t.Errorf("flags %+v, error %v; want one", flags, err)
	}
	if err := store.Listen(t.Context(), "s:", func(state.Flag) {}); err == nil || !strings.Contains(err.Error(), "permissions") {
		t.Errorf("Listen: %v; want that permissions lack", err)
	}
}

// The permissions in the package's documentation are enough.
func TestDocumentedPermissions(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL SETUSER replica on >s3cret ~some-* &some-* +get +set +del +hset +hdel +hget " +
		"+hgetall +hincrby +pexpire +pttl +time +eval +evalsha +publish +subscribe +ping")
	store := open(t, strings.Replace(server.URL(), "unix://", "unix://replica:s3cret@", 1))
	for name, do := range operations {
		if err := do(t.Context(), store); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server in cluster mode refuses scripts whose keys are not declared, or are of several slots.
func TestCluster(t *testing.T) {
	server := redistest.Start(t, "--cluster-enabled", "yes")
	server.Do("CLUSTER ADDSLOTSRANGE 0 16383")
	store := open(t, server.URL())
	for name, do := range operations {
		err := fmt.Errorf("no try")
		for deadline := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(deadline); {
			err = do(t.Context(), store) // until the cluster is up
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// B97: a bucket that was full for a while, and whose key is still there, holds no more than it can.
func TestBucketIsFullAtMost(t *testing.T) {
	server, now := miniredis.RunT(t), time.Now()
	server.SetTime(now)
	store, bucket := open(t, "redis://"+server.Addr()), state.Bucket{Key: "bucket", PerMinute: 6000}
	if _, err := store.Take(t.Context(), bucket, 1, 1); err != nil {
		t.Fatal(err)
	}
	server.SetTime(now.Add(500 * time.Millisecond)) // 50 tokens later
	if got, err := store.Take(t.Context(), bucket, 0, 10_000); err != nil || got.Taken != 6000 {
		t.Errorf("%+v, %v; want 6000 taken", got, err)
	}
}

// B97: if less is left than a replica needs at least, its lease does not grow, and what it has
// spent is off the lease.
func TestLeaseOnlyShrinks(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		store, account := open(t, url), state.Account{Key: "account", Limit: 100, Ends: time.Hour}
		for i, c := range []struct {
			by                 string
			spent, least, most int64
			want               state.Balance
		}{
			{"a", 0, 0, 30, state.Balance{Leased: 30}},
			{"b", 0, 0, 20, state.Balance{Leased: 20, Others: 30}},
			{"a", 10, 80, 90, state.Balance{Leased: 20, Others: 20, Spent: 10}},
			{"a", 10, 80, 15, state.Balance{Leased: 15, Others: 20, Spent: 10}},
		} {
			got, err := store.Lease(t.Context(), account, state.Change{Replica: c.by, Spent: c.spent, Least: c.least, Most: c.most, TTL: time.Minute})
			if err != nil || got != c.want {
				t.Errorf("change %d: %+v, %v; want %+v", i+1, got, err, c.want)
			}
		}
	})
}

// B95: a short flag, or a beat, does not end the flags that hold for longer.
func TestLongFlagsOutliveShortOnes(t *testing.T) {
	server, now := miniredis.RunT(t), time.Now()
	server.SetTime(now)
	store := open(t, "redis://"+server.Addr())
	for _, f := range []state.Flag{{Key: "long", For: time.Minute}, {Key: "short", For: time.Second}} {
		if err := store.Raise(t.Context(), "s:", f); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		_, flags, err := store.Beat(t.Context(), "s:", "a", time.Second)
		if err != nil || len(flags) == 0 || !slices.ContainsFunc(flags, func(f state.Flag) bool { return f.Key == "long" }) {
			t.Errorf("flags %+v, error %v; want long", flags, err)
		}
		server.SetTime(now.Add(5 * time.Second))
		server.FastForward(5 * time.Second)
	}
}
