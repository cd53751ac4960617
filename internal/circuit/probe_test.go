package circuit_test

import (
	"slices"
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

// While a probe is under way, other calls are refused: until it ends, or has taken OpenFor.
func TestRefusesBesideAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuit.New(circuit.Config{ConsecutiveFailures: 1, Window: time.Hour, OpenFor: time.Minute, MaxOpenFor: time.Minute, SuccessesToClose: 1})
		// expect compares what Refuses reports for now, just before a minute and after it.
		expect := func(when string, want ...bool) {
			t.Helper()
			now := time.Now()
			if got := []bool{c.Refuses(now), c.Refuses(now.Add(time.Minute - 1)), c.Refuses(now.Add(time.Minute))}; !slices.Equal(got, want) {
				t.Errorf("%s: refuses is %v at once, just before and after a minute; want %v", when, got, want)
			}
		}
		pass, _, _, _ := c.Admit(false)
		expect("closed", false, false, false)
		c.End(pass, circuit.Outcome{Result: circuit.Failed})
		expect("open", true, true, false)
		time.Sleep(time.Minute)
		probe, _, _, _ := c.Admit(false)
		expect("beside the probe", true, true, false)
		c.End(probe, circuit.Outcome{})
		expect("after a probe that has shown nothing", false, false, false)
	})
}

// A probe that fails opens the circuit for the time that the target states, even if that is shorter
// than the time that a probe may take.
func TestNextProbeIsDueWhenTheTargetSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuit.New(circuit.Config{ConsecutiveFailures: 1, Window: time.Hour, OpenFor: time.Minute, MaxOpenFor: time.Minute, SuccessesToClose: 1})
		for range 3 {
			pass, _, _, refused := c.Admit(false)
			if refused != nil {
				t.Fatalf("refused: %+v", refused)
			}
			c.End(pass, circuit.Outcome{Result: circuit.Failed, Rest: time.Second, Enough: 1})
			time.Sleep(time.Second)
		}
	})
}

// If the owner's probe shows nothing, the next probes are calls, until the result of one counts.
func TestCallsAreTheProbesAfterTheOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuit.New(circuit.Config{
			ConsecutiveFailures: 1, Window: time.Hour, OpenFor: time.Minute, MaxOpenFor: time.Minute, SuccessesToClose: 1, OwnProbe: time.Second,
		})
		pass, _, _, _ := c.Admit(false)
		c.End(pass, circuit.Outcome{Result: circuit.Failed})
		time.Sleep(time.Minute)
		for i, own := range []bool{true, false, false} {
			pass, _, _, refused := c.Admit(false)
			if pass.Own != own || (refused != nil) != own {
				t.Errorf("probe %d: %+v, refused %v; want that it is the owner's: %v", i, pass, refused, own)
			}
			c.End(pass, circuit.Outcome{})
			c.Probed()
		}
	})
}
