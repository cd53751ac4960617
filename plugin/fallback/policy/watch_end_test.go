package policy_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// warned is a policy of which each build logs a warning.
const warned = "primary: one\nmodels: {unused: {}}"

// A file that is restored is told of, and the policy in use stays as it is: it is
// not built again. B92
func TestARestoredFileIsNotBuiltAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		_, file, told := watch(t, warned, named("one"), policy.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
		for _, between := range []string{"", "primary: ["} {
			if between == "" {
				os.Remove(file)
			} else {
				writeFile(t, file, between)
			}
			time.Sleep(time.Minute)
			writeFile(t, file, warned)
			time.Sleep(time.Minute)
			synctest.Wait()
			if all := told.take(); len(all) != 2 || all[0] == nil || all[1] != nil {
				t.Errorf("%q, then the file of before: reports %v, want what is wrong, and nothing", between, all)
			}
		}
		if n := strings.Count(logged.String(), "no target uses"); n != 1 {
			t.Errorf("%d builds, want one:\n%s", n, logged.String())
		}
	})
}

// Nobody is told of a file that was being read when the watch has ended. B92
func TestNothingIsToldAfterTheEndOfAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		file, told := filepath.Join(t.TempDir(), "fallback.yaml"), &reports{}
		writeFile(t, file, "primary: one")
		var lines []string
		ends := writerFunc(func(line []byte) {
			lines = append(lines, string(line))
			cancel() // in the middle of the build
		})
		if _, err := policy.Watch(ctx, file, named("one"), policy.WithLogger(slog.New(slog.NewTextHandler(ends, nil))), policy.OnReload(told.add)); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, warned)
		time.Sleep(time.Minute)
		synctest.Wait()
		if all := told.take(); len(lines) != 1 || len(all) > 0 {
			t.Errorf("reports %v, and a log of %q; want no report, and the warning of the build alone", all, lines)
		}
	})
}

type writerFunc func(line []byte)

func (f writerFunc) Write(line []byte) (int, error) {
	f(line)
	return len(line), nil
}
