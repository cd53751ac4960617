package replicas_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
)

// B96: no call fails or waits long because the server is gone, slow or full. When it is back,
// the replicas' shared state converges.
func TestOutages(t *testing.T) {
	for name, o := range map[string]struct {
		args      []string
		fail, end func(*redistest.Server, *redistest.Link)
		forgets   bool // the server has lost what it knew
	}{
		"stopped": {
			fail:    func(s *redistest.Server, _ *redistest.Link) { s.Stop() },
			end:     func(s *redistest.Server, _ *redistest.Link) { s.Restart() },
			forgets: true,
		},
		"frozen": {
			fail: func(s *redistest.Server, _ *redistest.Link) { s.Freeze() },
			end:  func(s *redistest.Server, _ *redistest.Link) { s.Thaw() },
		},
		"slow": {
			fail: func(_ *redistest.Server, l *redistest.Link) { l.Slow(200 * time.Millisecond) },
			end:  func(_ *redistest.Server, l *redistest.Link) { l.Mend() },
		},
		"full": {
			fail: func(s *redistest.Server, _ *redistest.Link) { s.Do("CONFIG SET maxmemory 1mb") },
			end:  func(s *redistest.Server, _ *redistest.Link) { s.Do("CONFIG SET maxmemory 0") },
		},
		"partitioned": {
			fail: func(_ *redistest.Server, l *redistest.Link) { l.Cut() },
			end:  func(_ *redistest.Server, l *redistest.Link) { l.Mend() },
		},
		"refusing": {
			fail: func(_ *redistest.Server, l *redistest.Link) { l.Refuse() },
			end:  func(_ *redistest.Server, l *redistest.Link) { l.Mend() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			link := redistest.NewLink(t, server)
			all := starts(t, 3, setting{URL: link.URL()})
			s := survey{t: t, all: all, forgets: o.forgets}
			s.begin()
			s.phase("healthy", outage(t)/2)
			o.fail(server, link)
			s.phase("outage", outage(t))
			o.end(server, link)
			s.phase("after", outage(t)/2)
			s.converge()
		})
	}
}

// survey watches replicas under load.
type survey struct {
	t       *testing.T
	all     []*process
	forgets bool
	flags   int
}

func (s *survey) begin() {
	for _, p := range s.all {
		p.do(order{Do: "account", Key: "tenant", Limit: 1e15})
		p.do(order{Do: "watch", Key: "cooldown", N: 3})
		if r := p.do(order{Do: "policy", Key: "policy:", Limit: 1e7}); r.Err != "" {
			s.t.Fatal(r.Err)
		}
		p.do(order{Do: "load", Key: "load", Limit: 60e6, Callers: kinds})
	}
}

// phase lets the load run for some time and checks its calls. One replica raises flags
// meanwhile.
func (s *survey) phase(name string, d time.Duration) {
	s.t.Helper()
	time.Sleep(d / 2) // the load
	s.flags++
	s.all[0].do(order{Do: "raise", N: s.flags})
	time.Sleep(d / 2)
	for i, r := range each(s.all, func(int) order { return order{Do: "phase"} }) {
		if r.Err != "" {
			s.t.Errorf("%s: replica %d: calls failed: %.500s", name, i, r.Err)
		}
		s.check(name, i, r.Took)
	}
}

// The longest that shared state may delay a call in an outage, as documented: the first call that
// notices it, and the others at their 99th percentile. Calls of a process get some tolerance.
const (
	maxFirst = 5 * time.Millisecond
	maxMore  = 500 * time.Microsecond
	grace    = time.Millisecond
)

// check checks what calls have cost by their 99th percentile and the longest: those of a
// policy compared to the same policy without state, so that the machine and the policy do not
// count. The first calls in an outage wait until they have noticed it.
func (s *survey) check(name string, replica int, took [kinds][]int64) {
	s.t.Helper()
	var p99, longest [kinds]time.Duration
	for kind, nanos := range took {
		var times []time.Duration
		for _, n := range nanos {
			times = append(times, time.Duration(n))
		}
		if len(times) == 0 {
			s.t.Errorf("%s: replica %d made no call of kind %d", name, replica, kind)
		}
		p99[kind], longest[kind] = percentile(times, 99)
	}
	more, most := p99[shared]-p99[alone], longest[shared]-longest[alone]
	s.t.Logf("%-8s replica %d: %d calls; p99: state %v, policy %v, without state %v; longest %v, %v, %v; so state costs %v at p99 and %v at most", name, replica,
		len(took[shared]), p99[direct], p99[shared], p99[alone], longest[direct], longest[shared], longest[alone], more, most)
	if strict() && name == "outage" && (more > maxMore || most > maxFirst+grace) {
		s.t.Errorf("%s: replica %d: p99 %v, longest %v more than without state; want %v and %v", name, replica, more, most, maxMore, maxFirst)
	}
	if more > 500*time.Millisecond || most > 2*time.Second { // a busy machine
		s.t.Errorf("%s: replica %d: p99 %v, longest %v more than without state", name, replica, more, most)
	}
}

// converge checks that replicas agree again: flags that were raised in the outage are known,
// all spending is, and limits are of all replicas.
func (s *survey) converge() {
	s.t.Helper()
	total := int64(0)
	for _, r := range each(s.all, func(int) order { return order{Do: "stop"} }) {
		total += r.N
	}
	for _, p := range s.all[1:] {
		within(s.t, 10*time.Second, "flags are known", func() bool {
			for _, at := range p.do(order{Do: "seen"}).Times {
				if at == 0 {
					return false
				}
			}
			return true
		})
	}
	for _, p := range s.all {
		within(s.t, 10*time.Second, "spending is known", func() bool { return p.do(order{Do: "spent"}).N == total })
	}
	for try := range 5 {
		if admits(s.t, s.all, fmt.Sprint("after", try), []int{2, 2, 2}) {
			return
		}
	}
	s.t.Log("limits: the machine is too busy for a server that answers within 5 ms, so nothing is known of them")
}
