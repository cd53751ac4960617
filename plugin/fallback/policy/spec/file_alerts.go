package spec

import (
	"slices"
	"time"
)

// Alerts has the thresholds of the alerts that the command adk-fallback alerts writes as
// rules for Prometheus. They come from metrics of package observe; nothing is done while
// calls are made.
type Alerts struct {
	// Share of calls that a fallback answered, or that nothing answered, above which
	// somebody is paged.
	FallbackRate Share `key:"fallback_rate" min:"0.1%" max:"100%" default:"10%"`
	// Share of the primary's attempts that failed, above which somebody is paged. With a
	// circuit_breaker, also if the breaker has been open for the whole window. Skipped
	// targets do not count, nor do calls that the caller cancelled.
	PrimaryErrors Share `key:"primary_errors" min:"0.1%" max:"100%" default:"5%"`
	// Share of calls that a last resort answered, above which there is a ticket. It needs a
	// last resort.
	DegradedAnswers Share `key:"degraded_answers" min:"0.1%" max:"100%" default:"1%"`
	// Share of a tenant's daily budget that has been spent, above which there is a ticket.
	// It needs a budget in dollars.
	BudgetSpent Share `key:"budget_spent" min:"1%" max:"100%" default:"80%"`
	// How many times faster than evenly over the day a tenant spends its daily budget, above
	// which somebody is paged: at 4, the budget of a day is spent in 6 hours. It is measured
	// over the last hour and over the window. It needs a budget in dollars.
	BudgetBurn float64 `key:"budget_burn" min:"1" max:"1000" default:"4"`
	// Number of deferred answers that wait, above which there is a ticket. It needs
	// deferred-answer.
	JobsWaiting int `key:"jobs_waiting" min:"1" max:"1000000000" default:"100"`
	// How long a deferred answer may wait before there is a ticket.
	JobsOldest time.Duration `key:"jobs_oldest" min:"1m" max:"720h" default:"15m"`
	// Time over which shares are measured.
	Window time.Duration `key:"window" min:"1m" max:"24h" default:"5m"`
	// How long a threshold must be exceeded before the alert fires.
	For time.Duration `key:"for" min:"0s" max:"24h" default:"1m"`
	// Calls within the window below which no share is judged, so that a few failures at
	// night page nobody.
	MinCalls int `key:"min_calls" min:"1" max:"1000000000" default:"20"`
	// Alerts to omit. all_open is the alert for open breakers at all models of the chain; it
	// needs a circuit_breaker, and pages somebody.
	Disable []string `key:"disable" items:"0..7" enum:"fallback_rate|primary_errors|all_open|degraded_answers|budget_spent|budget_burn|jobs_waiting"`
	// Labels by which Prometheus tells this application's metrics from others', such as
	// job: assistant. Default: none, so that all applications count together.
	Selector map[string]string `key:"selector" keys:"label"`
	// Labels to add to every alert, such as team: search.
	Labels map[string]string `key:"labels" keys:"label"`
	// Value of the label severity of alerts that page somebody.
	PageSeverity string `key:"page_severity" default:"page"`
	// Value of the label severity of the other alerts.
	TicketSeverity string `key:"ticket_severity" default:"ticket"`
	// Where the runbooks are. The name of a page is appended, such as /fallback-rate.md.
	RunbookURL string `key:"runbook_url" kind:"url" default:"https://github.com/adk-fallback/adk-fallback/blob/main/samples/observability/runbooks"`
}

// The alerts, as alerts.disable names them.
const (
	AlertFallbackRate    = "fallback_rate"
	AlertPrimaryErrors   = "primary_errors"
	AlertAllOpen         = "all_open"
	AlertDegradedAnswers = "degraded_answers"
	AlertBudgetSpent     = "budget_spent"
	AlertBudgetBurn      = "budget_burn"
	AlertJobsWaiting     = "jobs_waiting"
)

// Alerting returns the alerts that the policy can raise, in a fixed order: without those
// that section alerts disables, and those that need a section or a last resort that the
// policy does not have.
func (p *Policy) Alerting() []string {
	var names []string
	for _, a := range p.alertNeeds() {
		if a.met && (p.Alerts == nil || !slices.Contains(p.Alerts.Disable, a.name)) {
			names = append(names, a.name)
		}
	}
	return names
}

// alertNeed is what an alert needs of a policy.
type alertNeed struct {
	name string
	keys []string // its thresholds in section alerts
	met  bool
	need string // and how to meet it, for messages
}

func (p *Policy) alertNeeds() []alertNeed {
	resorts := slices.ContainsFunc(lastResorts, p.answersWith) || p.Cascade != nil // which can return a rejected answer
	budget := "a budget; set budgets.usd_per_day or budgets.tenants"
	return []alertNeed{
		{AlertFallbackRate, []string{"fallback_rate"}, true, ""},
		{AlertPrimaryErrors, []string{"primary_errors"}, true, ""},
		{AlertAllOpen, nil, p.CircuitBreaker != nil, "circuit_breaker; add that section"},
		{AlertDegradedAnswers, []string{"degraded_answers"}, resorts, "a last resort; add template-response to the fallbacks"},
		{AlertBudgetSpent, []string{"budget_spent"}, p.Budgets.Spending(), budget},
		{AlertBudgetBurn, []string{"budget_burn"}, p.Budgets.Spending(), budget},
		{AlertJobsWaiting, []string{"jobs_waiting", "jobs_oldest"}, p.answersWith(DeferredAnswer), "deferred answers; add deferred-answer to the fallbacks"},
	}
}

// answersWith reports whether the last resort name is a fallback, or the cascade sends calls
// to it.
func (p *Policy) answersWith(name string) bool {
	sent := p.Cascade != nil && p.Cascade.Degrade != nil && p.canonical(p.Cascade.Degrade.To) == name
	return sent || slices.ContainsFunc(p.Fallbacks, func(e Entry) bool { return p.canonical(e.Name) == name })
}
