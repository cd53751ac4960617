package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// build builds the application as go build does and returns its size in MB.
func build(t *testing.T) float64 {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "app")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("an application that imports policy does not build: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}

// A minimal application with a policy is smaller than half as much again as one without,
// 28.8 MB.
func TestApplicationWithPolicyIsSmall(t *testing.T) {
	const limit = 43 // MB, not stripped
	if size := build(t); size > limit {
		t.Errorf("the application has %.1f MB, want at most %d", size, limit)
	} else {
		t.Logf("the application has %.1f MB", size)
	}
}
