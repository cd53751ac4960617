package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pageOf returns the page that a short run writes, and checks that the run prints the same.
func pageOf(t *testing.T) string {
	t.Helper()
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
	return string(page)
}

func TestTableWritesThePage(t *testing.T) {
	wantIn(t, pageOf(t),
		"## In memory\n", "## Over loopback HTTP\n", "| healthy call |", "| tools: 0 → 64, in memory | × ", "## Where adk-fallback costs more\n", " | cannot: breaker |",
		" | cannot: in memory |", "| github.com/failsafe-go/failsafe-go | v0.9.8 |",
	)
}

func wantIn(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
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
