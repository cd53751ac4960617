package storetest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

func values(t *testing.T, with With) {
	with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
		check := func(key string, want []byte) {
			t.Helper()
			if got, err := s.Get(t.Context(), key); err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
				t.Errorf("Get(%q) = %q, %v, want %q", key, got, err, want)
			}
		}
		set := func(key string, value []byte, keep time.Duration) {
			t.Helper()
			if err := s.Set(t.Context(), key, value, keep); err != nil {
				t.Errorf("Set(%q): %v", key, err)
			}
		}
		long := strings.Repeat("k", state.MaxKeyBytes)
		check("none", nil)
		set("short", []byte("1"), time.Second)
		set("long", []byte{0, 1, 255, '\r', '\n'}, time.Hour)
		set(long, []byte("2"), time.Hour)
		check("short", []byte("1"))
		check("long", []byte{0, 1, 255, '\r', '\n'})
		check(long, []byte("2"))
		set("long", []byte("3"), time.Hour)
		check("long", []byte("3"))
		advance(1500 * time.Millisecond)
		check("short", nil)
		check("long", []byte("3"))
	})
}

// up returns the flags of a space by key.
func up(t *testing.T, s state.Store, space string) map[string]state.Flag {
	t.Helper()
	_, flags, err := s.Beat(t.Context(), space, "observer", time.Minute)
	if err != nil {
		t.Fatalf("Beat: %v", err)
	}
	byKey := make(map[string]state.Flag)
	for _, f := range flags {
		if _, twice := byKey[f.Key]; twice {
			t.Errorf("flag %q is there twice", f.Key)
		}
		byKey[f.Key] = f
	}
	return byKey
}

func raise(t *testing.T, s state.Store, space string, f state.Flag) {
	t.Helper()
	if err := s.Raise(t.Context(), space, f); err != nil {
		t.Fatalf("Raise: %v", err)
	}
}

// same reports whether a flag is want, or closer to its end because time has passed.
func same(got, want state.Flag) bool {
	near := about(got.For, want.For)
	got.For = want.For
	return near && got == want
}

func flags(t *testing.T, with With) {
	const down, slow = "breaker:down", "breaker:slow \"x\" é"
	with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
		check := func(when string, want ...state.Flag) {
			t.Helper()
			got := up(t, s, "s:")
			for _, f := range want {
				if !same(got[f.Key], f) {
					t.Errorf("%s: flag %q is %+v, want %+v", when, f.Key, got[f.Key], f)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s: %d flags, want %d", when, len(got), len(want))
			}
		}
		check("at first")
		a := state.Flag{Key: down, For: 5 * time.Second, Reason: "rate limit; \"quoted\", né", From: "a"}
		b := state.Flag{Key: slow, For: time.Second, From: "b"}
		raise(t, s, "s:", a)
		raise(t, s, "s:", b)
		check("raised", a, b)
		advance(1500 * time.Millisecond)
		a.For -= 1500 * time.Millisecond
		check("one has run out", a)
		a = state.Flag{Key: down, For: time.Second, Reason: "server", From: "b"}
		raise(t, s, "s:", a)
		check("replaced by a shorter one", a)
		raise(t, s, "s:", state.Flag{Key: down, From: "a"})
		check("removed")
		raise(t, s, "s:", state.Flag{Key: down, For: -time.Second, From: "a"})
		check("removed again")
	})
}

func replicas(t *testing.T, with With) {
	with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
		beat := func(replica string, ttl time.Duration, want int) {
			t.Helper()
			if got, _, err := s.Beat(t.Context(), "s:", replica, ttl); err != nil || got != want {
				t.Errorf("Beat(%q, %v) = %d, %v, want %d", replica, ttl, got, err, want)
			}
		}
		beat("a", 2*time.Second, 1)
		beat("b", 2*time.Second, 2)
		beat("a", 2*time.Second, 2)
		beat("c", time.Minute, 3)
		advance(1200 * time.Millisecond)
		beat("a", 2*time.Second, 3)
		advance(1200 * time.Millisecond)
		beat("c", time.Minute, 2) // b has not beaten for 2.4 s
		beat("c", 0, 1)           // it ends
		beat("c", 0, 1)
		beat("a", 0, 0)
	})
}

func pushes(t *testing.T, with With) {
	with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
		ctx, cancel := context.WithCancel(t.Context())
		pushed, done := make(chan state.Flag, 64), make(chan error, 1)
		go func() { done <- s.Listen(ctx, "s:", func(f state.Flag) { pushed <- f }) }()
		listening(t, s, pushed)

		want := []state.Flag{
			{Key: "x", For: 5 * time.Second, Reason: "server", From: "a"},
			{Key: "y", For: time.Minute, From: "b"},
			{Key: "x", From: "b"},
		}
		raise(t, s, "other:", want[1])
		for _, f := range want {
			raise(t, s, "s:", f)
		}
		for i, f := range want {
			if got := <-pushed; !same(got, f) {
				t.Errorf("push %d is %+v, want %+v", i+1, got, f)
			}
		}
		cancel()
		if err := <-done; err == nil {
			t.Error("Listen has returned no error")
		}
		raise(t, s, "s:", want[0]) // nobody listens
	})
}

// listening waits until raised flags are pushed.
func listening(t *testing.T, s state.Store, pushed <-chan state.Flag) {
	t.Helper()
	for try := 1; ; try++ {
		raise(t, s, "s:", state.Flag{Key: "ready", For: time.Minute, Reason: strings.Repeat("i", try)})
		select {
		case f := <-pushed:
			for f.Reason != strings.Repeat("i", try) {
				f = <-pushed
			}
			return
		case <-time.After(20 * time.Millisecond):
			if try == 250 {
				t.Fatal("nothing is pushed")
			}
		}
	}
}

func spaces(t *testing.T, with With) {
	with(t, func(t *testing.T, s state.Store, _ func(time.Duration)) {
		raise(t, s, "one:", state.Flag{Key: "x", For: time.Minute})
		raise(t, s, "two:", state.Flag{Key: "y", For: time.Minute})
		one, two := up(t, s, "one:"), up(t, s, "two:")
		if len(one) != 1 || len(two) != 1 || one["x"].Key == "" || two["y"].Key == "" {
			t.Errorf("spaces have %v and %v", slices.Sorted(maps.Keys(one)), slices.Sorted(maps.Keys(two)))
		}
		if n, _, err := s.Beat(t.Context(), "one:", "a", time.Minute); err != nil || n != 2 { // with the observer
			t.Errorf("%d replicas in a space, error %v, want 2", n, err)
		}
	})
}
