package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// Requirement is a bound on a figure of each policy, such as
//
//	available >= 99.9%
//	whole answer p99 <= 2s
//	cost <= 30% of without
//
// The figures are the rows of the table. "of without" makes the bound a share of the figure
// of the primary alone.
type Requirement struct {
	figure   figure
	atLeast  bool
	relative bool
	bound    float64
	text     string // of the bound
}

var requirement = regexp.MustCompile(`^\s*([a-z0-9 ]+?)\s*(<=|>=)\s*(\S+)(\s+of\s+without)?\s*$`)

// ParseRequirement reads a requirement.
func ParseRequirement(text string) (Requirement, error) {
	parts := requirement.FindStringSubmatch(text)
	if parts == nil {
		return Requirement{}, fmt.Errorf(`%q must be a figure, <= or >=, and a value, such as "available >= 99.9%%"`, text)
	}
	r := Requirement{atLeast: parts[2] == ">=", relative: parts[4] != "", text: parts[2] + " " + parts[3]}
	var names []string
	for _, f := range figures {
		if names = append(names, f.name); f.name == parts[1] {
			r.figure = f
		}
	}
	if r.figure.name == "" {
		hint := "the figures are " + strings.Join(names, ", ")
		if near := nearest.Of(parts[1], names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return Requirement{}, fmt.Errorf("%q: there is no figure %s; %s", text, parts[1], hint)
	}
	parse, such := r.figure.unit.parse, r.figure.unit.such
	if r.relative {
		parse, such = parseShare, "30%"
	}
	var err error
	if r.bound, err = parse(parts[3]); err != nil {
		return Requirement{}, fmt.Errorf("%q: %w; write for example %s", text, err, such)
	}
	return r, nil
}

// Outcome says whether a run meets a requirement.
type Outcome struct {
	Run      string  `json:"run"`
	Figure   string  `json:"figure"`
	Value    float64 `json:"value"`    // a share from 0 to 1, a number, seconds or US dollars
	Required string  `json:"required"` // such as <= 30% of without
	Met      bool    `json:"met"`
	is       string
}

// Require adds the outcomes of requirements to r, for each run but the one without a policy.
// It returns how many are missed. A requirement is missed if there is nothing to measure: no call,
// no answer for a time, a price that a cost lacks, or a figure of 0 without a policy to compare with.
func (r *Report) Require(all []Requirement) (missed int) {
	last := len(r.Runs) - 1
	for _, run := range r.Runs[:last] {
		for _, q := range all {
			o := q.outcome(run, r.Runs[last])
			o.Met = o.Met && r.Sampling.Calls > 0
			if r.Required = append(r.Required, o); !o.Met {
				missed++
			}
		}
	}
	return missed
}

func (q *Requirement) outcome(run, without Run) Outcome {
	unit := q.figure.unit
	value, base := q.figure.of(run), q.figure.of(without)
	o := Outcome{Run: run.Name, Figure: q.figure.name, Value: value * unit.inJSON, Required: q.text}
	o.is = fmt.Sprintf("%s (without: %s)", q.figure.text(run), q.figure.text(without))
	o.Met = (!unit.measured || value > 0) && q.figure.known(run)
	against := value
	if q.relative {
		o.Required += " of without"
		o.Met = o.Met && base > 0 && q.figure.known(without)
		if o.Met {
			against = value / base
			o.is = fmt.Sprintf("%s, %.1f%% of without (%s)", unit.print(value), 100*against, unit.print(base))
		}
	}
	if q.atLeast {
		o.Met = o.Met && against >= q.bound
	} else {
		o.Met = o.Met && against <= q.bound
	}
	return o
}

// String returns a line, such as
//
//	met: outage.yaml: available is 99.998% (without: 80.010%), required >= 99.9%
func (o Outcome) String() string {
	met := "met"
	if !o.Met {
		met = "missed"
	}
	return fmt.Sprintf("%s: %s: %s is %s, required %s", met, o.Run, o.Figure, o.is, o.Required)
}
