package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// cascade finds a cascade whose models, judges or limits contradict each other.
func (c *checker) cascade() {
	if c.Cascade == nil || len(c.chain) == 0 {
		return
	}
	strong := c.chain[0]
	c.cheap(strong)
	c.judges(c.Cascade, strong.Cheap)
	c.grader(strong)
	c.ceilings(strong)
	c.cascadeDegrade(c.Cascade)
	c.cascadeTenants(c.Cascade)
}

// cheap finds a cheap model that is none, or that is the strong one.
func (c *checker) cheap(strong Target) {
	t := strong.Cheap
	switch {
	case t == nil:
	case t.LastResort():
		c.err(t.Path, quoted(t.Name)+" is a last resort; the cheap model must be a model")
	case match.Fold(t.Model) == match.Fold(strong.Model):
		c.err(t.Path, quoted(t.Name)+" is the primary, too; name a cheaper model")
	case slices.ContainsFunc(strong.Arms, func(arm Resolved) bool { return match.Fold(arm.Model) == match.Fold(t.Model) }):
		c.err(t.Path, quoted(t.Name)+" is also an arm of experiment "+strong.Experiment+"; name another model")
	case slices.ContainsFunc(t.Arms, func(arm Resolved) bool { return match.Fold(arm.Model) == match.Fold(strong.Model) }):
		c.err(t.Path, quoted(strong.Name)+", the primary, is an arm of the cheap model's experiment "+t.Experiment+" and would be called twice; name another model there")
	}
}

// judges finds judges that cannot judge, and a confidence that nothing is compared with.
func (c *checker) judges(k *Cascade, cheap *Target) {
	switch {
	case k.Measure() == "application" && c.known.Judge != nil && !c.known.Judge():
		c.err("cascade.judge", "the application has no function that judges answers; add policy.WithJudge, or use another judge")
	case k.Measure() == "logprobs" && cheap != nil && c.known.Logprobs != nil && c.clean("cascade.model"):
		for _, r := range cheap.Models() {
			if !c.known.HandsIn(r) && !c.known.Logprobs(r) {
				c.err("cascade.judge", r.Name+" returns no probabilities, so that every answer would be rejected; set judge: stated, or checks or grader")
				break
			}
		}
	}
	if k.Checks != nil {
		c.validate("cascade.checks", k.Checks)
	}
	if k.Measure() == "" && k.Grader == "" && !c.given("cascade.grader") && c.clean("cascade.judge") {
		for _, key := range []string{"confidence", "degrade"} {
			if c.given(at("cascade", key)) {
				c.err(at("cascade", key), key+" has no effect, because checks accept or reject an answer; set judge or grader, or remove it")
			}
		}
	}
	slow := k.Measure() == "application" || k.Grader != "" || k.Checks != nil && k.Checks.Function != ""
	if !slow && c.given("cascade.judge_timeout") {
		c.warn("cascade.judge_timeout", "judge_timeout has no effect without a function of the application or a grader; remove it")
	}
}

func (c *checker) grader(strong Target) {
	switch t := strong.Grader; {
	case t == nil:
	case t.LastResort():
		c.err(t.Path, quoted(t.Name)+" is a last resort; the grader must be a model")
	case match.Fold(t.Model) == match.Fold(strong.Model):
		c.warn(t.Path, quoted(t.Name)+" is the primary: each answer of the cheap model then costs a call of both; use a smaller model")
	}
}

// ceilings finds a max_cost that no cost can be compared with.
func (c *checker) ceilings(strong Target) {
	if c.known.Price == nil {
		return
	}
	paths := []string{"cascade.max_cost"}
	limited := c.Cascade.MaxCost > 0
	for _, tenant := range slices.Sorted(maps.Keys(c.Cascade.Tenants)) {
		if c.Cascade.Tenants[tenant].MaxCost > 0 && !limited {
			limited, paths[0] = true, at("cascade.tenants", tenant, "max_cost")
		}
	}
	for _, r := range strong.Models() {
		if limited && !c.priced(r) {
			c.err(paths[0], "max_cost needs the price of "+r.Name+"; set "+at("models", r.Name, "price"))
		}
	}
}

// cascadeDegrade finds a limit that is never reached, and a replacement that is none.
func (c *checker) cascadeDegrade(k *Cascade) {
	d := k.Degrade
	if d == nil {
		return
	}
	if to := c.canonical(d.To); d.To != "" {
		if !IsLastResort(to) {
			c.err("cascade.degrade.to", quoted(d.To)+" is not a last resort"+didYouMeanLastResort(d.To)+"; use one such as "+RetrievalAnswer)
		}
		c.needs("cascade.degrade.to", to)
	}
	lowest, of := k.Confidence, "confidence"
	for _, tenant := range slices.Sorted(maps.Keys(k.Tenants)) {
		if t := k.Tenants[tenant]; t.Confidence > 0 && t.Confidence < lowest {
			lowest, of = t.Confidence, "the confidence of "+quoted(tenant)
		}
	}
	if d.Below > 0 && lowest > 0 && d.Below >= lowest {
		c.err("cascade.degrade.below", fmt.Sprintf("below is %s, not less than %s, %s: the primary would not be called; lower it", d.Below, of, lowest))
	}
}

// cascadeTenants finds tenants that are named twice, and settings without effect.
func (c *checker) cascadeTenants(k *Cascade) {
	names := slices.Sorted(maps.Keys(k.Tenants))
	c.tenants("cascade.tenants", names)
	for _, tenant := range names {
		path, t := at("cascade.tenants", tenant), k.Tenants[tenant]
		switch unused := " has no effect with use: cheap; remove one of them"; {
		case t.Use == "cheap":
			if t.Confidence > 0 {
				c.err(at(path, "confidence"), "confidence"+unused)
			}
			if t.MaxCost > 0 {
				c.err(at(path, "max_cost"), "max_cost"+unused)
			}
		case t.Confidence > 0 && k.Measure() == "" && k.Grader == "":
			c.err(at(path, "confidence"), "confidence has no effect, because checks accept or reject an answer; set judge or grader, or remove it")
		}
		if (t.Use == "both" || t.Use == "") && t.Confidence == 0 && t.MaxCost == 0 && c.clean(path) {
			c.warn(path, "nothing differs for "+quoted(tenant)+"; set use, confidence or max_cost, or remove it")
		}
	}
}
