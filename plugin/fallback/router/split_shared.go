package router

import (
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// How long a rollback holds in other replicas, and the time after which it is renewed while the
// arm has calls.
const (
	rollbackFor   = 24 * time.Hour
	rollbackAgain = time.Hour
)

// share learns of the rollbacks of other replicas.
func (s *split) share() {
	if s.config.State == nil || s.config.MaxDrift == 0 {
		return
	}
	for _, a := range s.arms[1:] { // the control stays
		key := fmt.Sprintf("rollback:%q %q %q", s.config.Experiment, a.cohort, a.layer.Name())
		a.flag = s.config.State.Flag(key, func(f state.Flag) {
			if f.For > 0 && a.out.CompareAndSwap(false, true) {
				s.tell(Rollback{Experiment: s.config.Experiment, Cohort: a.cohort, Replica: f.From})
			}
		})
	}
}

// renew tells other replicas that the arm is removed, unless it has told them lately.
func (a *arm) renew() {
	if a.flag == nil {
		return
	}
	now, before := time.Now().UnixNano(), a.renewed.Load()
	if before == 0 || now-before >= int64(rollbackAgain) {
		if a.renewed.CompareAndSwap(before, now) {
			a.flag.Raise(rollbackFor, "an arm of an experiment was taken out")
		}
	}
}
