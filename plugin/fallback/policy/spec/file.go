package spec

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Policy is a policy file as it was written, checked by [Parse]. A section or a
// value that the file does not have is its zero value: what the file does not
// name does not happen, and a value left out of a section has the default that
// its comment names.
//
// The comments of these types are what users read: the JSON Schema and
// docs/policy.md are made of them, and of the tags, which say what is allowed.
// A Policy is read-only and then safe for concurrent use.
type Policy struct {
	// Version of the format.
	Version int `key:"version" min:"1" max:"1" default:"1"`
	// The model that is asked first, in every turn.
	Primary string `key:"primary,required"`
	// What is tried after the primary, in this order.
	Fallbacks []Entry `key:"fallbacks" items:"0..32"`
	// How long a call and its parts may take.
	Timeouts *Timeouts `key:"timeouts"`
	// When a target that keeps failing is left alone, each target by itself.
	// Without this section no target is.
	CircuitBreaker *CircuitBreaker `key:"circuit_breaker"`
	// When the same target is asked again before the call moves on. Without
	// this section it is asked once.
	Retry *Retry `key:"retry"`
	// Which failures move a call on.
	Errors *Errors `key:"errors"`
	// Asking a second model while the first is slow. Its own condition still
	// speaks of the primary; that of the entry after the two speaks of both, and
	// gives both up.
	Hedge *Hedge `key:"hedge"`
	// What is particular to streamed answers.
	Stream *Stream `key:"stream"`
	// Rules that a model's answer must meet. If it does not, the attempt has failed
	// with kind rejected and the call falls back; the answer is still charged.
	// Answers that call functions and answers of last resort are always accepted. A
	// streamed answer is shown once it is accepted; until then, conditions on latency
	// see no content.
	Validate *Validate `key:"validate"`
	// What each target can take: one limit at least of requests, tokens or
	// concurrency. A call that is over a limit waits in a queue.
	RateLimits *RateLimits `key:"rate_limits"`
	// Who goes first when calls wait for a rate limit.
	Priority *Priority `key:"priority"`
	// What a tenant may spend, and a request may hold. One limit at least must be
	// set: usd_per_day, tenants, max_input_tokens or max_output_tokens.
	Budgets *Budgets `key:"budgets"`
	// Answers that are kept for the next equal request. What another target than
	// the primary has answered is kept for cached-answer alone. Each arm of an
	// experiment with the primary has answers of its own, and under compliance
	// rules so has each class and region of data. A caller for whom a flag is off
	// gets no answer of a model that it switches off.
	Cache *Cache `key:"cache"`
	// The answers of last resort, cached-answer and template-response.
	Degrade *Degrade `key:"degrade"`
	// Asking a strong model only when a cheap one is not sure. For a later
	// version: checked, but refused when a model is built.
	Cascade *Cascade `key:"cascade"`
	// Models by the names that this file uses for them. A name may have * for
	// any text, such as local-*, and then stands for all models it matches that
	// have no entry of their own; the most specific one counts. gemini-* and
	// gpt-* need no entry; a model of the application's own needs none either.
	Models map[string]Model `key:"models" keys:"pattern"`
	// Other names for models: the name that is written, and the one it stands
	// for.
	Aliases map[string]string `key:"aliases"`
	// Switches for targets, by name. The name is the flag's key at the
	// application's OpenFeature provider, which wins over this file.
	Flags map[string]Flag `key:"flags"`
	// Targets that are several models side by side, each for a share of the
	// users, by the id that metadata carries.
	Experiments map[string]Experiment `key:"experiments"`
	// Which targets may see which data.
	Compliance *Compliance `key:"compliance"`
	// What the state of an ADK session tells of a call, by the state's keys: texts,
	// numbers and bools. Compliance rules hold for a fact that cannot be read, and
	// a call whose tenant cannot be read shares no answers and spends no budget.
	Context *Context `key:"context"`
	// State that replicas share. For a later version: checked, but refused when
	// a model is built.
	State *State `key:"state"`
	// When to tell somebody. For a later version: checked, but refused when a
	// model is built.
	Alerts []Alert `key:"alerts" items:"1..64"`

	doc strictyaml.Document // what is known of the file
}

// Entry is one fallback.
type Entry struct {
	// A model, or one of the answers of last resort: cached-answer,
	// template-response.
	Name string `key:"name,required"`
	// When to move on to this entry from the attempt before it. While that
	// attempt is silent, the condition is asked at every latency it names; when
	// it is true, the attempt is cancelled. If it names cost and the price is
	// known, it is asked before the attempt, which is skipped when it is true.
	// When the attempt has failed, it decides whether this entry is tried or the
	// next one is considered. An attempt that has answered is given up only by a
	// condition that names confidence, empty or finish_reason; such an answer is
	// shown when it is whole and good enough, also when it is streamed.
	Condition Condition `key:"condition" default:"error"`
	// How long this entry may be without content, instead of timeouts.fallback
	// and stream.first_content.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"1h"`
}

// Timeouts bounds calls in time. What is left out is not bounded.
type Timeouts struct {
	// How long the primary may be without content. A call that is not streamed
	// has its content when it has its answer.
	Primary time.Duration `key:"primary" min:"1ms" max:"1h"`
	// The same for each fallback.
	Fallback time.Duration `key:"fallback" min:"1ms" max:"1h"`
	// How long one attempt may take from its start to its last chunk.
	Attempt time.Duration `key:"attempt" min:"1ms" max:"1h"`
	// How long the whole call may take, all attempts and waits included.
	Total time.Duration `key:"total" min:"1ms" max:"24h"`
}

// CircuitBreaker is [middleware.BreakerConfig] in a file.
type CircuitBreaker struct {
	// How many failures in a row open the breaker.
	FailureThreshold int `key:"failure_threshold" min:"1" max:"1000" default:"5"`
	// The share of failed calls within the window that opens it too. Left out,
	// the share does not matter.
	FailureRatio Share `key:"failure_ratio" min:"1%" max:"100%"`
	// How many calls the window must hold before their share counts.
	MinRequests int `key:"min_requests" min:"1" max:"100000" default:"10"`
	// How long an outcome counts.
	Window time.Duration `key:"window" min:"1s" max:"24h" default:"1m"`
	// How long an open breaker waits before it lets one call through as a probe.
	Backoff time.Duration `key:"backoff" min:"1ms" max:"24h" default:"30s"`
	// The wait doubles with each failed probe up to this. Left out, it stays as
	// it is.
	MaxBackoff time.Duration `key:"max_backoff" min:"1ms" max:"24h"`
}

// Retry is [middleware.RetryConfig] in a file.
type Retry struct {
	// How often one target is asked at most, the first time included. An error
	// may allow less.
	MaxAttempts int `key:"max_attempts" min:"1" max:"10" default:"3"`
	// The wait before the second attempt, doubled for each further one, drawn
	// between half of it and all of it.
	BaseDelay time.Duration `key:"base_delay" min:"1ms" max:"1m" default:"500ms"`
	// The longest such wait.
	MaxDelay time.Duration `key:"max_delay" min:"1ms" max:"10m" default:"10s"`
	// The longest wait that a provider may ask for; for a longer one the call
	// moves on.
	MaxWait time.Duration `key:"max_wait" min:"1ms" max:"5m" default:"1m"`
	// Longest wait before falling back when another target is available. 5m waits
	// always, because no wait is longer.
	SkipWait time.Duration `key:"skip_wait" min:"1ms" max:"5m" default:"5s"`
	// Retries as a share of all calls, so that an outage is not amplified.
	Budget Share `key:"budget" min:"0.1%" max:"100%" default:"10%"`
}

// Errors says which failures move a call on.
type Errors struct {
	// HTTP statuses and codes of providers, such as 429 or overloaded_error:
	// only a failure with one of them moves the call on. Left out, every failure
	// does that another model may not have; a bad key and an invalid request are
	// not among them.
	Codes []Code `key:"codes" items:"1..64"`
	// What a refusal by a model's content policy means: that is the answer
	// (fail), or the next model is asked (fallback).
	ContentPolicy string `key:"content_policy" enum:"fail|fallback" default:"fail"`
}

// Hedge is [router.HedgeConfig] in a file. What answers first wins.
type Hedge struct {
	// The fallback that is asked too. Left out, the first one.
	Target string `key:"target"`
	// How long the primary may be without content before. Left out, the 95th
	// percentile of its own times to first content.
	Delay time.Duration `key:"delay" min:"1ms" max:"10m"`
	// The lower bound of a measured delay.
	MinDelay time.Duration `key:"min_delay" min:"1ms" max:"10m" default:"100ms"`
	// The share of calls that may be hedged.
	MaxExtraLoad Share `key:"max_extra_load" min:"0.1%" max:"100%" default:"5%"`
}

// Stream is what is particular to streamed answers.
type Stream struct {
	// How long a streamed attempt may be without content, instead of
	// timeouts.primary and timeouts.fallback.
	FirstContent time.Duration `key:"first_content" min:"1ms" max:"1h"`
	// How long a stream may be silent between two chunks. Left out, as long as
	// it likes.
	Idle time.Duration `key:"idle" min:"1ms" max:"1h"`
	// What to do when a model fails in the middle of its answer: let the next
	// one answer from the start, let it continue the text, or fail.
	MidStream string `key:"mid_stream" enum:"restart|resume|fail" default:"restart"`
}
