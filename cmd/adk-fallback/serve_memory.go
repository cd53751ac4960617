package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage is collected when all memory exceeds minHeap and the garbage an eighth of the memory
// in use.
const (
	minHeap      = 192 << 20
	garbageShare = 8
)

// boundGarbage adjusts the garbage collector each second, until ctx ends. By default, Go lets
// garbage grow to the size of the memory in use. With few calls in progress, this causes a
// collection for each 10 MB; with thousands of streams, it doubles the memory. boundGarbage
// does nothing if the environment sets GOGC.
func boundGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // back to what it was
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for current := 0; ; {
		// Setting it stops all goroutines for a moment, so small changes are not worth it.
		if percent := gcPercent(memoryInUse()); 10*percent < 9*current || 10*percent > 11*current {
			debug.SetGCPercent(percent)
			current = percent
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// memoryInUse returns the bytes of heap, stacks and globals that the collector counts as in use.
func memoryInUse() (bytes uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		bytes += s.Value.Uint64()
	}
	return bytes
}

// gcPercent returns the percentage of the memory in use that may be garbage.
func gcPercent(inUse uint64) int {
	garbage := max(inUse/garbageShare, minHeap-min(inUse, minHeap))
	return int(min(100*garbage/max(inUse, 1), 1000))
}
