package telemetry

import "go.opentelemetry.io/otel/attribute"

// Metric is the description of an instrument. Prometheus' exporter writes dots as "_", and
// adds "_total" to the names of counters and "_seconds" or "_bytes" to those with a unit.
type Metric struct{ Name, Unit, Description string }

// Counters and histograms, which are recorded as calls and attempts end. The convention has
// gen_ai.client.operation.duration for the call: ADK's own.
var (
	Calls        = Metric{"fallback.calls", "{call}", "Calls that have ended, by outcome: ok, failed or cancelled."}
	CallDuration = Metric{"fallback.call.duration", "s", "Time that calls took, with their waits."}
	CallFirst    = Metric{"fallback.call.first_content", "s", "Time until callers got the first content."}
	CallOverhead = Metric{"fallback.call.overhead", "s", "Time of calls that was spent neither in attempts nor in waits; not of calls with a hedge or a preview, nor of cancelled ones."}
	Fallbacks    = Metric{"fallback.fallbacks", "{call}", "Calls that a fallback answered or, without to, that nothing answered."}
	Cached       = Metric{"fallback.cache.calls", "{call}", "Calls by what the cache did: miss, hit, stale or bypass."}
	Experiments  = Metric{"fallback.experiment.calls", "{call}", "Calls that an experiment assigned to a cohort."}
	Attempts     = Metric{"fallback.attempts", "{attempt}", "Attempts by outcome: ok, failed or skipped."}
	AttemptTime  = Metric{"fallback.attempt.duration", "s", "Time that attempts took, without their waits."}
	AttemptFirst = Metric{"fallback.attempt.first_content", "s", "Time from the start of attempts to their first content."}
	AttemptWait  = Metric{"fallback.attempt.wait", "s", "Waits before attempts: of retries, and in the queue of a limit. Only attempts that waited."}
	Hedges       = Metric{"fallback.hedges", "{attempt}", "Attempts beside a slow one: won, lost, or failed."}
	Tokens       = Metric{"fallback.tokens", "{token}", "Tokens of attempts: input, with cached ones, and output, with thoughts; cached and cached_lost are parts of input."}
	Cost         = Metric{"fallback.cost", "{USD}", "Price of the tokens of attempts."}
	Feedback     = Metric{"fallback.feedback", "1", "Scores that users gave to answers."}
)

// Gauges, which are read from the tree of a model when metrics are collected.
var (
	BreakerState  = Metric{"fallback.breaker.state", "{state}", "0: closed, 1: half open, 2: open."}
	LimitQueued   = Metric{"fallback.limit.queued", "{call}", "Calls that wait for a limit."}
	LimitInFlight = Metric{"fallback.limit.in_flight", "{call}", "Calls that a limit has let through and that have not ended."}
	LimitPace     = Metric{"fallback.limit.pace", "{share}", "Share of its configured limits that an adaptive limit uses."}
	RetriesLeft   = Metric{"fallback.retry.available", "{retry}", "Retries that the retry budget allows now."}
	HedgesLeft    = Metric{"fallback.hedge.available", "{hedge}", "Hedges that are allowed now."}
	BudgetSpent   = Metric{"fallback.budget.spent", "{USD}", "Spending of the day, by tenant."}
	BudgetLimit   = Metric{"fallback.budget.limit", "{USD}", "Limit of the day, by tenant with a limit."}
	CacheSize     = Metric{"fallback.cache.size", "By", "Estimated size of the cached answers."}
	CacheAnswers  = Metric{"fallback.cache.answers", "{answer}", "Cached answers."}
	SplitShare    = Metric{"fallback.experiment.share", "{share}", "Share of the users or sessions that a cohort has."}
	PolicyLoaded  = Metric{"fallback.policy.loaded", "s", "Unix time at which the policy was put into use."}
	PolicyProblem = Metric{"fallback.policy.problem", "{problem}", "1 if the latest change of the policy's file is not in use."}
	Reachable     = Metric{"fallback.state.reachable", "{store}", "1 if the store that replicas share can be reached, 0 if not."}
	JobsWaiting   = Metric{"fallback.jobs.waiting", "{job}", "Deferred jobs that wait."}
	JobsFailed    = Metric{"fallback.jobs.failed", "{job}", "Deferred jobs that were given up."}
	JobsOldest    = Metric{"fallback.jobs.oldest", "s", "Age of the oldest deferred job that waits."}
)

// Attributes of metrics. Values are bounded in number and length.
const (
	LabelOutcome    = attribute.Key("outcome")
	LabelFallback   = attribute.Key("fallback") // bool: a fallback answered
	LabelModel      = attribute.Key("model")    // the target that answered; "" for none
	LabelDegraded   = attribute.Key("degraded") // the last resort that answered; "" for none
	LabelDeferred   = attribute.Key("deferred") // bool: a deferred job made the call, which nobody waits for
	LabelTenant     = attribute.Key("tenant")   // a hash
	LabelTarget     = attribute.Key("target")
	LabelFrom       = attribute.Key("from")
	LabelTo         = attribute.Key("to")
	LabelKind       = attribute.Key("kind") // of a failure
	LabelStatus     = attribute.Key("status")
	LabelType       = attribute.Key("type")
	LabelResult     = attribute.Key("result")
	LabelExperiment = attribute.Key("experiment")
	LabelCohort     = attribute.Key("cohort")
)
