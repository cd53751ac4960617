package alerts

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// maker makes the rules of one policy.
type maker struct {
	policy   *spec.Policy
	set      spec.Alerts
	selector map[string]string
}

func newMaker(p *spec.Policy) *maker {
	set := p.Alerts
	if set == nil {
		set = spec.Default[spec.Alerts]()
	}
	m := &maker{policy: p, set: *set, selector: make(map[string]string)}
	for label, value := range set.Selector {
		m.selector[label] = p.Redact(value)
	}
	return m
}

// quantiles are the percentiles that are recorded for each target.
var quantiles = []string{"0.5", "0.95", "0.99"}

// setAside are the kinds of attempts that say nothing of the health of a target: the caller
// or a faster model has ended them, or they show a preview.
var setAside = []string{"canceled", "hedge_lost", "preview"}

// The rules that are recorded. Their names follow Prometheus' level:metric:operations.
func (m *maker) callRate() string     { return "fallback:calls:rate" + span(m.set.Window) }
func (m *maker) fallbackRate() string { return "fallback:fallbacks:ratio_rate" + span(m.set.Window) }
func (m *maker) availability() string {
	return "fallback:availability:ratio_rate" + span(m.set.Window)
}
func (m *maker) degradedRate() string { return "fallback:degraded:ratio_rate" + span(m.set.Window) }
func (m *maker) targetErrors() string {
	return "fallback:target_errors:ratio_rate" + span(m.set.Window)
}
func (m *maker) targetAttempts() string { return "fallback:target_attempts:rate" + span(m.set.Window) }
func (m *maker) targetTime() string {
	return "fallback:target_duration_seconds:quantile_rate" + span(m.set.Window)
}
func (m *maker) targetFirst() string {
	return "fallback:target_first_content_seconds:quantile_rate" + span(m.set.Window)
}

// records returns the recording rules.
func (m *maker) records() []rule {
	rules := []rule{
		{Record: m.callRate(), Expr: "sum(" + m.calls(isNot(telemetry.LabelOutcome, string(call.Cancelled))) + ")"},
		{Record: m.availability(), Expr: m.share(m.calls(is(telemetry.LabelOutcome, string(call.OK))))},
		{Record: m.fallbackRate(), Expr: m.share(m.calls(is(telemetry.LabelFallback, "true")) + " or " + m.calls(is(telemetry.LabelOutcome, string(call.Failed))))},
		{Record: m.degradedRate(), Expr: m.share(m.calls(is(telemetry.LabelOutcome, string(call.OK)), isNot(telemetry.LabelDegraded, "")))},
		{Record: m.targetAttempts(), Expr: m.attempts(string(call.OK), string(call.Failed))},
		{Record: m.targetErrors(), Expr: m.errorsByTarget()},
	}
	for _, of := range []struct {
		name   string
		metric telemetry.Metric
	}{{m.targetTime(), telemetry.AttemptTime}, {m.targetFirst(), telemetry.AttemptFirst}} {
		for _, q := range quantiles {
			rules = append(rules, rule{Record: of.name, Expr: m.quantile(q, of.metric), Labels: map[string]string{"quantile": q}})
		}
	}
	for i := range rules {
		rules[i].Labels = merged(rules[i].Labels, m.selector) // which sum has removed
	}
	return rules
}

// calls returns the rates of calls that somebody waits for: while no model answers, deferred
// jobs make many others.
func (m *maker) calls(matchers ...matcher) string {
	matchers = append(matchers, is(telemetry.LabelDeferred, "false"))
	return rate(of(counter(telemetry.Calls), m.selector, matchers...), m.set.Window)
}

// share returns the share of calls that are among some, 0 if there are none. Calls that the
// caller has ended do not count.
func (m *maker) share(some string) string {
	return "(sum(" + some + ") or vector(0))\n/ (sum(" + m.calls(isNot(telemetry.LabelOutcome, string(call.Cancelled))) + ") > 0)"
}

// attempts returns the rates of attempts at each target that ended so.
func (m *maker) attempts(outcomes ...string) string {
	return "sum by (target) (" + rate(of(counter(telemetry.Attempts), m.selector, oneOf(telemetry.LabelOutcome, outcomes...), noneOf(telemetry.LabelKind, setAside...)), m.set.Window) + ")"
}

// errorsByTarget returns the share of attempts at each target that have failed.
func (m *maker) errorsByTarget() string {
	all := of(m.targetAttempts(), m.selector) // by target and the selector's labels
	return "(" + m.attempts(string(call.Failed)) + " or on (target) 0 * " + all + ")\n/ on (target) (" + all + " > 0)"
}

// quantile returns a percentile of the times of each target.
func (m *maker) quantile(q string, metric telemetry.Metric) string {
	var answered []matcher
	if metric == telemetry.AttemptTime {
		answered = append(answered, is(telemetry.LabelOutcome, string(call.OK)))
	}
	return "histogram_quantile(" + q + ", sum by (target, le) (" + rate(of(buckets(metric), m.selector, answered...), m.set.Window) + "))"
}

// merged returns the entries of both maps; nil for none.
func merged(a, b map[string]string) map[string]string {
	if len(a)+len(b) == 0 {
		return nil
	}
	all := make(map[string]string, len(a)+len(b))
	for _, from := range []map[string]string{a, b} {
		for key, value := range from {
			all[key] = value
		}
	}
	return all
}

// day is how long a budget lasts.
const day = 24 * time.Hour
