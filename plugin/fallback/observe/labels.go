package observe

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Bounds of the values of labels: each combination is a time series.
const (
	maxNames     = 64 // of targets, kinds, experiments: more than an application has
	maxReserved  = 1024
	maxNameBytes = 64 // of each
	maxKeyBytes  = 256
	other        = "other"
)

// names bounds how many values a label has: the first most names are themselves, later
// ones are "other". The zero value allows none. It is safe for concurrent use.
type names struct {
	most  int
	shown func(string) string // the value of a name

	known latest[string, string]
}

func newNames() names { return names{most: maxNames, shown: readable} }

// readable returns a name that can be shown anywhere.
func readable(name string) string { return printable.Line(name, maxNameBytes) }

// hashed returns a name that tells nothing of a tenant, or "" for none.
func hashed(name string) string { return redact.DigestOf(name).String() }

// of returns the value of a name; "" for "".
func (n *names) of(name string) string { return n.within(name, n.most) }

// within is like of, with most as its bound.
func (n *names) within(name string, most int) string {
	if name == "" {
		return ""
	}
	key := name
	if len(name) > maxKeyBytes {
		key = n.shown(name) // so that huge names take no memory
	}
	if value, ok := n.known.get(key); ok {
		return value
	}
	return n.known.add(key, most, func() string { return n.shown(name) }, other)
}

// latest is a map that is read without a lock and copied when it grows, which it does a
// bounded number of times.
type latest[K comparable, V any] struct {
	mu  sync.Mutex
	all atomic.Pointer[map[K]V]
}

func (l *latest[K, V]) get(key K) (value V, ok bool) {
	if all := l.all.Load(); all != nil {
		value, ok = (*all)[key]
	}
	return value, ok
}

// add returns the value of key, which is made if there is none and fewer than most are
// known; otherwise it returns full.
func (l *latest[K, V]) add(key K, most int, made func() V, full V) V {
	if all := l.all.Load(); all != nil && len(*all) >= most {
		if value, ok := (*all)[key]; ok {
			return value
		}
		return full // it does not grow any more
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	value, ok := l.get(key)
	if ok {
		return value
	}
	all := l.all.Load()
	if all != nil && len(*all) >= most || most == 0 {
		return full
	}
	grown := map[K]V{}
	if all != nil {
		grown = maps.Clone(*all)
	}
	value = made()
	grown[key] = value
	l.all.Store(&grown)
	return value
}

// options are the attributes of a series, as arguments of the methods of instruments. They
// are made once, because making them needs several allocations.
type options struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

// series has the options of all series with attributes of one kind. K's values are bounded
// by names, and so is their number. It is safe for concurrent use.
type series[K comparable] struct {
	attributes func(K) []attribute.KeyValue
	known      latest[K, *options]
}

// maxSeries bounds the series of an instrument: the rest share one.
// OpenTelemetry's SDK has the same default limit.
// https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits
const maxSeries = 2000

// overflow is that series.
var overflow = sync.OnceValue(func() *options {
	set := metric.WithAttributes(attribute.Bool("otel.metric.overflow", true))
	return &options{add: []metric.AddOption{set}, record: []metric.RecordOption{set}}
})

func (s *series[K]) at(key K) *options {
	if o, ok := s.known.get(key); ok {
		return o
	}
	return s.known.add(key, maxSeries, func() *options {
		set := metric.WithAttributeSet(attribute.NewSet(s.attributes(key)...))
		return &options{add: []metric.AddOption{set}, record: []metric.RecordOption{set}}
	}, overflow())
}
