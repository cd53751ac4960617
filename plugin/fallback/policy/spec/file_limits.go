package spec

import "time"

// RateLimits is middleware.LimitConfig in a file. At least one limit must be set.
type RateLimits struct {
	// Calls that may start per minute.
	RequestsPerMinute int `key:"requests_per_minute" min:"1" max:"10000000"`
	// Input tokens that may be sent per minute, estimated before each call and
	// corrected by the provider's count.
	TokensPerMinute int `key:"tokens_per_minute" min:"1" max:"1000000000000"`
	// Calls that may be in progress at the same time.
	Concurrency int `key:"concurrency" min:"1" max:"1000000"`
	// Calls that may wait.
	Queue int `key:"queue" min:"1" max:"1000000" default:"100"`
	// Longest wait in the queue. A call that would wait longer falls back.
	QueueTimeout time.Duration `key:"queue_timeout" min:"1ms" max:"10m" default:"10s"`
	// Whether the limits are halved when the provider reports that they are exceeded,
	// and then raised again step by step.
	Adaptive bool `key:"adaptive" default:"false"`
}

// Priority ranks the calls that wait.
type Priority struct {
	// Classes of calls, the most important one first. Calls of other classes come last.
	// Case does not matter.
	Classes []string `key:"classes,required" items:"1..32"`
	// Fact that holds the class of a call.
	From string `key:"from" kind:"fact" default:"priority"`
}

// Budgets limits spending and the length of requests and answers. Every attempt is
// charged, so falling back does not avoid a budget. If dollars are limited, a call
// whose tenant cannot be read is refused.
type Budgets struct {
	// What each tenant may spend in a day. Default: only the tenants named in tenants
	// have a limit.
	USDPerDay USD `key:"usd_per_day" min:"0.01" max:"10000000"`
	// Limits for single tenants, instead of usd_per_day. Case does not matter.
	Tenants map[string]TenantBudget `key:"tenants"`
	// Time zone in which days begin and end, such as Europe/Berlin. In a container
	// without time zones, the program must import time/tzdata; the command adk-fallback
	// does.
	Timezone string `key:"timezone" kind:"timezone" default:"UTC"`
	// Moves turns away from the primary before a budget is spent.
	SoftLimit *SoftLimit `key:"soft_limit"`
	// What happens when a budget is spent: the call is refused (deny), or gets an answer
	// of last resort (degrade). Models that cost nothing do not answer then.
	Exhausted string `key:"exhausted" enum:"deny|degrade" default:"deny"`
	// Longest request, in tokens as estimated. A longer one is refused.
	MaxInputTokens int `key:"max_input_tokens" min:"1" max:"100000000"`
	// Longest answer that requests may ask for, in tokens. Default: 8192 if dollars are
	// limited, because the cost of an attempt is reserved before it starts; otherwise
	// no limit.
	MaxOutputTokens int `key:"max_output_tokens" min:"1" max:"10000000"`
}

// TenantBudget is the budget of one tenant.
type TenantBudget struct {
	// What the tenant may spend in a day.
	USDPerDay USD `key:"usd_per_day,required" min:"0.01" max:"10000000"`
}

// SoftLimit lowers the primary's share of turns before a budget is spent.
type SoftLimit struct {
	// Share of the budget that must be spent before it applies.
	At Share `key:"at" min:"1%" max:"99%" default:"80%"`
	// Share of turns that still start at the primary; a call outside of ADK is a turn
	// of its own. The others start at the first fallback, and call the primary if no
	// fallback model answers. The choice is made when a turn starts and holds for all
	// its calls.
	PrimaryShare Share `key:"primary_share" min:"0%" max:"100%" default:"50%"`
}

// Cache keeps answers. Errors, truncated answers and function calls are never kept.
type Cache struct {
	// How long an answer is fresh.
	TTL time.Duration `key:"ttl" min:"1ms" max:"720h" default:"10m"`
	// How long after ttl an answer is still returned while a new one is fetched in the
	// background. A failed fetch is repeated after 10 seconds at the earliest. Default:
	// stale answers are not returned.
	StaleWhileRevalidate time.Duration `key:"stale_while_revalidate" min:"1ms" max:"720h"`
	// Memory that the answers may use.
	MaxBytes Bytes `key:"max_bytes" min:"64KiB" max:"1TiB" default:"64MiB"`
	// Which calls share answers: those of a tenant (tenant), or those of a user, or of
	// a session if the user is unknown (user). Never shared: answers of different
	// tenants, of a call whose tenant cannot be read, and of callers for whom flags
	// switch off different models.
	Scope string `key:"scope" enum:"tenant|user" default:"tenant"`
	// Calls whose answers have another ttl. The first rule that matches a call decides.
	Rules []CacheRule `key:"rules" items:"1..64"`
}

// CacheRule is [cache.Rule] in a file: it matches a call that meets all of its
// conditions, and without any every call.
type CacheRule struct {
	// The agent that makes the call.
	Agent string `key:"agent"`
	// Labels that the call has, with these values.
	Labels map[string]string `key:"labels"`
	// A regular expression of Go that matches somewhere in the user's last message, of
	// which the first 16 KiB count.
	Prompt string `key:"prompt" kind:"regexp"`
	// How long such an answer is fresh. Default: ttl of the cache.
	TTL time.Duration `key:"ttl" min:"1ms" max:"720h"`
	// Whether such answers are not kept at all.
	Skip bool `key:"skip" default:"false"`
}

// Degrade has the settings for the answers of last resort, which always say what they
// are.
type Degrade struct {
	// Text of template-response. It may use {{.App}}, {{.Agent}}, {{.Tenant}},
	// {{.Model}} (the model of the request), {{if .Tenant}} … {{else}} … {{end}}, and
	// the functions and, or, not, eq and ne of these fields and of quoted texts;
	// nothing else of Go's templates. Fields may be empty, so there must be text
	// outside of {{if}}, or both before and after its {{else}}.
	Template string `key:"template" kind:"text" default:"I cannot answer right now. Please try again later."`
	// Text before the answer of cached-answer. It is omitted if the request asks for
	// another format than plain text.
	CachedNotice string `key:"cached_notice" kind:"text" default:"(This is an earlier answer and may be out of date.)\n\n"`
	// Maximum age of the answer of cached-answer, independent of cache.ttl. cache_hit
	// is true if there is such an answer.
	CachedMaxAge time.Duration `key:"cached_max_age" min:"1s" max:"720h" default:"24h"`
	// The passages of retrieval-answer, which the application searches.
	Retrieval *Retrieval `key:"retrieval"`
	// The answer of deferred-answer: a short text at once, and the full answer in the
	// session when a model can be called again. The application supplies the queue with
	// policy.WithDeferred.
	Deferred *Deferred `key:"deferred"`
}

// Retrieval is [degrade.RetrievalConfig] in a file.
type Retrieval struct {
	// Text before the passages, which must say that they are no answer.
	Intro string `key:"intro" kind:"text" default:"I cannot answer right now. These passages may help. They are quotations, not an answer:"`
	// Number of passages that are quoted.
	MaxPassages int `key:"max_passages" min:"1" max:"20" default:"3"`
	// Size of each passage. A longer one is cut at the end of a word.
	MaxPassageBytes Bytes `key:"max_passage_bytes" min:"100B" max:"16KiB" default:"600B"`
	// Longest search.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"1m" default:"2s"`
}

// Deferred is [degrade.DeferredConfig] in a file. The queued call is made in the name of
// its caller, so that rules, flags and budgets apply to it. Among the calls of a tenant,
// those of the first class in priority.classes are made first.
type Deferred struct {
	// The short text, which says that the full answer will follow. It may use the same
	// fields as template.
	Message string `key:"message" kind:"text" default:"I cannot answer right now. The full answer will follow."`
	// Longest time until the full answer. A call without an answer by then has failed.
	MaxAge time.Duration `key:"max_age" min:"1m" max:"720h" default:"24h"`
}

// DefaultMaxOutput is the longest answer, in tokens, if dollars are limited and
// max_output_tokens is omitted.
const DefaultMaxOutput = 8192

// MaxOutput returns the limit on answers, in tokens; 0 for none. If dollars are limited,
// there always is one: the cost of an answer of any length could not be reserved.
func (b *Budgets) MaxOutput() int {
	switch {
	case b == nil:
		return 0
	case b.MaxOutputTokens == 0 && b.Spending():
		return DefaultMaxOutput
	}
	return b.MaxOutputTokens
}

// Spending reports whether dollars are limited.
func (b *Budgets) Spending() bool { return b != nil && (b.USDPerDay > 0 || len(b.Tenants) > 0) }

// Observe is observe.New in a file.
type Observe struct {
	// Records metrics with the application's OpenTelemetry meter provider.
	Metrics bool `key:"metrics" default:"true"`
	// Logs a line for each call that was no plain success, to the application's logger.
	Log bool `key:"log" default:"true"`
	// How many tenants have metrics of their own, under a hash of their name. The others are
	// counted together.
	Tenants int `key:"tenants" min:"0" max:"1000" default:"32"`
}
