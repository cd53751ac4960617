// Package alerts makes a rules file for Prometheus from a policy: recording rules with the
// shares and percentiles that alerts and dashboards need, and the alerts of section alerts.
//
//	rules, err := alerts.Rules(p, "fallback.yaml")
//
// The names of metrics come from package telemetry, as OpenTelemetry's exporter for
// Prometheus writes them. Nothing here runs while calls are made.
package alerts

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// file is a rules file.
// https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
type file struct {
	Groups []group `yaml:"groups"`
}

// group is a list of rules that Prometheus evaluates in order, so that the later ones see
// what the earlier ones have recorded.
type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

// rule has either Record or Alert.
type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations *annotations      `yaml:"annotations,omitempty"`
}

// annotations are templates that Prometheus fills in.
type annotations struct {
	Summary     string `yaml:"summary"`
	Description string `yaml:"description"`
	RunbookURL  string `yaml:"runbook_url"`
}

// Rules returns the rules file of a policy, which must have no errors. Equal policies have
// equal files. from is the name of its file, for a comment.
//
// A policy without section alerts gets the alerts with their defaults. What looks like a
// key in the policy's file is not repeated.
func Rules(p *spec.Policy, from string) ([]byte, error) {
	m := newMaker(p)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Made by adk-fallback alerts from %q. Change section alerts there, not this file.\n", from)
	b.WriteString("# The metrics come from package observe, through OpenTelemetry's exporter for Prometheus.\n")
	text, err := yaml.Dump(file{Groups: []group{{Name: "adk-fallback", Rules: append(m.records(), m.alerts()...)}}}, yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	b.Write(text)
	return b.Bytes(), nil
}
