// Package adkv1 is the FallbackPlugin for google.golang.org/adk, major version
// 1, and a bridge for models in both directions.
//
// It is a module of its own: ADK v1.7 and v2.2 need versions of OpenTelemetry's
// log package that do not go together, so an application has one or the other.
// What this package uses of this module's root (packages call and failure, and
// every model.LLM building block) imports neither ADK's runner nor its
// telemetry, and compiles with both. Package policy does so with the build tag
// adkv1, which leaves out ADK v2's own providers: all models are then handed in
// with policy.Models, through [ToV2].
//
//	p := adkv1.MustNew(adkv1.Config{Recover: pro})
//	r, err := runner.New(runner.Config{
//		AppName: "shop", Agent: agent, SessionService: sessions,
//		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{p}},
//	})
package adkv1
