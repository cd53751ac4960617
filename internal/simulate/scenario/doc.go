// Package scenario reads the scenario files of adk-fallback simulate: the traffic, how each
// model behaves, and what happens to it.
//
//	s, err := scenario.Parse(data) // an *scenario.Error lists every mistake with its place
//	s.Traffic.Rate(s, 14*time.Hour) // calls per second after 14 hours
//
// The types are the format, as in package policy/spec: tags say what is allowed, comments
// what a key means, and docs/simulate.md and the JSON Schema are made from both.
package scenario
