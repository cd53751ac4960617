package alerts

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
)

// Names of metrics in Prometheus: dots become "_", a unit becomes a suffix, and counters
// end with "_total".
// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/

func gauge(m telemetry.Metric) string {
	name := strings.ReplaceAll(m.Name, ".", "_")
	if suffix := map[string]string{"s": "_seconds", "By": "_bytes"}[m.Unit]; suffix != "" {
		name += suffix
	}
	return name
}

func counter(m telemetry.Metric) string { return gauge(m) + "_total" }
func buckets(m telemetry.Metric) string { return gauge(m) + "_bucket" }

// matcher is a condition on a label, such as outcome="ok".
type matcher struct{ label, operator, value string }

func is(label attribute.Key, value string) matcher    { return matcher{string(label), "=", value} }
func isNot(label attribute.Key, value string) matcher { return matcher{string(label), "!=", value} }

// oneOf matches the values alone, whatever characters are in them.
func oneOf(label attribute.Key, values ...string) matcher {
	return matcher{string(label), "=~", alternatives(values)}
}

func noneOf(label attribute.Key, values ...string) matcher {
	return matcher{string(label), "!~", alternatives(values)}
}

func alternatives(values []string) string {
	escaped := make([]string, len(values))
	for i, value := range values {
		escaped[i] = regexp.QuoteMeta(value)
	}
	return strings.Join(escaped, "|")
}

// of returns the series of a metric that a selector and matchers select.
func of(metric string, selector map[string]string, matchers ...matcher) string {
	var all []matcher
	for _, label := range slices.Sorted(maps.Keys(selector)) {
		all = append(all, matcher{label, "=", selector[label]})
	}
	texts := make([]string, 0, len(selector)+len(matchers))
	for _, m := range append(all, matchers...) {
		texts = append(texts, m.label+m.operator+quoted(m.value))
	}
	if len(texts) == 0 {
		return metric
	}
	return metric + "{" + strings.Join(texts, ",") + "}"
}

// quoted returns a text of PromQL, which has Go's escapes. Its lexer takes U+FFFD, which
// stands for what does not print in labels, for a mistake unless it is escaped.
func quoted(text string) string {
	return strings.ReplaceAll(strconv.Quote(text), "\ufffd", `\ufffd`)
}

// over returns a range of series, such as x[5m].
func over(series string, d time.Duration) string { return series + "[" + span(d) + "]" }

// rate returns the increase per second.
func rate(series string, d time.Duration) string { return "rate(" + over(series, d) + ")" }

// span returns a duration in Prometheus' form, in whole milliseconds.
func span(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d -= n * unit.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// number formats a number without an exponent.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// plain returns text for an annotation, in which braces are no template.
func plain(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

// labelOf returns the value of the label target of a model, as package observe has it.
func labelOf(model string) string { return printable.Line(model, 64) }
