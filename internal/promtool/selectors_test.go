package promtool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/promtool"
)

func TestSelectors(t *testing.T) {
	got := promtool.Selectors(`sum by (target) (rate(fallback_a_total{x="}\"{", y!~"fallback_b|c"}[5m])) / fallback:d:rate5m > 0 and up{z="fallback_e"}`)
	want := []promtool.Selector{
		{Metric: "fallback_a_total", Matchers: []promtool.Matcher{{Label: "x", Operator: "=", Value: `}"{`}, {Label: "y", Operator: "!~", Value: "fallback_b|c"}}},
		{Metric: "fallback:d:rate5m"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
