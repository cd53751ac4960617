package spec

import (
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// Flag switches targets on and off while the application runs.
type Flag struct {
	// Targets, or last resorts, that are skipped while the flag is off. * stands for
	// any text. Case does not matter.
	Targets []string `key:"targets,required" items:"1..32" kind:"pattern"`
	// Value of the flag if OpenFeature has none.
	Default bool `key:"default" default:"true"`
	// Share of users, or sessions, for whom the flag is on while its value is true.
	// Each stays on its side.
	Rollout Share `key:"rollout" min:"0.01%" max:"100%" default:"100%"`
	// Whether each user or each session stays on one side of a rollout.
	StickyBy string `key:"sticky_by" enum:"user|session" default:"user"`
}

// Experiment is router.SplitConfig in a file.
type Experiment struct {
	// Target that the arms replace. Default: the primary.
	Target string `key:"target"`
	// The arms. The first is the control; its model is the target. The shares must add
	// up to 100%.
	Arms []Arm `key:"arms,required" items:"2..16"`
	// Whether each user or each session stays with one arm.
	StickyBy string `key:"sticky_by" enum:"user|session" default:"user"`
	// How far an arm's failure rate may exceed the control's, such as 5 percentage
	// points (5%), before its users go back to the control. A call has failed if it
	// ended with an error, was too slow, was refused by the arm's breaker, or had an
	// answer that a condition rejected. Calls that the caller cancelled, that lost a
	// hedge, or that a rule or a limit kept from the arm do not count. Default: no
	// limit.
	MaxDrift Share `key:"max_drift" min:"0.1%" max:"100%"`
	// Calls that the arm and the control must each have before they are compared.
	MinCalls int `key:"min_calls" min:"1" max:"1000000" default:"100"`
	// How long a call counts in the comparison.
	Window time.Duration `key:"window" min:"1s" max:"24h" default:"10m"`
	// Moves users from the control to the other arm while the control's calls fail or are
	// slow, and back when it is healthy (additive increase, multiplicative decrease). It
	// needs exactly two arms; their shares, such as 100% and 0%, apply while the control is
	// healthy. Each process adapts its own share. Cannot be combined with max_drift.
	Adaptive *Adaptive `key:"adaptive"`
}

// Arm is one side of an experiment.
type Arm struct {
	// Model that answers.
	Model string `key:"model,required"`
	// Share of the users or sessions.
	Share Share `key:"share,required" min:"0%" max:"100%"`
	// Name of the arm in metadata. Default: the name of the model.
	Cohort string `key:"cohort"`
}

// Compliance says which targets may see which data. It is evaluated for each target of
// a call.
type Compliance struct {
	// Every rule that applies to a call must allow a target. A rule applies to the
	// calls of the tenants, classes and regions of data that it lists; targets and
	// regions say which models may see their data.
	Rules []Rule `key:"rules,required" items:"1..256"`
}

// Rule applies to the calls of some tenants, classes or regions of data; to all calls
// if it lists none of these. Targets, Regions or both say which models may see their
// data.
type Rule struct {
	// Tenants that the rule applies to. Case does not matter. Default: all.
	Tenants []string `key:"tenants" items:"1..1000"`
	// Classes of data that the rule applies to. Case does not matter. Default: all.
	DataClasses []string `key:"data_classes" items:"1..64"`
	// Regions of the calls that the rule applies to: where their data must stay. Case
	// does not matter. Default: all.
	DataRegions []string `key:"data_regions" items:"1..64"`
	// Targets that may see the data. * stands for any text, and case does not matter.
	// Default: every target in regions. If regions is omitted too, no target may see
	// the data, and otherwise must be redact.
	Targets []string `key:"targets" items:"1..64" kind:"pattern"`
	// Regions of the models that may see the data; a model without a region is in none.
	// * stands for any text, and case does not matter. Default: every region. If
	// targets is omitted too, no target may see the data, and otherwise must be redact.
	Regions []string `key:"regions" items:"1..64" kind:"pattern"`
	// What happens at any other target: it is skipped (deny), or gets the request
	// without personal data (redact); it is skipped if that cannot be done. A rule with
	// redact alone applies to every target.
	Otherwise string `key:"otherwise" enum:"deny|redact" default:"deny"`
}

// Context names the keys of the ADK session's state that hold facts of a call. A fact
// that the application sets with call.With overrides them.
type Context struct {
	// Key of the tenant.
	Tenant string `key:"tenant" kind:"state"`
	// Key of the priority class.
	Priority string `key:"priority" kind:"state"`
	// Key of the class of the data.
	DataClass string `key:"data_class" kind:"state"`
	// Key of the region where the data must stay.
	Region string `key:"region" kind:"state"`
	// Keys of other facts, by the names that conditions use: labels["plan"].
	Labels map[string]string `key:"labels" kind:"state"`
}

// State is the server on which replicas share breakers, limits, budgets, answers and
// rollbacks of experiments. Set either url or url_env.
type State struct {
	// URL of the Redis server, without a password.
	URL string `key:"url,short" kind:"redis"`
	// Name of the environment variable that holds the URL; use it for a URL with a password.
	URLEnv string `key:"url_env" kind:"env"`
	// Prefix of all keys on the server. Policies with the same prefix share the state of
	// their tenants, experiments and models. Two models are the same if their names and
	// their servers are.
	Prefix string `key:"prefix" kind:"prefix" default:"adk-fallback:"`
	// Longest time that a call waits for the server. After a late answer, calls do not wait
	// until the server answers in time again.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"1s" default:"5ms"`
	// Budgets while the server cannot be reached. local: each replica may spend its share of
	// the rest. deny: calls of tenants with a limit are refused.
	Unavailable string `key:"unavailable" enum:"local|deny" default:"local"`
}

// Validate is middleware.ValidateConfig in a file.
type Validate struct {
	// Whether an answer must match the response schema of its request, if the request
	// has one.
	Schema bool `key:"schema" default:"true"`
	// Regular expression in Go's syntax that must match somewhere in the text.
	Pattern string `key:"pattern" kind:"regexp"`
	// Smallest number of characters, without white space at both ends.
	MinLength int `key:"min_length" min:"1" max:"1000000"`
	// Name of the application's function that judges an answer, a key of
	// policy.Validators.
	Function string `key:"function"`
}

// Allows reports whether a model may see the data that the rule applies to. A rule with
// neither targets nor regions allows none.
func (r *Rule) Allows(t Resolved) bool {
	if r.namesNone() {
		return false
	}
	named := len(r.Targets) == 0 || slices.ContainsFunc(r.Targets, t.Matches)
	region := t.Settings.Region
	placed := len(r.Regions) == 0 || region != "" && slices.ContainsFunc(r.Regions, func(p string) bool { return match.Name(p, region) })
	return named && placed
}

// namesNone reports whether the rule has neither targets nor regions.
func (r *Rule) namesNone() bool { return len(r.Targets) == 0 && len(r.Regions) == 0 }

// ReliesOnRegions reports whether a compliance rule lists regions of models.
func (p *Policy) ReliesOnRegions() bool {
	return p.Compliance != nil && slices.ContainsFunc(p.Compliance.Rules, func(r Rule) bool { return len(r.Regions) > 0 })
}
