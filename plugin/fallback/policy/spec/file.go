package spec

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Policy is a policy file as it was written, checked by [Parse]. An omitted section is
// its zero value and has no effect. An omitted value of a section has the default that
// its tag or its comment names.
//
// The comments of these types are written for users: the JSON Schema and docs/policy.md
// are made from them and from the tags, which say what is allowed. A Policy is
// read-only and safe for concurrent use.
type Policy struct {
	// Version of the format.
	Version int `key:"version" min:"1" max:"1" default:"1"`
	// The model that each turn starts with.
	Primary string `key:"primary,required"`
	// Targets to try after the primary, in this order.
	Fallbacks []Entry `key:"fallbacks" items:"0..32"`
	// Time limits of a call and its parts. A limit that is omitted does not apply.
	Timeouts *Timeouts `key:"timeouts"`
	// When to stop calling a target that keeps failing. Each target has its own
	// breaker. Default: no breaker.
	CircuitBreaker *CircuitBreaker `key:"circuit_breaker"`
	// Keeps fallbacks ready: while calls are made, each fallback that has not answered one
	// for interval gets a small request in the background. Its connections stay open, and
	// its breaker knows its health. A small request has no user data and no caller: it is
	// charged to no budget, and rules and flags apply as to an unknown caller. Default:
	// none.
	WarmStandby *WarmStandby `key:"warm_standby"`
	// When to call the same target again before falling back. Default: each target is
	// called once.
	Retry *Retry `key:"retry"`
	// Which failures make a call fall back.
	Errors *Errors `key:"errors"`
	// Calls a second model while the primary is slow. The first of the two with content
	// answers. The hedge target's condition refers to the primary. The next entry's
	// condition refers to both; when it is true, both are cancelled.
	Hedge *Hedge `key:"hedge"`
	// Which later calls stay with a fallback that has answered: those of the same turn, such
	// as a tool loop (turn); those of the same agent and session (session), which use the
	// fallback's prompt cache; or none. Other calls start at the primary. No call stays with
	// a last resort.
	Sticky string `key:"sticky" enum:"turn|session|none" default:"turn"`
	// How long calls stay with a fallback, counted from the latest call of the turn. With
	// sticky: session, it is also counted from the switch; a turn that has begun by then
	// still ends at the fallback.
	StayFor time.Duration `key:"stay_for" min:"1s" max:"24h" default:"10m"`
	// Tells the user that a fallback answers. The notice is never part of the answer, of the
	// session or of a later request; the final response has it in its metadata.
	Notice *Notice `key:"notice"`
	// Keeps fallbacks from tools whose effects cannot be undone, such as a payment: a weaker
	// model must not act. The primary may use every tool.
	Gate *Gate `key:"gate"`
	// Shows a quick preview in streamed calls until the answer begins. The preview is a
	// partial response with provisional in its metadata; a restart discards it. It is an
	// attempt of the call: it is charged, and rules, flags and limits apply to it. It is
	// never the answer. It needs stream.mid_stream: restart.
	Preview *Preview `key:"preview"`
	// Settings for streamed answers.
	Stream *Stream `key:"stream"`
	// Rules that an answer must meet. An answer that breaks one is a failed attempt of
	// kind rejected, and the call falls back; the answer is still charged. Function
	// calls and answers of last resort are not checked. A streamed answer is held back
	// until it is accepted; until then, conditions see an attempt without content.
	Validate *Validate `key:"validate"`
	// Limits for each target; set at least one of requests_per_minute,
	// tokens_per_minute and concurrency. A call that exceeds a limit waits in a queue.
	RateLimits *RateLimits `key:"rate_limits"`
	// Order of the calls that wait for a rate limit.
	Priority *Priority `key:"priority"`
	// Limits on what a tenant spends and on the length of requests and answers; set at
	// least one of usd_per_day, tenants, max_input_tokens and max_output_tokens. Every
	// attempt is charged, so falling back does not avoid a budget. An attempt that is cut off
	// before its tokens are known, as when the client disconnects, is charged its projected
	// price, which assumes the longest answer.
	Budgets *Budgets `key:"budgets"`
	// What to do with a request that exceeds the context window of every target that the
	// call comes to. skip: skip these targets. trim: then try each once more, with the middle
	// of the history omitted. The system instruction, the tools, the first message and the
	// current turn are kept, and room for the answer is left free. A target with an unknown
	// window is not tried again; of an experiment, only the control is.
	Overflow string `key:"overflow" enum:"skip|trim" default:"skip"`
	// Keeps answers for later equal requests. Answers of the primary are returned
	// without a call; those of other targets only as cached-answer. Each arm of an
	// experiment with the primary has its own answers, and so has each class and region
	// of data under compliance rules. A caller gets no answer of a model that a flag
	// switches off for that caller.
	Cache *Cache `key:"cache"`
	// Settings for the answers of last resort: cached-answer, retrieval-answer,
	// deferred-answer and template-response.
	Degrade *Degrade `key:"degrade"`
	// Calls a cheap model first, and the primary only if the cheap model's answer is
	// rejected.
	Cascade *Cascade `key:"cascade"`
	// Settings of models, by the names that this file uses. In a name, * stands for any
	// text: local-* applies to every model that it matches and that has no entry of its
	// own; the most specific pattern applies. Models named gemini-*, gpt-* or claude-*,
	// and models that the application supplies, need no entry. A request to a gateway may
	// name any model that has an entry or matches a pattern. A target in this file must not
	// be a pattern.
	Models map[string]Model `key:"models" keys:"pattern"`
	// Other names for models: each key is another name for its value, a model or
	// another alias.
	Aliases map[string]string `key:"aliases"`
	// Switches for targets, by name. The name is the key of the flag in OpenFeature; a
	// value from there overrides default.
	Flags map[string]Flag `key:"flags"`
	// Targets that are split between several models, each for a share of the users. The
	// name is the id of the experiment in metadata.
	Experiments map[string]Experiment `key:"experiments"`
	// Which targets may see which data.
	Compliance *Compliance `key:"compliance"`
	// Keys of the ADK session's state that hold facts of a call: texts, numbers or
	// booleans. A fact set with call.With overrides them. If a fact cannot be read,
	// every rule about it applies. A call whose tenant cannot be read shares no answers
	// and spends no budget.
	Context *Context `key:"context"`
	// What is recorded of calls, for operations; docs/observability.md lists the metrics.
	// observe: {} has the defaults. Default: nothing.
	Observe *Observe `key:"observe"`
	// Redis server on which replicas share breakers, rate limits, budgets, cached answers
	// and rollbacks of experiments. While the server is slow or cannot be reached, each
	// replica works alone; see docs/state.md. A Go application supplies the client with
	// policy.WithState. Default: each process has its own state.
	State *State `key:"state"`
	// Thresholds of alerts. adk-fallback alerts FILE writes rules for Prometheus from them;
	// calls are not affected. An empty section has all defaults. An alert that needs a
	// section or a last resort that the file does not have is omitted from the rules.
	Alerts *Alerts `key:"alerts"`

	doc     strictyaml.Document // places and problems of the file
	chained bool                // made by WithChain of a policy that has been checked
}

// Entry is one fallback.
type Entry struct {
	// A model, or a last resort: cached-answer, retrieval-answer, deferred-answer or
	// template-response.
	Name string `key:"name,required"`
	// When a call moves on to this entry from the attempt before it. While that attempt
	// has no content, the condition is evaluated at every latency that it names; when
	// it is true, the attempt is cancelled. When the attempt has failed, it selects
	// this entry or the next one. A condition with cost is also evaluated before the
	// attempt, if its price is known; the attempt is skipped if it is true. Only a
	// condition with confidence, empty or finish_reason can reject an answer; the
	// answer is held back until it is complete and accepted.
	Condition Condition `key:"condition" default:"error"`
	// Longest time without content at this entry. It overrides timeouts.fallback and
	// stream.first_content.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"1h"`
}

// Timeouts bounds calls in time. An omitted limit does not apply.
type Timeouts struct {
	// Longest time until the primary has content. A call that is not streamed has
	// content when it has its answer.
	Primary time.Duration `key:"primary" min:"1ms" max:"1h"`
	// The same for each fallback.
	Fallback time.Duration `key:"fallback" min:"1ms" max:"1h"`
	// Longest time of one attempt, from its start to its last chunk.
	Attempt time.Duration `key:"attempt" min:"1ms" max:"1h"`
	// Longest time of the whole call, including all attempts and waits. After it, only
	// a last resort can answer.
	Total time.Duration `key:"total" min:"1ms" max:"24h"`
}

// CircuitBreaker is middleware.BreakerConfig in a file.
type CircuitBreaker struct {
	// Failures in a row that open the breaker.
	FailureThreshold int `key:"failure_threshold" min:"1" max:"1000" default:"5"`
	// Share of failed calls within the window that also opens it. Default: not checked.
	FailureRatio Share `key:"failure_ratio" min:"1%" max:"100%"`
	// Calls within the window before failure_ratio applies.
	MinRequests int `key:"min_requests" min:"1" max:"100000" default:"10"`
	// How long an outcome counts.
	Window time.Duration `key:"window" min:"1s" max:"24h" default:"1m"`
	// How long an open breaker refuses calls before it lets one through as a probe.
	Backoff time.Duration `key:"backoff" min:"1ms" max:"24h" default:"30s"`
	// Upper bound of the backoff, which doubles with each failed probe. Default: the
	// backoff does not grow.
	MaxBackoff time.Duration `key:"max_backoff" min:"1ms" max:"24h"`
	// Calls in a row that must succeed before the breaker closes. Until then, calls pass one
	// at a time.
	SuccessesToClose int `key:"successes_to_close" min:"1" max:"100" default:"1"`
	// Whether small requests probe the model after the backoff, instead of a user's call.
	// Calls are refused until the breaker has closed. A small request has no user data and
	// is charged to no budget. The first call after the backoff starts the probe, so there
	// are none without calls.
	Probe bool `key:"probe" default:"false"`
	// Longest time of such a small request.
	ProbeTimeout time.Duration `key:"probe_timeout" min:"1ms" max:"10m" default:"30s"`
}

// Retry is middleware.RetryConfig in a file.
type Retry struct {
	// Most attempts at one target, including the first. An error may allow fewer.
	MaxAttempts int `key:"max_attempts" min:"1" max:"10" default:"3"`
	// Wait before the second attempt, doubled for each further one. The actual wait is
	// random, between half of this and all of it.
	BaseDelay time.Duration `key:"base_delay" min:"1ms" max:"1m" default:"500ms"`
	// Upper bound of that wait.
	MaxDelay time.Duration `key:"max_delay" min:"1ms" max:"10m" default:"10s"`
	// Longest wait that a provider may ask for. If it asks for a longer one, the call
	// falls back.
	MaxWait time.Duration `key:"max_wait" min:"1ms" max:"5m" default:"1m"`
	// Longest wait before falling back when another target is available. If the wait
	// would be longer, the call falls back at once.
	SkipWait time.Duration `key:"skip_wait" min:"1ms" max:"5m" default:"5s"`
	// Retries as a share of a target's calls, so that retries do not amplify an outage.
	Budget Share `key:"budget" min:"0.1%" max:"100%" default:"10%"`
}

// Errors says which failures make a call fall back.
type Errors struct {
	// Failures that make a call fall back: an HTTP status such as 429, a provider's
	// code such as overloaded_error, a kind such as network (error_kind has the list),
	// or any. Other failures of a provider end the call. Limits of this file, such as
	// timeouts, always make it fall back. any is every failure that another model might
	// not share; a bad key and an invalid request are not among them. Default: any.
	Codes []Code `key:"codes" items:"1..64"`
	// What a refusal by a model's content policy does: it is the answer (fail), or the
	// call falls back (fallback).
	ContentPolicy string `key:"content_policy" enum:"fail|fallback" default:"fail"`
}

// Hedge is router.HedgeConfig in a file.
type Hedge struct {
	// The fallback to call. Default: the first one that is a model.
	Target string `key:"target"`
	// Time without content at the primary before the hedge target is called. Default:
	// the 95th percentile of the primary's times to first content, or 2s until 20 calls
	// are measured.
	Delay time.Duration `key:"delay" min:"1ms" max:"10m"`
	// Lower bound of a measured delay.
	MinDelay time.Duration `key:"min_delay" min:"1ms" max:"10m" default:"100ms"`
	// Largest share of calls that may be hedged.
	MaxExtraLoad Share `key:"max_extra_load" min:"0.1%" max:"100%" default:"5%"`
}

// Stream has the settings for streamed answers.
type Stream struct {
	// Longest time until a streamed attempt has content. It overrides timeouts.primary
	// and timeouts.fallback.
	FirstContent time.Duration `key:"first_content" min:"1ms" max:"1h"`
	// Longest pause between two chunks of a stream. Default: no limit.
	Idle time.Duration `key:"idle" min:"1ms" max:"1h"`
	// What to do when a model fails in the middle of its answer: the next target
	// answers from the start (restart), the next target continues the text (resume), or
	// the call fails (fail).
	MidStream string `key:"mid_stream" enum:"restart|resume|fail" default:"restart"`
}
