package main

import (
	"fmt"
	"io"

	"github.com/prometheus/client_golang/prometheus"
)

// readout prints what the metrics have counted since the last line.
type readout struct {
	registry *prometheus.Registry
	before   map[string]float64
}

func newReadout(registry *prometheus.Registry) (*readout, error) {
	r := &readout{registry: registry}
	now, err := r.read()
	r.before = now
	return r, err
}

const (
	columns = "%-30s %6s %18s %8s %12s %18s %10s %9s\n"
	row     = "%-30s %6.0f %18.0f %8.0f %12.0f %18s %10s %9.0f\n"
)

func (r *readout) head(out io.Writer) {
	fmt.Fprintf(out, columns, "phase", "calls", primary, fallback, "last resort", "failed attempts", "breaker", "deferred")
}

// print writes a line: the calls of a phase, by the target that answered; the share of the
// primary's attempts that failed; and at the end of the phase, the state of its breaker and
// how many deferred answers wait.
func (r *readout) print(out io.Writer, phase string) error {
	now, err := r.read()
	if err != nil {
		return err
	}
	since := func(name string) float64 { return now[name] - r.before[name] }
	failed, ok := since("failed"), since("ok")
	share := "none"
	if failed+ok > 0 {
		share = fmt.Sprintf("%.0f of %.0f", failed, failed+ok)
	}
	fmt.Fprintf(out, row, phase, since("calls"), since(primary), since(fallback), since("last resort"), share, state[now["breaker"]], now["waiting"])
	r.before = now
	return nil
}

var state = map[float64]string{0: "closed", 1: "half open", 2: "open"}

// read sums up the metrics that the readout shows.
func (r *readout) read() (map[string]float64, error) {
	families, err := r.registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("observability: %w", err)
	}
	sums := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			label := make(map[string]string)
			for _, pair := range m.GetLabel() {
				label[pair.GetName()] = pair.GetValue()
			}
			switch family.GetName() {
			case "fallback_calls_total":
				sums["calls"] += m.GetCounter().GetValue()
				by := label["model"]
				if label["degraded"] != "" {
					by = "last resort"
				}
				sums[by] += m.GetCounter().GetValue()
			case "fallback_attempts_total":
				if label["target"] == primary {
					sums[label["outcome"]] += m.GetCounter().GetValue()
				}
			case "fallback_breaker_state":
				if label["target"] == primary {
					sums["breaker"] = m.GetGauge().GetValue()
				}
			case "fallback_jobs_waiting":
				sums["waiting"] = m.GetGauge().GetValue()
			}
		}
	}
	return sums, nil
}
