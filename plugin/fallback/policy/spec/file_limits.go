package spec

import "time"

// RateLimits is [middleware.LimitConfig] in a file. One limit at least must be
// set.
type RateLimits struct {
	// How many calls may start in a minute.
	RequestsPerMinute int `key:"requests_per_minute" min:"1" max:"10000000"`
	// How many tokens of input may be sent in a minute, as estimated.
	TokensPerMinute int `key:"tokens_per_minute" min:"1" max:"1000000000000"`
	// How many calls may be under way.
	Concurrency int `key:"concurrency" min:"1" max:"1000000"`
	// How many calls may wait.
	Queue int `key:"queue" min:"1" max:"1000000" default:"100"`
	// How long a call may wait before it moves on.
	QueueTimeout time.Duration `key:"queue_timeout" min:"1ms" max:"10m" default:"10s"`
	// Whether the limits are halved when the provider says that they are
	// exceeded, and raised again step by step.
	Adaptive bool `key:"adaptive" default:"false"`
}

// Priority ranks the calls that wait.
type Priority struct {
	// The classes, the most important one first. A call of any other class comes
	// after them.
	Classes []string `key:"classes,required" items:"1..32"`
	// What a call's class is: one of the facts that section context reads, or
	// that the application tells.
	From string `key:"from" kind:"fact" default:"priority"`
}

// Budgets bounds what is spent. Each attempt is charged: falling back never
// goes round a budget. Where dollars are bounded, a call whose tenant cannot be
// read is refused.
type Budgets struct {
	// What each tenant may spend in a day. Left out, only the tenants named below
	// are bounded.
	USDPerDay USD `key:"usd_per_day" min:"0.01" max:"10000000"`
	// Tenants with a budget of their own.
	Tenants map[string]TenantBudget `key:"tenants"`
	// Whose days they are, such as Europe/Berlin. A program in a container without
	// time zones must import time/tzdata; the command does.
	Timezone string `key:"timezone" kind:"timezone" default:"UTC"`
	// What happens before a budget is spent.
	SoftLimit *SoftLimit `key:"soft_limit"`
	// What happens when it is: calls are refused (deny), or get an answer of
	// last resort (degrade).
	Exhausted string `key:"exhausted" enum:"deny|degrade" default:"deny"`
	// The longest request, in tokens as estimated. A longer one is refused.
	MaxInputTokens int `key:"max_input_tokens" min:"1" max:"100000000"`
	// The longest answer, in tokens. It bounds what requests ask for. Left out, it
	// is 8192 where dollars are bounded: what a call may cost is set aside first.
	MaxOutputTokens int `key:"max_output_tokens" min:"1" max:"10000000"`
}

// TenantBudget is one tenant's.
type TenantBudget struct {
	// What the tenant may spend in a day.
	USDPerDay USD `key:"usd_per_day,required" min:"0.01" max:"10000000"`
}

// SoftLimit lowers the primary's share before a budget is spent.
type SoftLimit struct {
	// The share of the budget from which on it does.
	At Share `key:"at" min:"1%" max:"99%" default:"80%"`
	// The share of turns that still start at the primary; a call outside of ADK is
	// a turn by itself. The others start at the first fallback, and get to the
	// primary if no model among the fallbacks answers. What a turn has started with
	// holds for all its calls, also when the limit is reached meanwhile.
	PrimaryShare Share `key:"primary_share" min:"0%" max:"100%" default:"50%"`
}

// Cache keeps answers. Errors, answers that were cut and function calls are
// never kept.
type Cache struct {
	// How long an answer is fresh.
	TTL time.Duration `key:"ttl" min:"1ms" max:"720h" default:"10m"`
	// How long after that it is still given, while a new one is fetched; when
	// that fails, it is tried again after ten seconds.
	StaleWhileRevalidate time.Duration `key:"stale_while_revalidate" min:"1ms" max:"720h"`
	// How much memory the answers may take.
	MaxBytes Bytes `key:"max_bytes" min:"64KiB" max:"1TiB" default:"64MiB"`
	// Who shares answers: all calls of a tenant, or only those of a user, who is
	// known by the session where there is no user. Tenants never do, nor does a
	// call whose tenant cannot be read, nor do callers for whom flags switch
	// different models off.
	Scope string `key:"scope" enum:"tenant|user" default:"tenant"`
}

// Degrade is about the answers of last resort. They always say what they are.
type Degrade struct {
	// What template-response says: a text in which {{.App}}, {{.Agent}},
	// {{.Tenant}} and {{.Model}}, the model that was asked, stand for what they
	// name. {{if .Tenant}} … {{else}} … {{end}} and the functions and, or, not,
	// eq and ne of these and of quoted texts may be used, and nothing else of
	// Go's templates. Any of them may be empty, and the text may not be: some of
	// it has to stand outside of {{if}}, or both before and after {{else}}.
	Template string `key:"template" kind:"text" default:"I cannot answer right now. Please try again later."`
	// Text that cached-answer puts before the answer.
	CachedNotice string `key:"cached_notice" kind:"text" default:"(This is an earlier answer and may be out of date.)\n\n"`
	// How old the answer of cached-answer may be, whatever cache.ttl is.
	// cache_hit is true for any such answer.
	CachedMaxAge time.Duration `key:"cached_max_age" min:"1s" max:"720h" default:"24h"`
	// Answers that are given later. For a later version: checked, but refused
	// when a model is built.
	Deferred *DeferredAnswer `key:"deferred"`
}

// DeferredAnswer is about calls that are answered later.
type DeferredAnswer struct {
	// What the user is told now.
	Message string `key:"message,required" kind:"text"`
	// How long a call waits for its answer at most.
	MaxAge time.Duration `key:"max_age" min:"1m" max:"720h" default:"24h"`
	// How many calls may wait.
	Queue int `key:"queue" min:"1" max:"1000000" default:"1000"`
}

// DefaultMaxOutput is the longest answer, in tokens, where dollars are bounded
// and max_output_tokens is left out.
const DefaultMaxOutput = 8192

// MaxOutput is the bound on answers, in tokens; 0 for none. An attempt that may
// cost anything cannot be reserved, so there is one wherever dollars are bounded.
func (b *Budgets) MaxOutput() int {
	switch {
	case b == nil:
		return 0
	case b.MaxOutputTokens == 0 && b.Spending():
		return DefaultMaxOutput
	}
	return b.MaxOutputTokens
}

// Spending reports whether dollars are bounded.
func (b *Budgets) Spending() bool { return b != nil && (b.USDPerDay > 0 || len(b.Tenants) > 0) }
