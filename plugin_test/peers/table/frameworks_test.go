//go:build !noframeworks

package main

import (
	"slices"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

func TestTableHasTheFrameworks(t *testing.T) {
	wantIn(t, pageOf(t), " | cannot: client |", "| github.com/cloudwego/eino | v0.9.0 |", "| github.com/firebase/genkit/go | v1.12.0 |", "| github.com/maximhq/bifrost/core | v1.7.4 |")
}

// Every reason names rows and an alternative that exist, and the alternative can do the rows.
func TestReasonsAreForRows(t *testing.T) {
	for _, r := range reasons {
		for _, name := range r.rows {
			row := slices.IndexFunc(peers.Rows(), func(row peers.Row) bool { return row.Name == name && row.Wire == r.wire })
			peer := slices.IndexFunc(peers.Peers(), func(p peers.Peer) bool { return p.Name == r.peer && p.Alternative })
			if row < 0 || peer < 0 {
				t.Errorf("the reason for %s beside %s has no such row or peer", name, r.peer)
			} else if lacks := peers.Peers()[peer].Cannot(peers.Rows()[row]); lacks != "" {
				t.Errorf("the reason for %s beside %s: the peer lacks %s", name, r.peer, lacks)
			}
		}
	}
}
