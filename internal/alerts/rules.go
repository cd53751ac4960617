package alerts

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// alert is one alert before it becomes a rule.
type alert struct {
	name        string // in Prometheus
	page        bool   // somebody is paged
	expr        string
	summary     string
	description string // a template
}

// alerts returns the alerts that the policy can raise.
func (m *maker) alerts() []rule {
	makers := map[string]func() alert{
		spec.AlertFallbackRate: m.fallbacks, spec.AlertPrimaryErrors: m.primary, spec.AlertAllOpen: m.allOpen, spec.AlertDegradedAnswers: m.degraded,
		spec.AlertBudgetSpent: m.spent, spec.AlertBudgetBurn: m.burn, spec.AlertJobsWaiting: m.jobs,
	}
	var rules []rule
	for _, key := range m.policy.Alerting() {
		a := makers[key]()
		severity := m.set.TicketSeverity
		if a.page {
			severity = m.set.PageSeverity
		}
		labels := make(map[string]string) // Prometheus reads them as templates, too
		for label, value := range merged(m.selector, m.set.Labels) {
			labels[label] = plain(m.policy.Redact(value))
		}
		labels["severity"] = plain(m.policy.Redact(severity))
		rules = append(rules, rule{
			Alert: a.name, Expr: a.expr, For: span(m.set.For), Labels: labels,
			Annotations: &annotations{Summary: a.summary, Description: a.description, RunbookURL: plain(m.runbook(key))},
		})
	}
	return rules
}

// runbook returns the address of the page of an alert.
func (m *maker) runbook(key string) string {
	return strings.TrimSuffix(m.policy.Redact(m.set.RunbookURL), "/") + "/" + strings.ReplaceAll(key, "_", "-") + ".md"
}

// busy returns expr where there are enough calls to judge a share.
func (m *maker) busy(expr string) string {
	return fmt.Sprintf("%s\nand on () (%s * %s >= %d)", expr, of(m.callRate(), m.selector), number(m.set.Window.Seconds()), m.set.MinCalls)
}

const percentage = "{{ $value | humanizePercentage }}"

func (m *maker) fallbacks() alert {
	return alert{
		name: "FallbackRateHigh", page: true,
		expr:    m.busy(of(m.fallbackRate(), m.selector) + " > " + number(float64(m.set.FallbackRate))),
		summary: "Many calls are not answered by the primary model",
		description: fmt.Sprintf("A fallback answered %s of the calls of the last %s, or nothing answered them; the threshold is %s.",
			percentage, span(m.set.Window), m.set.FallbackRate),
	}
}

func (m *maker) primary() alert {
	target := oneOf(telemetry.LabelTarget, m.models(m.policy.Targets()[:1], false)...)
	// A few attempts say little, even among many calls, which may stay with a fallback.
	expr := fmt.Sprintf("max by (target) (%s > %s\nand on (target) (%s * %s >= %d))", of(m.targetErrors(), m.selector, target), number(float64(m.set.PrimaryErrors)),
		of(m.targetAttempts(), m.selector), number(m.set.Window.Seconds()), m.set.MinCalls)
	description := fmt.Sprintf("More than %s of the attempts at {{ $labels.target }} failed in the last %s.", m.set.PrimaryErrors, span(m.set.Window))
	if m.policy.CircuitBreaker != nil {
		// An open breaker lets few attempts through, or none.
		open := "min by (target) (min_over_time(" + over(of(gauge(telemetry.BreakerState), m.selector, target), m.set.Window) + ")) >= 1"
		expr = "(" + expr + "\nor " + open + ")"
		description = strings.TrimSuffix(description, ".") + ", or its circuit breaker has been open since then."
	}
	return alert{name: "FallbackPrimaryErrors", page: true, expr: m.busy(expr), summary: "The primary model fails", description: description}
}

func (m *maker) allOpen() alert {
	state := of(gauge(telemetry.BreakerState), m.selector, oneOf(telemetry.LabelTarget, m.models(m.policy.Targets(), true)...))
	return alert{
		name: "FallbackAllTargetsOpen", page: true,
		expr:        m.busy("min by (job, instance) (" + state + ") >= 1"),
		summary:     "The circuit breakers of all models are open",
		description: "No model takes calls on {{ $labels.instance }}, except for single probes. Users get answers of last resort, or errors.",
	}
}

func (m *maker) degraded() alert {
	return alert{
		name:    "FallbackDegradedAnswers",
		expr:    m.busy(of(m.degradedRate(), m.selector) + " > " + number(float64(m.set.DegradedAnswers))),
		summary: "Users get answers of last resort",
		description: fmt.Sprintf("%s of the calls of the last %s ended with an answer of last resort, not one of a model; the threshold is %s.",
			percentage, span(m.set.Window), m.set.DegradedAnswers),
	}
}

// tenantText names the tenant of an alert.
const tenantText = `{{ with $labels.tenant }}tenant {{ . }}{{ else }}the tenant{{ end }}`

func (m *maker) spent() alert {
	expr := "max by (tenant) (" + of(gauge(telemetry.BudgetSpent), m.selector) + "\n/ " + of(gauge(telemetry.BudgetLimit), m.selector) + ")"
	return alert{
		name:    "FallbackBudgetSpent",
		expr:    expr + " > " + number(float64(m.set.BudgetSpent)),
		summary: "A daily budget is almost spent",
		description: fmt.Sprintf("Of its budget for today, %s has spent %s; the threshold is %s. A tenant's label is a hash of its name.",
			tenantText, percentage, m.set.BudgetSpent),
	}
}

func (m *maker) burn() alert {
	// The spending of a day begins at 0, so the difference to the day before is negative
	// and raises no alert.
	pace := func(d time.Duration) string {
		return fmt.Sprintf("max by (tenant) (delta(%s) * %s\n/ %s) > %s", over(of(gauge(telemetry.BudgetSpent), m.selector), d), number(float64(day)/float64(d)),
			of(gauge(telemetry.BudgetLimit), m.selector), number(m.set.BudgetBurn))
	}
	long := max(time.Hour, m.set.Window)
	expr := pace(long)
	if m.set.Window < long {
		expr += "\nand " + pace(m.set.Window) // so that the alert ends soon after the spending
	}
	return alert{
		name: "FallbackBudgetBurn", page: true, expr: expr, summary: "A daily budget is being spent fast",
		description: fmt.Sprintf("In the last %s, %s has spent its budget {{ $value | humanize }} times faster than evenly over the day; the threshold is %s.",
			span(long), tenantText, number(m.set.BudgetBurn)),
	}
}

func (m *maker) jobs() alert {
	return alert{
		name: "FallbackJobsWaiting",
		expr: fmt.Sprintf("max(%s) > %s\nor max(%s) > %d", of(gauge(telemetry.JobsOldest), m.selector), number(m.set.JobsOldest.Seconds()),
			of(gauge(telemetry.JobsWaiting), m.selector), m.set.JobsWaiting),
		summary:     "Deferred answers are waiting",
		description: fmt.Sprintf("A deferred answer has waited for more than %s, or more than %d are waiting.", span(m.set.JobsOldest), m.set.JobsWaiting),
	}
}

// models returns the label values of the models of targets: of the arms of their
// experiments, too, and with cheap, of the cheap model of a cascade.
func (m *maker) models(targets []spec.Target, cheap bool) []string {
	var names []string
	for _, t := range targets {
		models := t.Models()
		if cheap && t.Cheap != nil {
			models = append(models, t.Cheap.Resolved)
		}
		for _, r := range models {
			if name := labelOf(m.policy.Redact(r.Model)); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
