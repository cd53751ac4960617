//go:build unix

package policy_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// A pipe in the place of the file blocks nobody: nobody may ever write to it. B92
func TestPipesAreNoPolicyFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fallback.yaml")
	pipe := func() {
		t.Helper()
		if err := syscall.Mkfifo(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const problem = "is of type p---------; it must be a regular file"
	pipe()
	if _, err := policy.Load(t.Context(), file, named("one")); err == nil || !strings.Contains(err.Error(), problem) {
		t.Errorf("error %v, want %q", err, problem)
	}
	os.Remove(file)
	writeFile(t, file, "primary: one")
	synctest.Test(t, func(t *testing.T) {
		var told reports
		if _, err := policy.Watch(t.Context(), file, quiet, policy.OnReload(told.add), named("one")); err != nil {
			t.Fatal(err)
		}
		os.Remove(file)
		pipe()
		time.Sleep(time.Minute)
		synctest.Wait()
		if all := told.take(); len(all) != 1 || !strings.Contains(all[0].Error(), problem) {
			t.Errorf("reports %v, want %q", all, problem)
		}
	})
}
