package replicas_test

import (
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
)

// B95: a cooldown of one replica reaches the others at once by a push, and within a second if
// pushes are lost or not permitted.
func TestFlagsReachOtherReplicas(t *testing.T) {
	t.Run("pushed", func(t *testing.T) {
		all := starts(t, 4, setting{URL: redistest.Start(t).URL()})
		spread(t, all, 200, 50*time.Millisecond)
	})
	t.Run("not permitted", func(t *testing.T) {
		server := redistest.Start(t)
		server.Do("ACL SETUSER ada on >s3cret ~* resetchannels +@all")
		all := starts(t, 4, setting{URL: strings.Replace(server.URL(), "unix://", "unix://ada:s3cret@", 1)})
		spread(t, all, 60, time.Second)
	})
	t.Run("lost", func(t *testing.T) {
		server := redistest.Start(t)
		all := starts(t, 4, setting{URL: server.URL()})
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() { // until stop
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					server.Do("CLIENT KILL TYPE pubsub")
				}
			}
		}()
		spread(t, all, 60, time.Second)
		close(stop)
		<-stopped
	})
}

// spread lets one replica raise flags, and measures when the others see them. At most is
// the documented 99th percentile.
func spread(t *testing.T, all []*process, flags int, most time.Duration) {
	t.Helper()
	for _, p := range all {
		p.do(order{Do: "watch", Key: "cooldown", N: flags})
	}
	raised := all[0].do(order{Do: "raise", N: flags, For: 7 * time.Millisecond}).Times
	var took []time.Duration
	for _, p := range all[1:] {
		within(t, 30*time.Second, "all flags seen", func() bool {
			for _, at := range p.do(order{Do: "seen"}).Times {
				if at == 0 {
					return false
				}
			}
			return true
		})
		for i, at := range p.do(order{Do: "seen"}).Times {
			took = append(took, time.Duration(at-raised[i]))
		}
	}
	p99, longest := percentile(took, 99)
	p50, _ := percentile(took, 50)
	t.Logf("%d flags seen by %d replicas: p50 %v, p99 %v, at most %v", flags, len(all)-1, p50, p99, longest)
	if strict() && p99 > most {
		t.Errorf("p99 is %v, want %v", p99, most)
	}
	if longest > most+3*time.Second { // a busy machine
		t.Errorf("a flag was seen after %v", longest)
	}
}
