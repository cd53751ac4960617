// Package observe turns what calls do into metrics and log lines. It uses the hooks of
// package call and the state of package inspect, and nothing else, so metrics, logs, spans
// and the metadata of responses agree.
//
//	o, err := observe.New(otel.Meter("example.com/app"), slog.Default())
//	…
//	m, err := router.NewFallback(router.Config{Hooks: o.Hooks()}, flash, pro)
//	…
//	o.Watch(m) // breakers, limits, budgets, caches, hedges, experiments
//
// The section observe of a policy file does the same. docs/observability.md lists the
// metrics. Prompts and answers are in none of them, nor in log lines. Names, which users
// and providers may choose, are bounded in number and length.
//
// The package uses the OpenTelemetry API only. Which SDK collects the metrics is the
// application's choice; without one, a call costs a few hundred nanoseconds more.
package observe
