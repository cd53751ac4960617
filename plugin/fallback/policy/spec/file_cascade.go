package spec

import "time"

// Cascade calls a cheap model first. It calls the primary (the strong model) only if the
// cheap model fails or its answer is rejected. The cheap model has the place of the primary
// in the chain, with the same time limits. checks, judge and grader judge its answer, in
// this order; the first that rejects it decides. A judge that fails, or takes longer than
// judge_timeout, rejects the answer. A rejected answer is charged, and is an attempt of kind
// rejected. It is returned, marked as degraded, if max_cost forbids the primary, or if the
// primary fails or is refused and there are no fallbacks. Function calls are not judged, and
// section gate does not keep the cheap model from making them. Once the primary has
// answered, later calls of the turn start at the primary.
type Cascade struct {
	// The cheap model.
	Model string `key:"model,required"`
	// What measures the confidence in the cheap model's answer: the probabilities of its
	// tokens (logprobs), the model's own statement (stated), or the application's function
	// (application; see policy.WithJudge). With stated, an instruction asks the model for
	// the statement, which is removed from the answer. An answer in JSON, or one value of an
	// enum, cannot have a statement, so stated rejects it. Default: logprobs, or none if
	// checks or grader is set.
	Judge string `key:"judge" enum:"logprobs|stated|application"`
	// Confidence from which the cheap model's answer is accepted.
	Confidence Share `key:"confidence" min:"1%" max:"100%" default:"80%"`
	// Rules that the cheap model's answer must meet, as in section validate.
	Checks *Validate `key:"checks"`
	// A model that grades the cheap model's answer; its reply is the confidence. Its calls
	// are charged, and rules and flags apply to it as to a target.
	Grader string `key:"grader"`
	// Longest time that the application's function or the grader may take.
	JudgeTimeout time.Duration `key:"judge_timeout" min:"1ms" max:"1m" default:"5s"`
	// Highest projected cost of a call of the primary. If the call would cost more, the
	// rejected answer is returned instead, marked as degraded. Default: no limit.
	MaxCost USD `key:"max_cost" min:"0.000001" max:"10000"`
	// Whether a streamed answer is held back until it is accepted. Otherwise it is shown
	// while it arrives, and the stream restarts if it is rejected. An answer is always held
	// back if stream.mid_stream is resume or fail.
	Hold bool `key:"hold" default:"false"`
	// Replaces an answer of very low confidence by an answer of last resort. Default: none.
	Degrade *CascadeDegrade `key:"degrade"`
	// Settings for single tenants. Case does not matter.
	Tenants map[string]CascadeTenant `key:"tenants"`
}

// CascadeDegrade replaces an answer of the cheap model by an answer of last resort, without
// a call of the primary. If the last resort fails, the primary is called.
type CascadeDegrade struct {
	// Confidence below which the answer is replaced. It must be less than confidence.
	Below Share `key:"below,required" min:"1%" max:"100%"`
	// The last resort, such as retrieval-answer. It need not be among the fallbacks.
	To string `key:"to,required"`
}

// CascadeTenant overrides settings of the cascade for one tenant. An omitted key has the
// value of the cascade.
type CascadeTenant struct {
	// Which models the tenant uses. both: the cheap model, then the primary if the answer is
	// rejected. cheap: only the cheap model, whose answers are not judged. strong: the
	// primary, then the cheap model if the primary fails.
	Use string `key:"use" enum:"both|cheap|strong" default:"both"`
	// Confidence from which the cheap model's answer is accepted.
	Confidence Share `key:"confidence" min:"1%" max:"100%"`
	// Highest projected cost of a call of the primary.
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
