// Package promtool runs Prometheus' promtool in tests.
package promtool

import (
	"os/exec"
	"testing"
)

// Run runs promtool with args and returns what it prints, and its error. Without promtool,
// the test is skipped.
func Run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed; on Debian: apt-get install --no-install-recommends prometheus")
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	return string(out), err
}
