package replicas_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// replica is the state of a replica process.
type replica struct {
	url      string
	shared   *state.Shared
	tree     tree // with what is shared
	alone    tree // the same, which shares nothing
	account  *state.SharedAccount
	switches []*state.Switch
	seen     []atomic.Int64 // when each flag was first seen up
	load     *load
}

func newReplica(s setting) (*replica, error) {
	store, err := redis.Open(s.URL)
	if err != nil {
		return nil, err
	}
	shared, err := state.New(store, state.Config{Lease: s.Lease, Timeout: s.Timeout, Logger: slog.New(slog.DiscardHandler)})
	return &replica{url: s.URL, shared: shared}, err
}

func (r *replica) obey(o order) report {
	switch o.Do {
	case "replicas":
		return report{N: int64(r.shared.Inspect().Shared.Replicas)}
	case "flood":
		return r.flood(o)
	case "account":
		r.account = r.shared.Account(o.Key, o.Limit, time.Now().Add(time.Hour))
		return report{}
	case "reserve":
		if err := r.account.Reserve(context.Background(), int64(o.N)); err != nil {
			return report{Err: err.Error()}
		}
		return report{}
	case "settle":
		r.account.Settle(int64(o.N), int64(o.N))
		return report{}
	case "spent":
		return report{N: r.account.Spent()}
	case "watch":
		return r.watch(o)
	case "raise":
		return r.raise(o)
	case "seen":
		var times []int64
		for i := range r.seen {
			times = append(times, r.seen[i].Load())
		}
		return report{Times: times}
	case "policy":
		if err := errors.Join(r.tree.load(o, fmt.Sprintf("state: {url: %q, prefix: %q}", r.url, o.Key)), r.alone.load(o, "")); err != nil {
			return report{Err: err.Error()}
		}
		return report{}
	case "limit":
		if err := r.tree.limit(r.shared, int(o.Limit)); err != nil {
			return report{Err: err.Error()}
		}
		return report{}
	case "down":
		r.tree.down.Store(true)
		return report{}
	case "ask":
		return r.tree.ask(o)
	case "load":
		r.load = r.startLoad(o)
		return report{}
	case "phase":
		return r.load.phase()
	case "stop":
		return r.load.end()
	}
	return report{Err: fmt.Sprintf("unknown order %q", o.Do)}
}

// flood takes one token after the other, without pause but for the time that the bucket says,
// and of that a millisecond at most.
func (r *replica) flood(o order) report {
	bucket := r.shared.Bucket(o.Key, int(o.Limit))
	ctx, cancel := context.WithTimeout(context.Background(), o.For)
	defer cancel()
	var admitted atomic.Int64
	var wg sync.WaitGroup
	began, before := time.Now(), r.shared.Inspect().Shared
	for range o.Callers {
		wg.Go(func() {
			for ctx.Err() == nil {
				wait := bucket.Take(ctx, 1)
				if wait == 0 {
					admitted.Add(1)
				}
				time.Sleep(min(wait, time.Millisecond))
			}
		})
	}
	wg.Wait()
	result := report{N: admitted.Load(), Began: began.UnixNano(), Ended: time.Now().UnixNano()}
	after := r.shared.Inspect().Shared
	result.Lost = !before.Reachable || !after.Reachable || after.Since != before.Since
	return result
}

func flag(key string, i int) string { return fmt.Sprintf("%s-%d", key, i) }

func (r *replica) watch(o order) report {
	r.switches, r.seen = nil, make([]atomic.Int64, o.N)
	for i := range o.N {
		at := &r.seen[i]
		r.switches = append(r.switches, r.shared.Flag(flag(o.Key, i), func(f state.Flag) {
			if f.For > 0 {
				at.CompareAndSwap(0, time.Now().UnixNano())
			}
		}))
	}
	return report{}
}

// raise raises flags, with a pause between them.
func (r *replica) raise(o order) report {
	var times []int64
	for i := range o.N {
		times = append(times, time.Now().UnixNano())
		r.switches[i].Raise(time.Minute, "test")
		time.Sleep(o.For)
	}
	return report{Times: times}
}

// The kinds of calls of a load.
const (
	direct = iota // of package state alone
	shared        // of a policy
	alone         // of the same policy that shares nothing: the machine and the policy, without state
	kinds
)

// load makes calls that use all that is shared, until it is ended.
type load struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	took  [kinds][]int64 // by the calls of this phase; guarded by mu
	spent int64          // by all calls of the account; guarded by mu
	err   error          // of the first call that failed; guarded by mu
}

func (r *replica) startLoad(o order) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel}
	bucket := r.shared.Bucket(o.Key, int(o.Limit))
	for caller := range o.Callers {
		l.wg.Go(func() { // until cancel
			for i := 0; ctx.Err() == nil; i++ {
				began := time.Now()
				var err error
				key := fmt.Sprintf("%s-%d-%d", o.Key, caller, i)
				switch kind := caller % kinds; kind {
				case direct:
					err = r.call(ctx, bucket, key)
				case shared:
					err = r.tree.use(ctx, key)
				case alone:
					err = r.alone.use(ctx, key)
				}
				l.done(caller%kinds, time.Since(began), err)
				time.Sleep(4 * time.Millisecond) // the model answers
			}
		})
	}
	return l
}

// use makes a call of the policy, of a load.
func (t *tree) use(ctx context.Context, prompt string) error {
	if _, err := t.call(ctx, prompt); err != nil && ctx.Err() == nil {
		return fmt.Errorf("the policy: %w", err)
	}
	return nil
}

// price is what each call of a load spends.
const price = 1000

func (r *replica) call(ctx context.Context, bucket *state.SharedBucket, key string) error {
	if wait := bucket.Take(ctx, 1); wait > 0 && ctx.Err() == nil {
		return fmt.Errorf("the limit says to wait %v", wait)
	}
	if err := r.account.Reserve(ctx, price); err != nil && ctx.Err() == nil {
		return fmt.Errorf("the budget refuses: %w", err)
	} else if err != nil {
		r.account.Settle(0, price) // the end of the load; counted as any call
		return nil
	}
	r.shared.Get(ctx, key)
	r.shared.Set(key, []byte("answer"), time.Minute)
	r.account.Settle(price, price)
	return nil
}

func (l *load) done(kind int, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took[kind] = append(l.took[kind], took.Nanoseconds())
	if err != nil {
		l.err = errors.Join(l.err, err)
	} else if kind == direct {
		l.spent += price
	}
}

// phase reports the calls since the phase before.
func (l *load) phase() report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := report{Took: l.took, N: l.spent}
	if l.err != nil {
		r.Err = l.err.Error()
	}
	l.took, l.err = [kinds][]int64{}, nil
	return r
}

func (l *load) end() report {
	l.cancel()
	l.wg.Wait()
	return l.phase()
}
