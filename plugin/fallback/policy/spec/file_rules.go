package spec

import (
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// Flag switches targets on and off while the application runs.
type Flag struct {
	// The targets that are skipped while the flag is off, answers of last resort
	// too. * stands for any text.
	Targets []string `key:"targets,required" items:"1..32" kind:"pattern"`
	// What the flag is when no provider of flags knows it.
	Default bool `key:"default" default:"true"`
	// The share of users, or sessions, for which a flag that is on is on; the
	// same ones each time.
	Rollout Share `key:"rollout" min:"0.01%" max:"100%" default:"100%"`
	// Who stays on one side of a rollout.
	StickyBy string `key:"sticky_by" enum:"user|session" default:"user"`
}

// Experiment is [router.SplitConfig] in a file.
type Experiment struct {
	// The target whose place the arms take. Left out, the primary.
	Target string `key:"target"`
	// The arms. The first is the control, and its model is the target; the
	// shares add up to 100%.
	Arms []Arm `key:"arms,required" items:"2..16"`
	// Who stays with one arm.
	StickyBy string `key:"sticky_by" enum:"user|session" default:"user"`
	// How much more often than the control's an arm's calls may fail, as a
	// difference of shares, before its users go back to the control. Left out,
	// they never do. A call fails that ends with an error, is too slow, is refused
	// by the arm's breaker, or has an answer that a condition rejects; one that the
	// caller cancels, that loses a hedge, or that a rule or a limit keeps from the
	// arm does not count.
	MaxDrift Share `key:"max_drift" min:"0.1%" max:"100%"`
	// How many calls of an arm and of the control are needed to compare them.
	MinCalls int `key:"min_calls" min:"1" max:"1000000" default:"100"`
	// How long a call counts in that comparison.
	Window time.Duration `key:"window" min:"1s" max:"24h" default:"10m"`
}

// Arm is one side of an experiment.
type Arm struct {
	// The model that answers.
	Model string `key:"model,required"`
	// Its share of the users or sessions.
	Share Share `key:"share,required" min:"0%" max:"100%"`
	// The arm's name in metadata. Left out, the model's.
	Cohort string `key:"cohort"`
}

// Compliance says which targets may see which data. It is asked again for each
// target of a call.
type Compliance struct {
	// The rules. All that match a call must allow a target.
	Rules []Rule `key:"rules,required" items:"1..256"`
}

// Rule is about the calls of some tenants, classes of data or regions. One that
// names none of these is about all calls. It says by targets, regions or both
// which models may see their data.
type Rule struct {
	// The tenants it is about. Left out, all.
	Tenants []string `key:"tenants" items:"1..1000"`
	// The classes of data it is about. Left out, all.
	DataClasses []string `key:"data_classes" items:"1..64"`
	// The regions where the data must stay that it is about, as the call has
	// them. Left out, all.
	DataRegions []string `key:"data_regions" items:"1..64"`
	// The targets that may see the data. * stands for any text. Left out, those in
	// the regions; where regions are left out too, none, and otherwise must be redact.
	Targets []string `key:"targets" items:"1..64" kind:"pattern"`
	// The regions of the models that may see it; a model without a region may
	// not. * stands for any text. Left out, any; where targets are left out too,
	// none, and otherwise must be redact.
	Regions []string `key:"regions" items:"1..64" kind:"pattern"`
	// What happens at any other target: it is skipped (deny), or sees the request
	// without personal data (redact), and is skipped if that cannot be done. A rule
	// with redact alone is for every target.
	Otherwise string `key:"otherwise" enum:"deny|redact" default:"deny"`
}

// Context reads facts from the state of an ADK session. What the application
// tells by itself wins.
type Context struct {
	// Who pays.
	Tenant string `key:"tenant" kind:"state"`
	// The class of work.
	Priority string `key:"priority" kind:"state"`
	// How sensitive the data is.
	DataClass string `key:"data_class" kind:"state"`
	// Where the data must stay.
	Region string `key:"region" kind:"state"`
	// Anything else, by the name that conditions know it by: labels["plan"].
	Labels map[string]string `key:"labels" kind:"state"`
}

// Cascade asks a cheap model first.
type Cascade struct {
	// The cheap model. The primary is the strong one.
	Model string `key:"model,required"`
	// How sure of its answer the cheap model is: by the probabilities of its
	// words, by what it says itself, or by a function of the application.
	Judge string `key:"judge" enum:"logprobs|stated|application" default:"logprobs"`
	// From which confidence on its answer is given.
	Confidence Share `key:"confidence" min:"1%" max:"100%" default:"80%"`
}

// State is where replicas share breakers, limits, budgets and answers.
type State struct {
	// The environment variable that holds the URL of the Redis server.
	RedisURLEnv string `key:"redis_url_env,required" kind:"env"`
	// What the keys there begin with.
	Prefix string `key:"prefix" default:"adk-fallback:"`
}

// Alert tells somebody when a figure is out of bounds.
type Alert struct {
	// What the alert is called.
	Name string `key:"name,required"`
	// The figure: a share of all calls, or of the budget.
	When string `key:"when,required" enum:"fallback_rate|error_rate|degraded_rate|budget_spent"`
	// The bound.
	Above Share `key:"above,required" min:"0%" max:"100%"`
	// How long the figure is taken over.
	Window time.Duration `key:"window" min:"10s" max:"24h" default:"5m"`
	// The environment variable that holds the URL that is told.
	WebhookEnv string `key:"webhook_env,required" kind:"env"`
}

// Validate is [middleware.ValidateConfig] in a file.
type Validate struct {
	// Whether an answer must match the response schema of its request, if that has
	// one.
	Schema bool `key:"schema" default:"true"`
	// A regular expression of Go that must match somewhere in the text.
	Pattern string `key:"pattern" kind:"regexp"`
	// The smallest number of characters, white space at both ends not counting.
	MinLength int `key:"min_length" min:"1" max:"1000000"`
	// The function of the application that judges an answer, by its name among
	// policy.Validators.
	Function string `key:"function"`
}

// Allows reports whether the rule lets a model see the data that it is about. One
// that names neither targets nor regions lets none.
func (r *Rule) Allows(t Resolved) bool {
	if r.namesNone() {
		return false
	}
	named := len(r.Targets) == 0 || slices.ContainsFunc(r.Targets, t.Matches)
	region := t.Settings.Region
	placed := len(r.Regions) == 0 || region != "" && slices.ContainsFunc(r.Regions, func(p string) bool { return match.Name(p, region) })
	return named && placed
}

// namesNone reports whether the rule says of no model that it may see the data.
func (r *Rule) namesNone() bool { return len(r.Targets) == 0 && len(r.Regions) == 0 }
