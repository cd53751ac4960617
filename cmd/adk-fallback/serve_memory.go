package main

import (
	"cmp"
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// Garbage is collected when all memory exceeds minHeap and the garbage an eighth of the memory
// in use.
const (
	minHeap      = 256 << 20
	garbageShare = 8
)

// adjustEvery is short, because a collection sets the size for the next one in proportion to the
// memory that is in use at that moment: after few calls, many may begin.
const adjustEvery = 100 * time.Millisecond

// boundGarbage adjusts the garbage collector, until ctx ends. By default, Go lets garbage grow to
// the size of the memory in use. With few calls in progress, this causes a collection for each
// 5 MB, which slows down all calls for 2 to 40 ms (2 cores, 1,000 calls a second); with thousands
// of streams, it doubles the memory. boundGarbage does nothing if the environment sets GOGC.
func boundGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // back to what it was
	least := leastHeap(memoryLimit(cgroupLimit))
	ticker := time.NewTicker(adjustEvery)
	defer ticker.Stop()
	for current := 0; ; {
		// Setting it stops all goroutines for a moment, so small changes are not worth it.
		if percent := gcPercent(memoryInUse(), least); 10*percent < 9*current || 10*percent > 11*current {
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

// cgroupLimit is the file with the limit of a container (cgroup v2).
const cgroupLimit = "/sys/fs/cgroup/memory.max"

// memoryLimit returns the bytes that this process may use: the limit of its container, from a
// file that need not exist, or GOMEMLIMIT if that is lower.
func memoryLimit(file string) uint64 {
	limit := uint64(debug.SetMemoryLimit(-1)) // only reads it
	text, _ := os.ReadFile(file)
	container, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64) // "max" for none
	return min(limit, cmp.Or(container, limit))
}

// leastHeap returns the size of all memory below which no garbage is collected.
func leastHeap(limit uint64) uint64 { return min(minHeap, limit/2) }

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
func gcPercent(inUse, least uint64) int {
	inUse = max(inUse, 4<<20) // Go lets so much gather in any case, in proportion to the percentage
	return int(100 * max(inUse/garbageShare, least-min(inUse, least)) / inUse)
}
