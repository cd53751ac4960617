package router_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// cachedSplit is a chain of a split and a backup, behind one cache.
func cachedSplit(t *testing.T, config router.SplitConfig, backup model.LLM) model.LLM {
	t.Helper()
	c := cache.MustNew(cache.Config{})
	t.Cleanup(func() { c.Close() })
	split := router.MustSplit(config)
	m, err := router.SplitAhead(split, router.MustFallback(router.Config{}, split, backup), func(arm int) middleware.Middleware {
		return c.Middleware(config.Arms[arm].Cohort)
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// B86: who is in one arm gets no answer of the other's, and a hit says whose it
// is.
func TestCacheTellsTheArmsApart(t *testing.T) {
	for name, users := range map[string]func(i int) call.Info{
		"users":        func(i int) call.Info { return call.Info{User: fmt.Sprint("u", i)} },
		"random draws": func(int) call.Info { return call.Info{} },
	} {
		t.Run(name, func(t *testing.T) {
			m := cachedSplit(t, router.SplitConfig{Experiment: "e", Arms: arms(1, 1)}, says("backup"))
			misses, others := map[string]int{}, map[string]bool{}
			for i := range 100 {
				md := hear(call.With(t.Context(), users(i)), m, i%2 == 0).Metadata
				what := strings.Join([]string{md.ExperimentID, md.Cohort, md.ModelName}, " ")
				if md.CacheStatus == call.CacheMiss {
					misses[what]++
				} else {
					others[what+" "+md.CacheStatus] = true
				}
			}
			if diff := cmp.Diff(map[string]int{"e control flash": 1, "e pro pro": 1}, misses); diff != "" {
				t.Errorf("misses (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]bool{"e control flash hit": true, "e pro pro hit": true}, others); diff != "" {
				t.Errorf("others (-want +got):\n%s", diff)
			}
		})
	}
}

// An arm that is down is asked again: that its users are served by a backup is
// what the experiment is to tell.
func TestBackupOfAnArmIsNoHit(t *testing.T) {
	pro := llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrUnavailable))
	config := router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Model: says("flash")}, {Weight: 1, Model: pro}}}
	m := cachedSplit(t, config, says("backup"))
	for range 2 {
		md := hear(t.Context(), m, false).Metadata
		if md.OriginalModel != "pro" || md.ModelName != "backup" || md.Cohort != "pro" || md.CacheStatus != call.CacheMiss {
			t.Errorf("metadata %+v, want a fallback of pro's", md)
		}
	}
	if diff := cmp.Diff(inspect.Arm{Cohort: "pro", Share: 1, Calls: 2, Errors: 2}, armsOf(m)[1]); diff != "" {
		t.Errorf("the arm (-want +got):\n%s", diff)
	}
}

func TestSplitAheadNamesEveryWrongArgument(t *testing.T) {
	split := router.MustSplit(router.SplitConfig{Arms: arms(1, 1)})
	none := func(int) middleware.Middleware { return nil }
	for want, call := range map[string]func() (model.LLM, error){
		"split is not a model of NewSplit": func() (model.LLM, error) { return router.SplitAhead(says("flash"), split, none) },
		"m is nil":                         func() (model.LLM, error) { return router.SplitAhead(nil, nil, nil) },
		"front is nil":                     func() (model.LLM, error) { return router.SplitAhead(nil, nil, nil) },
		"front(0) is nil":                  func() (model.LLM, error) { return router.SplitAhead(split, split, none) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), "router: SplitAhead: "+want+"; must be ") {
			t.Errorf("error %v, want one that says that %s", err, want)
		}
	}
}
