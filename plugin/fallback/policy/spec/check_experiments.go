package spec

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// experiments finds experiments whose arms, shares or targets are wrong.
func (c *checker) experiments() {
	taken := make(map[string]string) // the experiment of a target
	for _, id := range slices.Sorted(maps.Keys(c.Experiments)) {
		path, e := at("experiments", id), c.Experiments[id]
		c.arms(at(path, "arms"), e.Arms)
		c.adaptive(path, e)
		name := e.Target
		if name == "" {
			name = c.Primary
		}
		targets, allowed := c.models(), "the primary nor a model among the fallbacks"
		if len(c.chain) > 0 && c.chain[0].Cheap != nil && !c.chain[0].Cheap.LastResort() {
			targets, allowed = append(targets, *c.chain[0].Cheap), "the primary, cascade.model nor a model among the fallbacks"
		}
		i := slices.IndexFunc(targets, func(t Target) bool { return t.Model == c.canonical(name) })
		if i < 0 {
			if e.Target != "" {
				c.err(at(path, "target"), quoted(name)+" is neither "+allowed+didYouMean(name, c.mentioned())+"; name one of them")
			}
			continue
		}
		control := targets[i].Model
		if taken[control] != "" {
			c.err(path, name+" is in experiment "+taken[control]+" already; a target can have one")
		}
		taken[control] = id
		if len(e.Arms) > 0 && e.Arms[0].Model != "" && c.canonical(e.Arms[0].Model) != control {
			c.err(at(path, "arms", 0, "model"), "the first arm is the control and must be the target, "+name+", not "+quoted(e.Arms[0].Model))
		}
	}
}

func (c *checker) arms(path string, arms []Arm) {
	sum := Share(0)
	cohorts := make([]string, len(arms))
	for i, arm := range arms {
		if cohorts[i] = arm.Cohort; arm.Cohort == "" {
			cohorts[i] = arm.Model
		}
		if IsLastResort(c.canonical(arm.Model)) {
			c.err(at(path, i, "model"), quoted(arm.Model)+" is a last resort; an arm must be a model")
		}
		sum += arm.Share
	}
	c.unique(path, cohorts)
	if c.clean(path) && len(arms) > 0 && math.Abs(float64(sum)-1) > 1e-6 {
		c.err(path, "shares add up to "+sum.String()+"; they must add up to 100%")
	}
}

// adaptive finds an experiment whose share cannot move by itself.
func (c *checker) adaptive(path string, e Experiment) {
	if e.MaxDrift == 0 && !c.given(at(path, "max_drift")) {
		for _, key := range []string{"min_calls", "window"} {
			if c.given(at(path, key)) {
				c.warn(at(path, key), key+" has no effect without max_drift; add it, or remove "+key)
			}
		}
	}
	a := e.Adaptive
	if a == nil {
		return
	}
	path = at(path, "adaptive")
	switch {
	case e.MaxDrift > 0:
		c.err(path, "adaptive and max_drift exclude each other: an arm cannot be taken out for good and come back by itself; remove one of them")
	case len(e.Arms) > 2:
		c.err(path, fmt.Sprintf("adaptive needs two arms, not %d; remove one of them", len(e.Arms)))
	case len(e.Arms) == 2 && e.Arms[0].Share < 1e-6: // which counts as 0
		c.err(path, fmt.Sprintf("adaptive needs a share of the control, the first arm, which has %s; raise it to at least 0.0001%%", e.Arms[0].Share))
	case len(e.Arms) == 2 && a.MinShare > e.Arms[0].Share:
		c.err(at(path, "min_share"), fmt.Sprintf("min_share is %s, more than the control's share of %s; lower it", a.MinShare, e.Arms[0].Share))
	}
}
