// Package policy makes a model of a policy file, which says which models answer,
// in which order, when a call moves on, and what bounds it:
//
//	primary: gemini-2.5-flash
//	fallbacks:
//	  - name: gpt-4o
//	    condition: "error || latency > 3s"
//	  - name: template-response
//	timeouts: {primary: 4s, fallback: 4s}
//
// The model goes wherever ADK takes one:
//
//	m, err := policy.Watch(ctx, "fallback.yaml") // or Load, which reads the file once
//	…
//	a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
//
// [Models] supplies models of the application's own; the other options are listed
// at [Option], among them providers whose SDKs are not part of this package, such
// as anthropic.Provider. [Live] is for policies that come from elsewhere than a
// file. The package compiles with both majors of ADK; see package adkv1.
//
// Every mistake in a file is reported at once, each with its line and column,
// what was found and what is allowed; see [Error]. [Check] also warns of what is
// allowed but may not do what it seems to. [Schema] is the format for editors, and
// docs/policy.md for people; both are made of the comments and tags of [Policy]
// and its parts, which decide what is allowed, too.
//
// What lives here is the file: its format, its meaning, and how it becomes a tree
// of the parts in the sibling packages. What such a part does lives there, the
// language of conditions in internal/condition.
package policy
