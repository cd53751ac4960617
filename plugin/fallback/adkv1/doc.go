// Package adkv1 is the fallback plugin for google.golang.org/adk, major version 1, and a
// bridge for models in both directions.
//
//	p := adkv1.MustNew(adkv1.Config{Recover: pro})
//	r, err := runner.New(runner.Config{
//		AppName: "shop", Agent: agent, SessionService: sessions,
//		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{p}},
//	})
//
// It is a separate module: ADK v1.7 and v2.2 need versions of OpenTelemetry's log
// package that exclude each other, so an application has one or the other. The packages
// of the root module, except fallback itself, import neither ADK's runner nor its
// telemetry, and compile with both majors. [FromV2] makes any
// model that they build (a router, a policy, a provider) a model for an agent of ADK v1.
// [ToV2] makes a model of ADK v1 a target for them.
//
// The queue of package jobs appends answers to sessions of ADK v2 only. Under v1, take the
// answers of deferred calls with jobs.Config.Deliver.
package adkv1
