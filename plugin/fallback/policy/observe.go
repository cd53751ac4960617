package policy

import (
	"log/slog"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// meterName is the name of the instrumentation scope of metrics.
const meterName = "github.com/adk-fallback/adk-fallback"

// observed is section observe at work. It outlives a policy if the next one has the same
// section.
type observed struct {
	settings spec.Observe
	observer *observe.Observer
}

// observe returns what records the calls of a policy; nil without the section.
func (l *Live) observe(s *spec.Observe) (*observed, error) {
	if s == nil {
		return nil, nil
	}
	if l.observed != nil && l.observed.settings == *s {
		return l.observed, nil
	}
	var meter metric.Meter
	if s.Metrics {
		provider := l.options.meters
		if provider == nil {
			provider = otel.GetMeterProvider()
		}
		meter = provider.Meter(meterName)
	}
	var logger *slog.Logger
	if s.Log {
		logger = l.options.Logger
	}
	o, err := observe.New(meter, logger, observe.WithTenants(s.Tenants))
	if err != nil {
		return nil, err
	}
	return &observed{*s, o}, nil
}

// observing puts now, which may be nil, into the place of what has recorded calls. The tree
// must be in place: its state may be read at any time from then on. It needs l.building.
func (l *Live) observing(now *observed) {
	if l.observed == now {
		return
	}
	if l.observed != nil {
		l.observed.observer.Close()
	}
	if now != nil {
		now.observer.Watch(&served{l})
	}
	l.observed = now
}

// reserve gives the models of p metrics of their own, even if clients invent many names for its patterns.
func (o *observed) reserve(p *spec.Policy) {
	if o == nil {
		return
	}
	names := slices.Concat(slices.Sorted(maps.Keys(p.Models)), slices.Sorted(maps.Keys(p.Aliases)))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, "*") })
	if t, ok := p.PreviewTarget(); ok {
		names = append(names, t.Name)
	}
	for _, t := range p.Targets() {
		names = append(names, t.Name)
		for _, one := range []*spec.Target{t.Cheap, t.Grader} {
			if one != nil {
				names = append(names, one.Name)
			}
		}
		for _, m := range t.Models() {
			names = append(names, m.Name)
		}
	}
	o.observer.Reserve(names...)
}

// hooks returns the hooks of o, and those of the application.
func (o *observed) hooks(application call.Hooks) call.Hooks {
	if o == nil {
		return application
	}
	return call.Join(o.observer.Hooks(), application)
}
