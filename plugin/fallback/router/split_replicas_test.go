package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// A rollback of one replica takes the arm out in the others, also in those that start
// later, and each reports it once. An arm with another name starts anew. B95
func TestRollbackHoldsInAllReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := router.SplitConfig{MaxDrift: 0.1, MinCalls: 10}
		config.State = store.Replica(t)
		a := newDrift(t, config)
		config.State = store.Replica(t)
		b := newDrift(t, config)
		synctest.Wait()
		a.calls("control", 10, answers)
		a.calls("new", 10, fallsOut)
		synctest.Wait()
		if got := b.calls("new", 1, answers).Metadata.Cohort; got != "control" {
			t.Errorf("the other replica serves cohort %q; want the control", got)
		}
		synctest.Wait()
		if len(a.rollbacks) != 1 || a.rollbacks[0].Replica != "" || a.rollbacks[0].Arm.Calls != 10 {
			t.Errorf("the replica that took it out reports %+v", a.rollbacks)
		}
		if len(b.rollbacks) != 1 || b.rollbacks[0].Replica == "" || b.rollbacks[0].Cohort != "new" || b.rollbacks[0].Experiment != "e" {
			t.Errorf("the other reports %+v", b.rollbacks)
		}
		if got := armsOf(b.m)[1]; !got.RolledBack || got.Share != 0 {
			t.Errorf("the other's arm is %+v", got)
		}

		config.State = store.Replica(t)
		late := newDrift(t, config)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := late.calls("new", 1, answers).Metadata.Cohort; got != "control" {
			t.Errorf("a replica that starts later serves cohort %q; want the control", got)
		}
		late.config.State, late.config.Arms[1].Cohort = store.Replica(t), "newer"
		after := router.MustSplit(late.config)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := hear(user(t, late.user["new"]), after, false).Metadata.Cohort; got != "newer" {
			t.Errorf("cohort %q serves; want the arm with its new name", got)
		}
	})
}

// Without the store, an arm is taken out where it drifts. B96
func TestRollbackWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		store.Gone(true)
		config := router.SplitConfig{MaxDrift: 0.1, MinCalls: 10}
		config.State = store.Replica(t)
		a := newDrift(t, config)
		config.State = store.Replica(t)
		b := newDrift(t, config)
		a.calls("control", 10, answers)
		a.calls("new", 10, fallsOut)
		time.Sleep(2 * time.Second)
		if got := a.calls("new", 1, answers).Metadata.Cohort; got != "control" {
			t.Errorf("cohort %q serves; want the control", got)
		}
		if got := b.calls("new", 1, answers).Metadata.Cohort; got != "new" {
			t.Errorf("the other replica serves cohort %q; want the arm", got)
		}
		store.Gone(false)
		time.Sleep(5 * time.Second)
		if got := b.calls("new", 1, answers).Metadata.Cohort; got != "control" {
			t.Errorf("after the outage, the other replica serves cohort %q; want the control", got)
		}
	})
}

// A rollback is kept while a replica has calls of the arm's users, for longer than the store
// keeps it, and ends a day after the last. B95
func TestRollbackIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, slow := statetest.NewStore(), state.Config{Beat: time.Minute} // three days have few of them
		config := router.SplitConfig{MaxDrift: 0.1, MinCalls: 10}
		config.State = store.ReplicaWith(t, slow)
		a := newDrift(t, config)
		synctest.Wait()
		a.calls("control", 10, answers)
		a.calls("new", 10, fallsOut)
		for range 10 { // 30 hours
			time.Sleep(3 * time.Hour)
			a.calls("new", 1, answers)
		}
		for _, test := range []struct {
			after time.Duration
			want  string
		}{{23 * time.Hour, "control"}, {25 * time.Hour, "new"}} {
			time.Sleep(test.after)
			config.State = store.ReplicaWith(t, slow)
			late := newDrift(t, config)
			time.Sleep(time.Second)
			synctest.Wait()
			if got := late.calls("new", 1, answers).Metadata.Cohort; got != test.want {
				t.Errorf("a replica that starts %v later serves cohort %q; want %q", test.after, got, test.want)
			}
			config.State.Close()
		}
	})
}
