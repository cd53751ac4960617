package browser

import (
	"os"
	"os/exec"
	"testing"
)

// names are the programs that are looked for, in this order.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// chromium returns the path of Chromium, and skips the test if there is none. The
// environment's CHROMIUM names another program.
func chromium(t testing.TB) string {
	t.Helper()
	if set := os.Getenv("CHROMIUM"); set != "" {
		path, err := exec.LookPath(set)
		if err != nil {
			t.Fatalf("browser: CHROMIUM is %q, which cannot be run: %v", set, err)
		}
		return path
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("needs Chromium, as one of %q in PATH or as CHROMIUM=/path/to/it: apt-get install chromium", names)
	return ""
}
