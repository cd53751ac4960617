package spec

import "time"

// Cascade calls a cheap model first, and the primary, the strong one, only if the cheap
// model's answer is rejected or it fails. The cheap model has the place of the primary in
// the chain, with the same time limits. An answer is judged by checks, then by judge, then
// by grader; the first that rejects it decides. A judge that fails, or takes longer than
// judge_timeout, rejects it. A rejected answer is charged, and is an attempt of kind
// rejected. It is returned, marked as degraded, if neither the primary nor a fallback may
// replace it. Function calls are not judged. Later calls of a turn start at the primary
// once it has answered.
type Cascade struct {
	// The cheap model.
	Model string `key:"model,required"`
	// How the confidence in the cheap model's answer is measured: by the probabilities
	// of its tokens (logprobs), by what the model itself states (stated), or by the
	// application's function, policy.WithJudge (application). stated asks for a
	// statement, which is removed before anybody sees it; a request for JSON gets none,
	// so its answers are rejected. Default: logprobs, or no such judge if checks or
	// grader is set.
	Judge string `key:"judge" enum:"logprobs|stated|application"`
	// Confidence from which the cheap model's answer is accepted.
	Confidence Share `key:"confidence" min:"1%" max:"100%" default:"80%"`
	// Rules that the cheap model's answer must meet.
	Checks *Validate `key:"checks"`
	// A model that grades the cheap model's answer: it returns the confidence. Its calls
	// are charged, and rules and flags apply to it as to a target.
	Grader string `key:"grader"`
	// Longest time that the application's function or the grader may take.
	JudgeTimeout time.Duration `key:"judge_timeout" min:"1ms" max:"1m" default:"5s"`
	// Projected cost of a call up to which the primary is called. If it would cost more,
	// the rejected answer is returned, marked as degraded. Default: no limit.
	MaxCost USD `key:"max_cost" min:"0.000001" max:"10000"`
	// Whether a streamed answer is held back until it is accepted. If not, it is shown
	// while it arrives; when it is rejected, the stream restarts. It is always held back
	// if stream.mid_stream is resume or fail.
	Hold bool `key:"hold" default:"false"`
	// Where an answer of very low confidence is replaced by an answer of last resort.
	Degrade *CascadeDegrade `key:"degrade"`
	// Settings for single tenants. Case does not matter.
	Tenants map[string]CascadeTenant `key:"tenants"`
}

// CascadeDegrade replaces an answer of the cheap model by an answer of last resort instead
// of the primary's. If that fails, the primary is called.
type CascadeDegrade struct {
	// Confidence below which it is replaced. It must be less than confidence.
	Below Share `key:"below,required" min:"1%" max:"100%"`
	// The answer of last resort, such as retrieval-answer. It need not be among the
	// fallbacks.
	To string `key:"to,required"`
}

// CascadeTenant has the settings of one tenant, instead of those of the cascade. An omitted
// key has the value of the cascade.
type CascadeTenant struct {
	// Which models the tenant uses: both, the cheap one alone, whose answers are then
	// not judged (cheap), or the primary first, and the cheap one only if that fails
	// (strong).
	Use string `key:"use" enum:"both|cheap|strong" default:"both"`
	// Confidence from which the cheap model's answer is accepted.
	Confidence Share `key:"confidence" min:"1%" max:"100%"`
	// Projected cost of a call up to which the primary is called.
	MaxCost USD `key:"max_cost" min:"0.000001" max:"10000"`
}

// Measure returns how the confidence in an answer is measured: the judge, or its default;
// "" for none.
func (c *Cascade) Measure() string {
	if c.Judge == "" && c.Checks == nil && c.Grader == "" {
		return "logprobs"
	}
	return c.Judge
}

// cheap returns the target that is called before the primary, and the one that grades its
// answers; nil for none.
func (p *Policy) cheap(silence time.Duration) (cheap, grader *Target) {
	if p.Cascade == nil {
		return nil, nil
	}
	of := func(name, path string) *Target {
		if name == "" {
			return nil
		}
		t := p.target(Entry{Name: name}, silence, "")
		t.Path = path
		return &t
	}
	cheap, grader = of(p.Cascade.Model, "cascade.model"), of(p.Cascade.Grader, "cascade.grader")
	if grader != nil {
		grader.Experiment, grader.Arms, grader.Grades = "", nil, true
	}
	return cheap, grader
}
