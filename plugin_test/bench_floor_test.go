package plugin_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// BenchmarkFloor is what some building blocks cost on the machine at hand: the
// other figures of a run are to be read beside them, since a call that sets one
// timer cannot be faster than a timer.
func BenchmarkFloor(b *testing.B) {
	ctx := b.Context()
	limiter := rate.NewLimiter(1e9, 1e9)
	for _, floor := range []struct {
		name string
		do   func()
	}{
		{"time.Now and Since", func() { _ = time.Since(time.Now()) }},
		{"rate.Allow", func() { limiter.Allow() }},
		{"WithCancel", func() {
			_, cancel := context.WithCancel(ctx)
			cancel()
		}},
		{"AfterFunc and Stop", func() { time.AfterFunc(time.Hour, func() {}).Stop() }},
	} {
		b.Run(floor.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				floor.do()
			}
		})
	}
}
