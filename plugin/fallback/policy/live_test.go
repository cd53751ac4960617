package policy_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// What a cache fetches in the background goes on over a reload that keeps the
// cache, and ends with one that does not. B85, B92
func TestReloadClosesACacheOnlyWhenItGoes(t *testing.T) {
	const text = "primary: a\ncache: {ttl: 1s, stale_while_revalidate: 1h}\n"
	for _, test := range []struct {
		name, file string
		ended      bool
	}{
		{"the cache stays", text + "timeouts: {total: 1m}\n", false},
		{"another cache", "primary: a\ncache: {ttl: 2s}\n", true},
		{"no cache", "primary: a\n", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var began, ended atomic.Int64
				fetch := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					began.Add(1)
					silent(ctx, req, stream, yield)
					ended.Add(1)
				}
				a := llmtest.NewModel("a", llmtest.Text("a"), fetch)
				l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, models(a))
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				ask(t.Context(), l.Model(), false)
				time.Sleep(2 * time.Second)
				if got := ask(t.Context(), l.Model(), false); got.md.CacheStatus != "stale" {
					t.Fatalf("%+v, want a stale answer", got)
				}
				synctest.Wait()
				if err := l.Replace(t.Context(), parsed(t, test.file)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if began.Load() != 1 || (ended.Load() == 1) != test.ended {
					t.Errorf("%d fetches began, %d ended; want one, ended: %v", began.Load(), ended.Load(), test.ended)
				}
			})
		})
	}
}

// A policy that is put in place after Close has a cache that fetches in the
// background, also if its section is unchanged. B85
func TestReplaceAfterCloseBeginsWithACacheThatWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\ncache: {ttl: 1s, stale_while_revalidate: 1h}\n"
		a := numbered("a")
		l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, policy.Models{"a": a})
		if err != nil {
			t.Fatal(err)
		}
		ask(t.Context(), l.Model(), false)
		for range 2 {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if got := ask(t.Context(), l.Model(), false); got.text != "a1" {
			t.Errorf("closed: %q (%v), want the answer that is kept", got.text, got.err)
		}
		if err := l.Replace(t.Context(), parsed(t, text)); err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for i, want := range []string{"a2", "a2", "a3"} { // missed, stale, and fetched meanwhile
			if got := ask(t.Context(), l.Model(), false); got.text != want {
				t.Errorf("answer %d: %q (%v), want %s", i, got.text, got.err, want)
			}
			synctest.Wait()
			if i == 0 {
				time.Sleep(2 * time.Second)
			}
		}
	})
}
