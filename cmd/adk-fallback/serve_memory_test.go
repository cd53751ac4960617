package main

import "testing"

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
