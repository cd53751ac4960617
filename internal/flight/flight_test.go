package flight_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/flight"
)

var key = digest.Sum{1}

// B85
func TestWaitingCallsLearnHowTheFlightEnded(t *testing.T) {
	answer := "answer"
	for name, c := range map[string]struct {
		answer    *string
		failed    bool
		wantAlone bool
	}{
		"answer":                {answer: &answer},
		"answer, failed since":  {answer: &answer, failed: true},
		"no answer, gave up":    {},
		"no answer, has failed": {failed: true, wantAlone: true},
	} {
		t.Run(name, func(t *testing.T) {
			var g flight.Group[string]
			f, mine := g.Join(key)
			if !mine {
				t.Fatal("the first to join does not own the flight")
			}
			if other, mine := g.Join(key); mine || other != f {
				t.Fatal("the second to join does not get the first one's flight")
			}
			g.Land(key, f, c.answer, c.failed)
			g.Land(key, f, nil, !c.failed) // it has landed
			p := flight.NewPatience(time.Minute)
			defer p.Stop()
			got, alone, err := f.Wait(t.Context(), p)
			if got != c.answer || alone != c.wantAlone || err != nil {
				t.Errorf("Wait = %v, alone %t, %v; want %v, alone %t", got, alone, err, c.answer, c.wantAlone)
			}
			if _, mine := g.Join(key); !mine {
				t.Error("a call after the landing must own a flight")
			}
		})
	}
}

func TestPatienceThatWasNotNeededStops(*testing.T) {
	flight.NewPatience(time.Minute).Stop()
}

func TestPatienceIsForAllWaitsOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string]
		p := flight.NewPatience(time.Minute)
		defer p.Stop()
		started := time.Now()
		for i := range 3 {
			f, _ := g.Join(digest.Sum{byte(i)})
			if answer, alone, err := f.Wait(t.Context(), p); answer != nil || !alone || err != nil {
				t.Errorf("wait %d = %v, alone %t, %v; want alone", i, answer, alone, err)
			}
		}
		if took := time.Since(started); took != time.Minute {
			t.Errorf("three waits took %v, want the patience of 1m", took)
		}
	})
}

func TestCancelledWaitReturnsTheContextsError(t *testing.T) {
	var g flight.Group[string]
	f, _ := g.Join(key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := flight.NewPatience(time.Minute)
	defer p.Stop()
	if _, alone, err := f.Wait(ctx, p); alone || err != context.Canceled {
		t.Errorf("Wait: alone %t, %v; want context.Canceled", alone, err)
	}
}
