// Package policy builds a model from a policy file: a chain of models, the conditions
// under which a call falls back, and its limits.
//
//	primary: gemini-2.5-flash
//	fallbacks:
//	  - name: gpt-4o
//	    condition: "error || latency > 3s"
//	  - name: template-response
//	timeouts: {primary: 4s, fallback: 4s}
//
// Use the model wherever ADK takes one:
//
//	m, err := policy.Watch(ctx, "fallback.yaml") // or Load, which reads the file once
//	…
//	a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
//
// [Models] supplies models of the application. [Option] lists the other options, among them
// providers that are not part of this package, such as anthropic.Provider. [Live] is for
// policies that do not come from a file; the application replaces them. The package compiles
// with both majors of ADK; see package adkv1.
//
// A file with mistakes is refused with a [*spec.Error], which lists all of them with line
// and column. [spec.Check] also warns about valid settings that may not have the intended
// effect. docs/policy.md describes the format.
//
// # A key's way through the code
//
//  1. A struct field in spec/file*.go is the key: its tags say what is allowed, its comment what it means.
//  2. Package strictyaml reads the file by these tags, and reports each mistake with line and column.
//  3. [spec.Check] compares the values of several keys.
//  4. internal/stack builds the layers around one model from the values, such as its breaker.
//  5. internal/tree builds the other layers, from the guards of a target to the cache, and runs calls.
//  6. docs/policy.md and the JSON Schema are generated from the tags and comments of step 1.
//
// What a layer does belongs to its own package (middleware, router, guard, degrade), and the
// language of conditions to internal/condition.
package policy
