package main

import (
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// A short run of everything: no call of a healthy provider fails, and the gateway reports
// its goroutines. Figures are for the long run, see doc.go.
func TestShortRun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads the memory of processes from /proc: run it on Linux")
	}
	if testing.Short() {
		t.Skip("builds the command and starts servers: run without -short")
	}
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Log("nginx is not installed, so it is not compared: apt-get install nginx")
	}
	b, err := start(t.Context(), settings{root: "../../..", self: provider(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.stop()
	for _, url := range b.targets() {
		if latencies, failed := openLoop(t.Context(), client(), url, calm, 50, time.Second); failed > 0 || len(latencies) != 50 {
			t.Errorf("%s: %d of %d calls failed", b.name(url), failed, len(latencies))
		}
	}
	if n, failed := closedLoop(t.Context(), b.served, calm, 4, time.Second); failed > 0 || n == 0 {
		t.Errorf("%d of %d calls failed", failed, n)
	}
	refused := 0
	for range 200 {
		if ask(t.Context(), client(), b.keyed, fast, flooding) != nil {
			refused++
		}
	}
	if refused == 0 || refused == 200 {
		t.Errorf("%d of 200 calls of a tenant with 60 a minute were refused; want some", refused)
	}
	if err := listen(t.Context(), client(), b.served, steady); err != nil {
		t.Errorf("a stream: %v", err)
	}
	if _, now := memory(b.gateway.Process.Pid); now == 0 {
		t.Error("the memory of the gateway is not known")
	}
	if n := b.goroutines(); n <= 0 {
		t.Errorf("%d goroutines", n)
	}
}

// provider returns this program, built.
func provider(t *testing.T) string {
	t.Helper()
	program := t.TempDir() + "/load"
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}
