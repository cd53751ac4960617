package circuit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/circuit"
)

// The owner's probe ends if a call has become the probe because the owner's took too long.
func TestOwnProbeThatIsReplacedIsNotAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuit.New(circuit.Config{
			ConsecutiveFailures: 1, Window: time.Hour, OpenFor: time.Minute, MaxOpenFor: time.Minute, SuccessesToClose: 3, OwnProbe: time.Second,
		})
		pass, _, _, _ := c.Admit(false)
		c.End(pass, circuit.Outcome{Result: circuit.Failed})
		time.Sleep(time.Minute)
		own, _, _, _ := c.Admit(false)
		c.End(own, circuit.Outcome{Result: circuit.Succeeded})
		if !own.Own || !c.Awaits(own) {
			t.Fatalf("permit %+v, want one of the owner, whose probe is awaited", own)
		}
		time.Sleep(time.Second)
		if pass, _, _, refused := c.Admit(false); pass.Own || pass.Probe == 0 || refused != nil {
			t.Fatalf("permit %+v, refused %v; want that the call is the probe", pass, refused)
		}
		c.End(own, circuit.Outcome{Result: circuit.Succeeded})
		if c.Awaits(own) {
			t.Error("two probes are under way")
		}
	})
}
