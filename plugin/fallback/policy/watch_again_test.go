package policy_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// A right file that cannot be built for a passing reason is used when the reason has
// passed. It is tried once in an interval, and told of when the reason changes. B92
func TestWatchTriesAgainWhatCannotBeBuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		var tries atomic.Int64
		var set sync.Map
		env := func(name string) (string, bool) {
			if name == "FIRST" {
				tries.Add(1)
			}
			if _, ok := set.Load(name); ok {
				return "key", true
			}
			return "", false
		}
		m, file, told := watch(t, "primary: one\nfallbacks: [{name: gone}]",
			policy.WithInterval(time.Minute), policy.WithEnv(env), named("one", "gone"), policy.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
		wait := func(intervals int) []error {
			time.Sleep(time.Duration(intervals) * time.Minute)
			synctest.Wait()
			return told.take()
		}
		const text = "primary: two\nfallbacks: [{name: three}, {name: template-response}, {name: one}]\n" +
			"models: {two: {provider: openai, credential_env: FIRST}, three: {provider: openai, credential_env: SECOND}}"
		writeFile(t, file, text)
		if all := wait(10); len(all) != 1 || all[0] == nil || m.Name() != "one" {
			t.Errorf("without a key: reports %v, %s is in use", all, m.Name())
		}
		if n := tries.Load(); n < 9 || n > 10 {
			t.Errorf("%d builds in 10 intervals, want one in each", n)
		}
		if n := strings.Count(logged.String(), "\n"); n != 1 {
			t.Errorf("%d lines in the log, want one:\n%s", n, logged.String())
		}
		set.Store("FIRST", true)
		if all := wait(10); len(all) != 1 || all[0] == nil || strings.Contains(all[0].Error(), "FIRST") || !strings.Contains(all[0].Error(), "SECOND") {
			t.Errorf("for another reason: reports %v", all)
		}
		set.Store("SECOND", true)
		if all := wait(1); len(all) != 1 || all[0] != nil || m.Name() != "two" {
			t.Errorf("with the keys: reports %v, %s is in use", all, m.Name())
		}
		before := tries.Load()
		if all := wait(10); len(all) > 0 || tries.Load() != before {
			t.Errorf("later: reports %v, %d builds", all, tries.Load()-before)
		}
		set.Delete("FIRST")
		writeFile(t, file, text+" # new")
		if all := wait(5); len(all) != 1 || all[0] == nil {
			t.Errorf("without a key again: reports %v", all)
		}
		writeFile(t, file, "primary: [")
		wait(1)
		before = tries.Load()
		set.Store("FIRST", true)
		if all := wait(10); len(all) > 0 || tries.Load() != before {
			t.Errorf("a broken file: reports %v, %d builds", all, tries.Load()-before)
		}
	})
}

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
