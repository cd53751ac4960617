package peers_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// BenchmarkPeers measures every row of every peer: the time and, on a machine that
// does other things too the better figure, the processor time of a call.
func BenchmarkPeers(b *testing.B) {
	server := peers.NewServer()
	b.Cleanup(server.Close)
	for _, row := range peers.Rows() {
		for _, peer := range peers.Peers() {
			b.Run(row.Name+"/"+peer.Name, func(b *testing.B) {
				client, err := row.Open(server, peer)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(client.Close)
				if _, err := row.Run(b.Context(), server, client, 200); err != nil { // fills the pools
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.ResetTimer()
				figure, err := row.Run(b.Context(), server, client, b.N)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(figure.CPUPerCall()), "cpu-ns/op")
				b.ReportMetric(float64(figure.Connections)/float64(b.N), "conns/op")
			})
		}
	}
}

// Every peer gets the whole answer, in every row, from the targets that it must ask:
// else its figures say nothing.
func TestPeersAnswer(t *testing.T) {
	server := peers.NewServer()
	t.Cleanup(server.Close)
	for _, row := range peers.Rows() {
		for _, peer := range peers.Peers() {
			t.Run(row.Name+"/"+peer.Name, func(t *testing.T) {
				client, err := row.Open(server, peer)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				if _, err := row.Run(t.Context(), server, client, 130); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
