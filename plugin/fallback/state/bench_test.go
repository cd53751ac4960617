package state_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// What a call pays when nothing has to be asked.
func BenchmarkCall(b *testing.B) {
	s, err := state.New(state.NewMemory(), state.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	bucket, account := s.Bucket("model", 1<<40), s.Account("tenant", 1<<60, tomorrow())
	account.Reserve(b.Context(), 1000)
	b.Run("Take", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if wait := bucket.Take(b.Context(), 1); wait > 0 {
				b.Fatal(wait)
			}
		}
	})
	b.Run("Reserve and Settle", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := account.Reserve(b.Context(), 1000); err != nil {
				b.Fatal(err)
			}
			account.Settle(1000, 900)
		}
	})
}
