package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/promtool"
)

var update = flag.Bool("update", false, "write grafana.json anew")

// panel is a panel of the dashboard, before it becomes JSON.
type panel struct {
	title, about string
	kind         string // default: timeseries
	unit         string // of Grafana; "" for a number
	wide         int    // in 24ths of the width; default: 8
	queries      []query
}

// query is an expression of PromQL, and the legend of its series.
type query struct{ expr, legend string }

// A selector for all queries, and the window of those that are not recorded.
const (
	of  = `job=~"$job",instance=~"$instance"`
	per = `[$__rate_interval]`
)

// rows are the panels of the dashboard by heading.
var rows = []struct {
	title  string
	panels []panel
}{
	{"Now", []panel{
		{title: "Fallback rate", about: "Calls that a fallback answered, or that nothing answered.", kind: "stat", unit: "percentunit", wide: 4, queries: []query{{`fallback:fallbacks:ratio_rate5m{job=~"$job"}`, "fallback rate"}}},
		{title: "Availability", about: "Calls that were answered, by a model or a last resort.", kind: "stat", unit: "percentunit", wide: 4, queries: []query{{`fallback:availability:ratio_rate5m{job=~"$job"}`, "availability"}}},
		{title: "Degraded answers", about: "Calls that a last resort answered.", kind: "stat", unit: "percentunit", wide: 4, queries: []query{{`fallback:degraded:ratio_rate5m{job=~"$job"}`, "degraded"}}},
		{title: "Budget spent", about: "The tenant that has used the largest share of its budget of the day.", kind: "stat", unit: "percentunit", wide: 4, queries: []query{{`max(fallback_budget_spent{` + of + `} / fallback_budget_limit{` + of + `})`, "of the budget"}}},
		{title: "Deferred answers that wait", kind: "stat", wide: 4, queries: []query{{`max(fallback_jobs_waiting{` + of + `})`, "waiting"}}},
		{title: "Firing alerts", about: "The alerts of rules.yaml. Each has a runbook.", kind: "stat", wide: 4, queries: []query{{`count(ALERTS{alertname=~"Fallback.*",alertstate="firing",job=~"$job"}) or vector(0)`, "firing"}}},
	}},
	{"Calls", []panel{
		{title: "Calls by outcome", unit: "reqps", queries: []query{{`sum by (outcome, fallback) (rate(fallback_calls_total{` + of + `}` + per + `))`, "{{outcome}}, fallback {{fallback}}"}}},
		{title: "Calls by the model that answered", unit: "reqps", queries: []query{{`sum by (model) (rate(fallback_calls_total{` + of + `,outcome="ok"}` + per + `))`, "{{model}}"}}},
		{title: "Fallbacks by reason", about: "From, to and the kind of failure. Without to, nothing answered.", unit: "reqps", queries: []query{{`sum by (from, to, kind) (rate(fallback_fallbacks_total{` + of + `}` + per + `))`, "{{from}} → {{to}}: {{kind}}"}}},
		{title: "Duration of calls", about: "With retries, fallbacks and waits.", unit: "s", queries: percentiles("fallback_call_duration_seconds_bucket", "")},
		{title: "Time to first content of calls", unit: "s", queries: percentiles("fallback_call_first_content_seconds_bucket", "")},
		{title: "Own overhead", about: "Time of calls that was spent neither in attempts nor in waits.", unit: "s", queries: percentiles("fallback_call_overhead_seconds_bucket", "")},
		{title: "Degraded answers by last resort", unit: "reqps", queries: []query{{`sum by (degraded) (rate(fallback_calls_total{` + of + `,degraded!=""}` + per + `))`, "{{degraded}}"}}},
		{title: "Calls by tenant", about: "Tenants are hashes.", unit: "reqps", queries: []query{{`topk(10, sum by (tenant) (rate(fallback_calls_total{` + of + `}` + per + `)))`, "{{tenant}}"}}},
		{title: "Scores by users", about: "Mean of the scores that users gave, by the model that answered.", queries: []query{{`sum by (model) (rate(fallback_feedback_sum{` + of + `}` + per + `)) / sum by (model) (rate(fallback_feedback_count{` + of + `}` + per + `))`, "{{model}}"}}},
	}},
	{"Targets", []panel{
		{title: "Breakers", about: "The worst state of each target's breakers.", kind: "state-timeline", wide: 24, queries: []query{{`max by (target) (fallback_breaker_state{` + of + `})`, "{{target}}"}}},
		{title: "Failed attempts", about: "Share of the attempts at each target.", unit: "percentunit", queries: []query{{`fallback:target_errors:ratio_rate5m{job=~"$job"}`, "{{target}}"}}},
		{title: "Failures by kind", unit: "reqps", queries: []query{{`sum by (target, kind) (rate(fallback_attempts_total{` + of + `,outcome="failed"}` + per + `))`, "{{target}}: {{kind}}"}}},
		{title: "Skipped attempts", about: "Targets that were not called: an open breaker, a limit, a budget or a rule.", unit: "reqps", queries: []query{{`sum by (target, kind) (rate(fallback_attempts_total{` + of + `,outcome="skipped"}` + per + `))`, "{{target}}: {{kind}}"}}},
		{title: "Attempts", unit: "reqps", queries: []query{{`sum by (target, outcome) (rate(fallback_attempts_total{` + of + `}` + per + `))`, "{{target}}: {{outcome}}"}}},
		{title: "Duration of attempts", about: "P50, P95 and P99 of each target's answers.", unit: "s", queries: []query{{`fallback:target_duration_seconds:quantile_rate5m{job=~"$job"}`, "{{target}} P{{quantile}}"}}},
		{title: "Time to first content of attempts", unit: "s", queries: []query{{`fallback:target_first_content_seconds:quantile_rate5m{job=~"$job"}`, "{{target}} P{{quantile}}"}}},
	}},
	{"Tokens and cost", []panel{
		{title: "Cost per hour", unit: "currencyUSD", queries: []query{{`sum by (target) (rate(fallback_cost_total{` + of + `}` + per + `)) * 3600`, "{{target}}"}}},
		{title: "Tokens", unit: "cps", queries: []query{{`sum by (target, type) (rate(fallback_tokens_total{` + of + `}` + per + `))`, "{{target}}: {{type}}"}}},
		{title: "Budget spent by tenant", unit: "percentunit", queries: []query{{`max by (tenant) (fallback_budget_spent{` + of + `} / fallback_budget_limit{` + of + `})`, "{{tenant}}"}}},
	}},
	{"Limits, retries, hedges and caches", []panel{
		{title: "Calls that wait for a limit", queries: []query{{`sum by (target) (fallback_limit_queued{` + of + `})`, "{{target}} waiting"}, {`sum by (target) (fallback_limit_in_flight{` + of + `})`, "{{target}} in flight"}}},
		{title: "Wait before attempts", about: "In the queue of a limit, and before retries. Only attempts that waited.", unit: "s", queries: percentiles("fallback_attempt_wait_seconds_bucket", "target")},
		{title: "Pace of adaptive limits", about: "Share of the configured limits that is used.", unit: "percentunit", queries: []query{{`min by (target) (fallback_limit_pace{` + of + `})`, "{{target}}"}}},
		{title: "Retry budget", about: "Retries that are allowed at this moment.", queries: []query{{`min by (target) (fallback_retry_available{` + of + `})`, "{{target}}"}}},
		{title: "Hedges", unit: "reqps", queries: []query{{`sum by (target, result) (rate(fallback_hedges_total{` + of + `}` + per + `))`, "{{target}}: {{result}}"}, {`min by (target) (fallback_hedge_available{` + of + `})`, "{{target}} allowed now"}}},
		{title: "Cache", unit: "reqps", queries: []query{{`sum by (status) (rate(fallback_cache_calls_total{` + of + `}` + per + `))`, "{{status}}"}}},
		{title: "Cached answers", queries: []query{{`sum(fallback_cache_answers{` + of + `})`, "answers"}}},
		{title: "Size of caches", unit: "bytes", queries: []query{{`sum by (instance) (fallback_cache_size_bytes{` + of + `})`, "{{instance}}"}}},
	}},
	{"Deferred answers, experiments and the policy", []panel{
		{title: "Deferred answers", queries: []query{{`max(fallback_jobs_waiting{` + of + `})`, "waiting"}, {`max(fallback_jobs_failed{` + of + `})`, "failed"}}},
		{title: "Oldest deferred answer", unit: "s", queries: []query{{`max(fallback_jobs_oldest_seconds{` + of + `})`, "age"}}},
		{title: "Experiments", about: "Calls of each cohort, and its share of the users.", unit: "reqps", queries: []query{{`sum by (experiment, cohort, outcome) (rate(fallback_experiment_calls_total{` + of + `}` + per + `))`, "{{experiment}} {{cohort}}: {{outcome}}"}}},
		{title: "Shares of cohorts", unit: "percentunit", queries: []query{{`avg by (experiment, cohort) (fallback_experiment_share{` + of + `})`, "{{experiment}} {{cohort}}"}}},
		{title: "Policy in use since", about: "Changes are reloads.", unit: "dateTimeAsIso", kind: "stat", queries: []query{{`min by (instance) (fallback_policy_loaded_seconds{` + of + `}) * 1000`, "{{instance}}"}}},
		{title: "Policy files with problems", about: "Instances that do not use the latest change of their file.", queries: []query{{`sum(fallback_policy_problem{` + of + `})`, "instances"}}},
		{title: "Shared state unreachable", about: "Replicas that cannot reach the store of section state, and go on alone.", queries: []query{{`count(fallback_state_reachable{` + of + `} == 0) or vector(0)`, "replicas"}}},
	}},
}

// percentiles returns the queries of a histogram, by a label or for all.
func percentiles(buckets, label string) (all []query) {
	by, legend := "le", ""
	if label != "" {
		by, legend = label+", le", "{{"+label+"}} "
	}
	for _, p := range []string{"0.5", "0.95", "0.99"} {
		all = append(all, query{fmt.Sprintf(`histogram_quantile(%s, sum by (%s) (rate(%s{%s}%s)))`, p, by, buckets, of, per), legend + "P" + strings.TrimPrefix(p+"0", "0.")[:2]})
	}
	return all
}

type object = map[string]any

// dashboard returns grafana.json.
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
func dashboard() object {
	source := object{"type": "prometheus", "uid": "${datasource}"}
	var panels []object
	y := 0
	for _, r := range rows {
		panels = append(panels, object{"id": len(panels) + 1, "type": "row", "title": r.title, "collapsed": false, "gridPos": object{"h": 1, "w": 24, "x": 0, "y": y}, "panels": []object{}})
		x, high := 0, 0
		y++
		for _, p := range r.panels {
			w, h := max(p.wide, 4), 8
			if p.wide == 0 {
				w = 8
			}
			if p.kind == "stat" {
				h = 4
			}
			if x+w > 24 {
				x, y, high = 0, y+high, 0
			}
			panels = append(panels, p.object(len(panels)+1, source, object{"h": h, "w": w, "x": x, "y": y}))
			x, high = x+w, max(high, h)
		}
		y += high
	}
	variable := func(name, label, query string) object {
		return object{
			"type": "query", "name": name, "label": label, "datasource": source, "definition": query, "query": object{"query": query, "refId": name},
			"refresh": 2, "sort": 1, "includeAll": true, "multi": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"}, "options": []any{},
		}
	}
	return object{
		"title": "Model fallback", "uid": "adk-fallback", "description": "Calls of models through github.com/adk-fallback/adk-fallback. It needs the recording rules of rules.yaml.",
		"tags": []string{"llm", "fallback"}, "schemaVersion": 39, "version": 1, "editable": true, "graphTooltip": 1, "refresh": "10s", "timezone": "browser",
		"time": object{"from": "now-1h", "to": "now"}, "annotations": object{"list": []any{}}, "links": []any{}, "panels": panels,
		"templating": object{"list": []object{
			{"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "current": object{}, "options": []any{}, "refresh": 1},
			variable("job", "Job", "label_values(fallback_calls_total, job)"),
			variable("instance", "Instance", `label_values(fallback_calls_total{job=~"$job"}, instance)`),
		}},
	}
}

func (p panel) object(id int, source, place object) object {
	kind := p.kind
	if kind == "" {
		kind = "timeseries"
	}
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, object{"refId": string(rune('A' + i)), "datasource": source, "expr": q.expr, "legendFormat": q.legend, "range": true})
	}
	defaults := object{"unit": p.unit, "min": 0}
	options := object{"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	switch kind {
	case "stat":
		options = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}, "colorMode": "none", "graphMode": "area", "textMode": "auto"}
	case "state-timeline":
		options = object{"mergeValues": true, "showValue": "auto", "legend": object{"displayMode": "list", "placement": "bottom", "showLegend": false}}
		defaults["mappings"] = []object{{"type": "value", "options": object{
			"0": object{"text": "closed", "color": "green", "index": 0}, "1": object{"text": "half open", "color": "yellow", "index": 1}, "2": object{"text": "open", "color": "red", "index": 2},
		}}}
	}
	if p.title == "Scores by users" {
		delete(defaults, "min") // scores can be negative
	}
	return object{
		"id": id, "type": kind, "title": p.title, "description": p.about, "datasource": source, "gridPos": place, "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}}, "options": options,
	}
}

// grafana.json is the dashboard of this file. With -update, it is written anew.
func TestDashboardIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(dashboard()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("grafana.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), read(t, "grafana.json")); diff != "" {
		t.Errorf("grafana.json (-want +got); run this test with -update\n%s", diff)
	}
}

// Every query of the dashboard is valid PromQL.
func TestQueriesAreValid(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n- name: queries\n  rules:\n")
	fill := strings.NewReplacer("$__rate_interval", "5m", "$job", "assistant", "$instance", ".*")
	for i, q := range queries() {
		fmt.Fprintf(&b, "  - record: query%d\n    expr: '%s'\n", i, strings.ReplaceAll(fill.Replace(q), "'", "''"))
	}
	file := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := promtool.Run(t, "check", "rules", file); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// queries are the expressions of all panels.
func queries() (all []string) {
	for _, r := range rows {
		for _, p := range r.panels {
			for _, q := range p.queries {
				all = append(all, q.expr)
			}
		}
	}
	return all
}
