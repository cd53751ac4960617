package peers_test

import (
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// Some peers log each failover.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// Every peer gets the whole answer in every row that it can do, and calls the targets
// that the row says. Otherwise its figures would be meaningless.
func TestPeersAnswer(t *testing.T) {
	for _, row := range peers.Rows() {
		for _, peer := range peers.Peers() {
			if peer.Cannot(row) != "" {
				continue
			}
			row = shortened(row)
			t.Run(where(row)+"/"+row.Name+"/"+peer.Name, func(t *testing.T) {
				site, err := row.Open(t.Context(), peer)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(site.Close)
				var answer strings.Builder
				if err := site.Call(t.Context(), func(text string) { answer.WriteString(text) }); err != nil {
					t.Fatal(err)
				}
				if got, want := answer.String(), strings.Join(site.Text, ""); got != want {
					t.Errorf("the answer has %d bytes, want %d; it begins with %.40q", len(got), len(want), got)
				}
				if _, err := site.Run(t.Context(), max(row.Parallel, 2)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// shortened returns the row with a smaller size, for a quick test. The table measures
// the full size.
func shortened(r peers.Row) peers.Row {
	r.Chunks, r.Messages, r.Bytes, r.Parallel = min(r.Chunks, 100), min(r.Messages, 100), min(r.Bytes, 1<<16), min(r.Parallel, 64)
	return r
}

// BenchmarkPeers measures every row of every peer that can do it. A name is of the
// form in_memory/ROW/PEER, so that a profile may have one side only.
func BenchmarkPeers(b *testing.B) {
	for _, row := range peers.Rows() {
		for _, peer := range peers.Peers() {
			if peer.Cannot(row) != "" {
				continue
			}
			b.Run(where(row)+"/"+row.Name+"/"+peer.Name, func(b *testing.B) {
				site, err := row.Open(b.Context(), peer)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(site.Close)
				b.ReportAllocs()
				b.ResetTimer()
				figure, err := site.Run(b.Context(), b.N)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(figure.CPU)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

func where(r peers.Row) string {
	if r.Wire {
		return "over HTTP"
	}
	return "in memory"
}
