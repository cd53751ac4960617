package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestGCPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		inUse, limit uint64
		want         int
	}{
		{0, math.MaxInt64, 6300}, {mib, math.MaxInt64, 6300}, {8 * mib, math.MaxInt64, 3100}, {32 * mib, math.MaxInt64, 700}, {128 * mib, math.MaxInt64, 100},
		{240 * mib, math.MaxInt64, 12}, {4096 * mib, math.MaxInt64, 12}, {32 * mib, 128 * mib, 100}, {96 * mib, 128 * mib, 12},
	} {
		if got := gcPercent(c.inUse, leastHeap(c.limit)); got != c.want {
			t.Errorf("%d MiB in use of %d: %d%%, want %d%%", c.inUse/mib, c.limit/mib, got, c.want)
		}
	}
	if got := memoryInUse(); got == 0 || got > 16<<30 {
		t.Errorf("the memory in use is %d bytes", got)
	}
}

func TestMemoryLimit(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(64 << 20))
	for text, want := range map[string]uint64{"33554432\n": 32 << 20, "134217728\n": 64 << 20, "max\n": 64 << 20, "": 64 << 20} {
		file := filepath.Join(t.TempDir(), "memory.max")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := memoryLimit(file); got != want {
			t.Errorf("a container with the limit %q, GOMEMLIMIT 64 MiB: %d, want %d", text, got, want)
		}
	}
	if got := memoryLimit(filepath.Join(t.TempDir(), "none")); got != 64<<20 {
		t.Errorf("no container, GOMEMLIMIT 64 MiB: %d", got)
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
