package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestGCPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		inUse uint64
		want  int
	}{{0, 1000}, {mib, 1000}, {32 * mib, 500}, {96 * mib, 100}, {176 * mib, 12}, {256 * mib, 12}, {4096 * mib, 12}} {
		if got := gcPercent(c.inUse); got != c.want {
			t.Errorf("%d MiB in use: %d%%, want %d%%", c.inUse/mib, got, c.want)
		}
	}
	if got := memoryInUse(); got == 0 || got > 16<<30 {
		t.Errorf("the memory in use is %d bytes", got)
	}
}

// The collector is adjusted while serve runs, and as before afterwards; not at all if the
// environment sets GOGC.
func TestBoundGarbage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	for gogc, adjusted := range map[string]bool{"": true, "77": false} {
		t.Setenv("GOGC", gogc)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			boundGarbage(ctx)
		}()
		for adjusted && percent() == 77 {
			runtime.Gosched()
		}
		cancel()
		<-ended
		if got := percent(); got != 77 {
			t.Errorf("GOGC %q: %d%% afterwards, want 77%%", gogc, got)
		}
	}
}

// percent returns how much garbage may gather.
func percent() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
