package state_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// ear is a function for [state.Shared.Flag] that keeps what it hears.
type ear struct {
	mu    sync.Mutex
	heard []state.Flag
}

func (e *ear) on(f state.Flag) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, f)
}

// take returns what was heard since the latest time.
func (e *ear) take() []state.Flag {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// team returns so many replicas named a, b, … on stores that all lead to one in memory.
func team(t *testing.T, n int, config state.Config) (replicas []*state.Shared, stores []*faulty) {
	t.Helper()
	memory := state.NewMemory()
	for i := range n {
		store := &faulty{}
		store.store.Store(memory)
		config.Replica = string(rune('a' + i))
		replicas, stores = append(replicas, replica(t, store, config)), append(stores, store)
	}
	time.Sleep(state.DefaultBeat) // all know each other
	synctest.Wait()
	return replicas, stores
}

// B95
func TestFlagIsKnownToAllReplicasAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 3, state.Config{})
		var a, b, c ear
		raiser := replicas[0].Flag("down", a.on)
		lowerer := replicas[1].Flag("down", b.on)
		other := replicas[2].Flag("down", c.on)

		raiser.Raise(time.Minute, "rate limit")
		synctest.Wait()
		up := []state.Flag{{Key: "down", For: time.Minute, Reason: "rate limit", From: "a"}}
		check(t, "the raiser", a.take(), nil)
		check(t, "another", b.take(), up)
		check(t, "a third", c.take(), up)

		time.Sleep(20*time.Second + 123*time.Millisecond) // between beats
		lowerer.Lower()
		synctest.Wait()
		down := []state.Flag{{Key: "down", From: "b"}}
		check(t, "the raiser", a.take(), down)
		check(t, "the lowerer", b.take(), nil)
		check(t, "a third", c.take(), down)

		other.Raise(time.Hour, "x")
		other.Raise(time.Second, "y") // replaces the first
		synctest.Wait()
		for _, heard := range [][]state.Flag{a.take(), b.take()} {
			if n := len(heard); n == 0 || heard[n-1] != (state.Flag{Key: "down", For: time.Second, Reason: "y", From: "c"}) {
				t.Errorf("heard %+v, want y at last", heard)
			}
		}
		runtime.KeepAlive(raiser)
	})
}

func check(t *testing.T, who string, got, want []state.Flag) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s heard (-want +got):\n%s", who, diff)
	}
}

// B95
func TestFlagIsKnownWithinASecondWithoutPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{})
		for _, s := range stores {
			s.deaf.Store(true)
		}
		var b ear
		w, other := replicas[0].Flag("down", nil), replicas[1].Flag("down", b.on)
		time.Sleep(123 * time.Millisecond)
		w.Raise(time.Minute, "server")
		time.Sleep(time.Second)
		synctest.Wait()
		heard := b.take()
		if len(heard) != 1 || heard[0].For < 59*time.Second || heard[0].Reason != "server" {
			t.Errorf("raised: heard %+v", heard)
		}
		time.Sleep(10 * time.Second)
		check(t, "meanwhile, another", b.take(), nil)
		w.Lower()
		time.Sleep(time.Second)
		synctest.Wait()
		if heard := b.take(); len(heard) != 1 || heard[0].For != 0 {
			t.Errorf("lowered: heard %+v", heard)
		}
		runtime.KeepAlive(other)
	})
}

func TestSwitchOfARaisedFlagIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		first := replicas[0].Flag("down", nil)
		first.Raise(time.Minute, "server")
		synctest.Wait()
		time.Sleep(10 * time.Second)
		want := []state.Flag{{Key: "down", For: 50 * time.Second, Reason: "server", From: "a"}}
		for i, s := range replicas { // its own replica's too, as after a reload
			var e ear
			w := s.Flag("down", e.on)
			synctest.Wait()
			check(t, string(rune('a'+i)), e.take(), want)
			w.Stop()
			first.Lower()
			synctest.Wait()
			check(t, "a stopped switch", e.take(), nil)
			first.Raise(50*time.Second, "server")
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		var e ear
		w := replicas[1].Flag("down", e.on)
		time.Sleep(time.Second)
		check(t, "after its end, a switch", e.take(), nil)
		runtime.KeepAlive(w)
	})
}

// A reloaded policy has new switches: the old ones must not stay.
func TestSwitchIsNotKeptAlive(t *testing.T) {
	s := replica(t, state.NewMemory(), state.Config{})
	collected := make(chan bool)
	func() {
		w := s.Flag("down", func(state.Flag) {})
		w.Raise(time.Hour, "server")
		runtime.AddCleanup(w, func(c chan bool) { close(c) }, collected)
	}()
	for try := 0; ; try++ {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-time.After(10 * time.Millisecond):
			if try == 500 {
				t.Fatal("the switch is kept alive")
			}
		}
	}
}

func TestPanicOfAToldFunctionIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		replicas, _ := team(t, 2, state.Config{Logger: log.logger()})
		var e ear
		broken := replicas[1].Flag("down", func(state.Flag) { panic("my prompt") })
		sound := replicas[1].Flag("down", e.on)
		replicas[0].Flag("down", nil).Raise(time.Minute, "server")
		synctest.Wait()
		if len(e.take()) != 1 {
			t.Error("the next switch was not told")
		}
		log.check(t, "a function that was told of a flag has panicked")
		runtime.KeepAlive(broken)
		runtime.KeepAlive(sound)
	})
}

// A reason can come from a provider, and reaches the records of other replicas.
func TestReasonIsOneShortLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		var e ear
		w := replicas[1].Flag("down", e.on)
		replicas[0].Flag("down", nil).Raise(time.Minute, "two\nlines\x1b[31m"+string(make([]byte, 1000)))
		synctest.Wait()
		heard := e.take()
		if len(heard) != 1 || len(heard[0].Reason) > 256 || heard[0].Reason[:9] != "two lines" {
			t.Errorf("heard %q", heard)
		}
		runtime.KeepAlive(w)
	})
}

// What the store forgets, the replicas do too; and what ends leaves nothing.
func TestReplicaThatComesLaterLearnsOfFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := state.NewMemory()
		a := replica(t, memory, state.Config{Replica: "a"})
		a.Flag("down", nil).Raise(time.Minute, "server")
		time.Sleep(20 * time.Second)
		b := replica(t, memory, state.Config{Replica: "b"})
		var e ear
		w := b.Flag("down", e.on)
		time.Sleep(time.Second)
		check(t, "a new replica", e.take(), []state.Flag{{Key: "down", For: 40 * time.Second, Reason: "server", From: "a"}})
		runtime.KeepAlive(w)
	})
}

// given what one replica has done, the other must not be misled by what comes late.
func TestLatestStateOfAFlagWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
		var a, b ear
		one, two := replicas[0].Flag("down", a.on), replicas[1].Flag("down", b.on)

		// Lowered, though it is not up: nothing is sent that could lower another's.
		stores[0].calls.Store(0)
		one.Lower()
		one.Raise(-time.Second, "over already")
		synctest.Wait()
		if n := stores[0].calls.Load(); n != 0 {
			t.Errorf("%d calls of the store for a flag that is down", n)
		}

		// Raised while the store is gone, and over before it is back: another's stays.
		stores[0].set(refused)
		time.Sleep(time.Second)
		one.Raise(2*time.Second, "short")
		two.Raise(time.Hour, "long")
		time.Sleep(5 * time.Second)
		stores[0].set(healthy)
		time.Sleep(4 * time.Second)
		heard := a.take()
		if n := len(heard); n == 0 || heard[n-1].Reason != "long" {
			t.Errorf("the replica that was alone heard %+v, want long at last", heard)
		}
		check(t, "the other", b.take(), nil)

		// Raised while the store is gone, and still up: it is the latest.
		stores[0].set(refused)
		time.Sleep(time.Second)
		one.Raise(time.Minute, "mine")
		time.Sleep(20 * time.Second)
		stores[0].set(healthy)
		time.Sleep(2 * time.Second)
		heard = b.take()
		if n := len(heard); n == 0 || heard[n-1].Reason != "mine" || heard[n-1].For > 40*time.Second {
			t.Errorf("the other heard %+v, want mine at last, for what is left of it", heard)
		}
		check(t, "the replica that was alone", a.take(), nil)
		runtime.KeepAlive(two)
	})
}

// Another program may have written to the store.
func TestReasonFromTheStoreIsOneShortLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{})
		var e ear
		w := replicas[0].Flag("down", e.on)
		stores[0].store.Load().Raise(t.Context(), state.DefaultPrefix, state.Flag{Key: "down", For: time.Minute, Reason: "two\nlines", From: "x"})
		synctest.Wait()
		check(t, "the replica", e.take(), []state.Flag{{Key: "down", For: time.Minute, Reason: "two lines", From: "x"}})
		runtime.KeepAlive(w)
	})
}

func TestNoSwitchDoesNothing(t *testing.T) {
	var s *state.Shared
	w := s.Flag("down", func(state.Flag) { t.Error("a flag is up") })
	w.Raise(time.Minute, "server")
	w.Lower()
	w.Stop()
}
