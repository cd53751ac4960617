package router_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func says(name string) *llmtest.Model { return llmtest.NewModel(name, llmtest.Text("from "+name)) }

func user(t *testing.T, id string) context.Context {
	return call.With(t.Context(), call.Info{User: id, Session: "s" + id})
}

// arms shares calls between flash and pro.
func arms(flash, pro int) []router.Arm {
	return []router.Arm{{Cohort: "control", Weight: flash, Model: says("flash")}, {Cohort: "pro", Weight: pro, Model: says("pro")}}
}

func TestSplitWritesExperimentAndCohort(t *testing.T) {
	for _, test := range []struct {
		name string
		arms []router.Arm
		want call.Metadata
	}{
		{"control", arms(1, 0), call.Metadata{ModelName: "flash", ExperimentID: "e", Cohort: "control"}},
		{"other arm", arms(0, 1), call.Metadata{ModelName: "pro", ExperimentID: "e", Cohort: "pro"}},
		{"cohort by default", []router.Arm{{Weight: 1, Model: says("flash")}}, call.Metadata{ModelName: "flash", ExperimentID: "e", Cohort: "flash"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := hear(user(t, "u"), router.MustSplit(router.SplitConfig{Experiment: "e", Arms: test.arms}), true)
			if diff := cmp.Diff(test.want, got.Metadata); diff != "" || got.Err != nil {
				t.Errorf("error %v, metadata (-want +got):\n%s", got.Err, diff)
			}
		})
	}
}

// cohortsOf returns the cohort of each of n callers.
func cohortsOf(t *testing.T, config router.SplitConfig, n int, caller func(i int) call.Info) []string {
	t.Helper()
	m := router.MustSplit(config)
	var cohorts []string
	for i := range n {
		cohorts = append(cohorts, hear(call.With(t.Context(), caller(i)), m, false).Metadata.Cohort)
	}
	return cohorts
}

func count(all []string, what string) (n int) {
	for _, one := range all {
		if one == what {
			n++
		}
	}
	return n
}

// Also for IDs that differ in their last digit only.
func TestSplitKeepsItsWeights(t *testing.T) {
	const n = 4000
	for _, share := range []int{0, 1, 5, 50, 99, 100} {
		for name, caller := range map[string]func(i int) call.Info{
			"users":   func(i int) call.Info { return call.Info{User: fmt.Sprint("user", i)} },
			"nothing": func(int) call.Info { return call.Info{} },
		} {
			got := count(cohortsOf(t, router.SplitConfig{Experiment: "e", Arms: arms(100-share, share)}, n, caller), "pro")
			p := float64(share) / 100
			want, sigma := p*n, math.Sqrt(p*(1-p)*n)
			if math.Abs(float64(got)-want) > 5*sigma {
				t.Errorf("%s, share %d %%: %d of %d, want about %.0f", name, share, got, n, want)
			}
		}
	}
}

func TestSplitIsSticky(t *testing.T) {
	for _, test := range []struct {
		name   string
		by     router.SplitBy
		caller func(i int) call.Info // all of them are one to the split
	}{
		{"a user's sessions", "", func(i int) call.Info { return call.Info{User: "u", Session: fmt.Sprint(i)} }},
		{"by user", router.ByUser, func(i int) call.Info { return call.Info{User: "u", Session: fmt.Sprint(i)} }},
		{"by session", router.BySession, func(i int) call.Info { return call.Info{User: fmt.Sprint(i), Session: "s"} }},
		{"the session of an unknown user", router.ByUser, func(i int) call.Info { return call.Info{Session: "s", Invocation: fmt.Sprint(i)} }},
		{"the user of an unknown session", router.BySession, func(i int) call.Info { return call.Info{User: "u", Invocation: fmt.Sprint(i)} }},
		{"the turn of an unknown caller", "", func(i int) call.Info { return call.Info{Invocation: "i", Branch: fmt.Sprint(i)} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := router.SplitConfig{Experiment: "e", By: test.by, Arms: arms(1, 1)}
			one := cohortsOf(t, config, 50, test.caller)
			another := cohortsOf(t, config, 50, test.caller) // another replica
			if got := slices.Compact(append(one, another...)); len(got) != 1 {
				t.Errorf("cohorts %v, want one", got)
			}
		})
	}
}

func TestUsersOfOneSessionIDAreSplit(t *testing.T) {
	got := cohortsOf(t, router.SplitConfig{Arms: arms(1, 1)}, 100, func(i int) call.Info { return call.Info{User: fmt.Sprint(i), Session: "s"} })
	if n := count(got, "pro"); n < 20 || n > 80 {
		t.Errorf("%d of 100 users in one arm, want about half", n)
	}
}

// The documented formula, so that an analyst can repeat the choice elsewhere:
// python3 -c 'import hashlib; print([int.from_bytes(hashlib.sha256(b"e\0user%d"%i).digest()[:8],"big")*100>>64 for i in range(8)])'
func TestSplitFollowsItsFormula(t *testing.T) {
	want := []int{66, 44, 62, 25, 85, 9, 98, 92}
	for i, at := range want {
		info := call.Info{User: fmt.Sprint("user", i)}
		for share, cohort := range map[int]string{at: "pro", at + 1: "control"} {
			got := cohortsOf(t, router.SplitConfig{Experiment: "e", Arms: arms(share, 100-share)}, 1, func(int) call.Info { return info })
			if got[0] != cohort {
				t.Errorf("user%d is in %s with %d %% in control, want %s", i, got[0], share, cohort)
			}
		}
	}
}

// A gradual rollout only moves users towards the new arm.
func TestLargerShareKeepsItsUsers(t *testing.T) {
	const n = 500
	caller := func(i int) call.Info { return call.Info{User: fmt.Sprint(i)} }
	var before []string
	for _, share := range []int{0, 5, 20, 50, 100} {
		now := cohortsOf(t, router.SplitConfig{Experiment: "e", Arms: arms(100-share, share)}, n, caller)
		for i := range before {
			if before[i] == "pro" && now[i] != "pro" {
				t.Fatalf("user %d left the arm when its share grew to %d %%", i, share)
			}
		}
		before = now
	}
}

func TestExperimentsAreIndependent(t *testing.T) {
	const n = 1000
	caller := func(i int) call.Info { return call.Info{User: fmt.Sprint(i)} }
	one := cohortsOf(t, router.SplitConfig{Experiment: "one", Arms: arms(1, 1)}, n, caller)
	two := cohortsOf(t, router.SplitConfig{Experiment: "two", Arms: arms(1, 1)}, n, caller)
	both := 0
	for i := range n {
		if one[i] == "pro" && two[i] == "pro" {
			both++
		}
	}
	if both < n/4-n/10 || both > n/4+n/10 {
		t.Errorf("%d of %d users are in the same arm of both, want about a quarter", both, n)
	}
}

// Who was in the experiment is told although another model had to answer.
func TestCohortStaysWhenARouterAroundFallsBack(t *testing.T) {
	broken := []router.Arm{{Cohort: "new", Weight: 1, Model: llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))}}
	m := router.MustFallback(router.Config{}, router.MustSplit(router.SplitConfig{Experiment: "e", Arms: broken}), says("pro"))
	got := hear(user(t, "u"), m, false).Metadata
	if got.Cohort != "new" || got.ExperimentID != "e" || got.ModelName != "pro" || !got.Triggered || got.OriginalModel != "flash" {
		t.Errorf("metadata %+v", got)
	}
}

// B63: an arm that is not the first is its turn's own model.
func TestArmKeepsItsSignatures(t *testing.T) {
	pro := llmtest.NewModel("pro", llmtest.Call("c", "lookup", "sig", nil))
	m := router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Model: says("flash")}, {Weight: 1, Model: pro}}})
	for resp, err := range m.GenerateContent(t.Context(), userSays("hi"), false) {
		if err != nil || string(resp.Content.Parts[0].ThoughtSignature) != "sig" {
			t.Errorf("response %+v, error %v, want the signature", resp, err)
		}
	}
}

// B15
func TestNewSplitNamesEveryWrongField(t *testing.T) {
	one := []router.Arm{{Weight: 1, Model: says("flash")}}
	for _, test := range []struct {
		name   string
		config router.SplitConfig
		want   []string
	}{
		{"no arms", router.SplitConfig{}, []string{"SplitConfig.Arms: 0 with a sum of weights of 0"}},
		{"no weight", router.SplitConfig{Arms: []router.Arm{{Model: says("flash")}}}, []string{"SplitConfig.Arms: 1 with a sum of weights of 0"}},
		{"nil model", router.SplitConfig{Arms: []router.Arm{{Weight: 1}}}, []string{"Arms[0].Model is nil"}},
		{"nil pointer", router.SplitConfig{Arms: []router.Arm{{Weight: 1, Model: (*llmtest.Model)(nil)}}}, []string{"Arms[0].Model is nil"}},
		{"negative weight", router.SplitConfig{Arms: []router.Arm{{Weight: -1, Model: says("flash")}}}, []string{"Arms[0].Weight: -1"}},
		{"huge weight", router.SplitConfig{Arms: []router.Arm{{Weight: math.MaxInt, Model: says("flash")}}}, []string{"Arms[0].Weight: 9223372036854775807"}},
		{"same cohort", router.SplitConfig{Arms: append(arms(1, 1), router.Arm{Cohort: "pro", Model: says("x")})}, []string{`Arms[2].Cohort: "pro" is the cohort of Arms[1]`}},
		{"cohort of a name", router.SplitConfig{Arms: []router.Arm{{Cohort: "pro", Weight: 1, Model: says("x")}, {Model: says("pro")}}}, []string{`Arms[1].Cohort: "pro"`}},
		{"all at once", router.SplitConfig{Arms: one, By: "tenant", MaxDrift: 2, MinCalls: -1, Window: -1},
			[]string{`SplitConfig.By: "tenant"`, "SplitConfig.MaxDrift: 2", "SplitConfig.MinCalls: -1", "SplitConfig.Window: -1ns"}},
		{"negative drift", router.SplitConfig{Arms: one, MaxDrift: -0.1}, []string{"SplitConfig.MaxDrift: -0.1"}},
		{"no number", router.SplitConfig{Arms: one, MaxDrift: math.NaN()}, []string{"SplitConfig.MaxDrift: NaN"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := router.NewSplit(test.config)
			if m != nil || err == nil {
				t.Fatalf("NewSplit = %v, %v, want an error", m, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			defer func() {
				if recover() == nil {
					t.Error("MustSplit did not panic")
				}
			}()
			router.MustSplit(test.config)
		})
	}
}

func TestArmsMayHaveModelsOfOneName(t *testing.T) {
	m, err := router.NewSplit(router.SplitConfig{Arms: []router.Arm{{Cohort: "a", Weight: 1, Model: says("flash")}, {Cohort: "b", Model: says("flash")}}})
	if err != nil {
		t.Fatal(err)
	}
	var _ model.LLM = m
}

// That a user's arm is not the first is no fallback.
func TestArmOfTheFirstTargetIsNoFallback(t *testing.T) {
	pro := llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("from pro"))
	split := router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Model: says("flash")}, {Weight: 1, Model: pro}}})
	m := router.MustFallback(router.Config{}, split, says("backup"))
	if got := hear(user(t, "ada"), m, false).Metadata; got.OriginalModel != "pro" || got.FallbackModel != "backup" {
		t.Errorf("%q fell back to %q, want pro to backup", got.OriginalModel, got.FallbackModel)
	}
	if got := hear(user(t, "bob"), m, false).Metadata; got.Triggered || got.ModelName != "pro" {
		t.Errorf("metadata %+v, want pro's answer without a fallback", got)
	}
}
