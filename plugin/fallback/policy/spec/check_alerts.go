package spec

import (
	"maps"
	"slices"
)

// reservedLabels are labels that the rules set or group by.
var reservedLabels = []string{"alertname", "severity", "target", "tenant", "le"}

// alerts finds thresholds of alerts that cannot fire, and labels that would break rules.
func (c *checker) alerts() {
	a := c.Alerts
	if a == nil {
		return
	}
	if c.Observe != nil && !c.Observe.Metrics {
		c.warn("alerts", "alerts need metrics; set observe.metrics: true, or remove alerts")
	}
	for _, need := range c.alertNeeds() {
		for _, key := range need.keys {
			if path := at("alerts", key); !need.met && c.given(path) {
				c.warn(path, key+" has no effect without "+need.need+", or remove "+key)
			}
		}
	}
	c.unique("alerts.disable", a.Disable)
	for key, labels := range map[string]map[string]string{"alerts.selector": a.Selector, "alerts.labels": a.Labels} {
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if slices.Contains(reservedLabels, name) {
				c.err(at(key, name), "label "+name+" is used by the rules themselves; use another label")
			}
		}
	}
}
