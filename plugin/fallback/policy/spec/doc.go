// Package spec is what a policy file says: its types, and the reading and checking of a
// file. It builds nothing, and imports no model, provider or router, so that a tool can
// check files without them. Package policy builds a model from a [Policy].
//
//	p, err := spec.Parse(data) // an *spec.Error lists every mistake with line and column
//	…
//	for _, problem := range spec.Check(p, spec.Known{}) {
//		fmt.Println(problem) // 5:11: warning: fallbacks[1].name: "house" is never used, …
//	}
//
// The struct [Policy] and its parts are the format: internal/strictyaml reads a file by
// their tags, and the JSON Schema ([Schema]) and docs/policy.md are made from their tags and
// comments. Checks that compare several values are in check*.go. [Policy.Targets] and
// [Policy.Resolve] say which models a policy calls, in which order.
//
// # Compatibility
//
// [Parse], [Check], [Schema], [Error], [Problem], [Known] and the keys of a file keep their
// meaning within a major version. The other functions, and the methods of the sections, serve
// package policy and the command adk-fallback; a minor version may change them.
package spec
