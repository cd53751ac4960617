package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// A short run writes the page that it prints.
func TestTableWritesThePage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	var out, progress strings.Builder
	args := []string{"-rounds", "1", "-for", "1ms", "-rows", "^(healthy call|open breaker in front|hedge, not needed|64 tools)$", "-o", file}
	if err := run(t.Context(), args, &out, &progress); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != out.String() {
		t.Error("the page differs from what is printed")
	}
	for _, want := range []string{
		"## In memory\n", "## Over loopback HTTP\n", "| healthy call |", "| tools: 0 → 64, in memory | × ", "## Where adk-fallback costs more\n", " | cannot: breaker |",
		" | cannot: client |", " | cannot: in memory |", "| github.com/failsafe-go/failsafe-go | v0.9.8 |", "| github.com/cloudwego/eino | v0.9.0 |",
		"| github.com/firebase/genkit/go | v1.12.0 |", "| github.com/maximhq/bifrost/core | v1.7.4 |",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestTableRefusesWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-for", "0s"}, {"-rows", "("}, {"-peers", "("}, {"-rows", "no such row"}, {"-unknown"}} {
		if err := run(t.Context(), args, &strings.Builder{}, &strings.Builder{}); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

// Every reason is for rows and an alternative that exist, and that can do them.
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
