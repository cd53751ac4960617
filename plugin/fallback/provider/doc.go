// Package provider knows what each model takes, and shapes a request so that a
// model can answer it.
//
// A request is shaped for the model that an agent was written for. Its fallback,
// often of another vendor, refuses part of it: a setting, a thinking level, the
// history of a tool loop. [Target.Fit] changes a copy of the request so that the
// target takes it, and says what it changed:
//
//	target := provider.Target{API: provider.Responses, Model: "gpt-4o"}
//	copied := *req // shares its contents with req, which stays as it is
//	fitted, err := target.Fit(&copied)
//
// What a target takes stands in tables, one file per family of models, each row
// with its source. Where the newest model of a family is not known yet, it gets
// the strictest rules of its family. [Takes] overrides a table field by field.
//
// The engine calls Fit for every attempt; only applications that call models by
// themselves need it. The packages below hold one provider each. This package
// imports none of them, and of its siblings failure alone.
package provider
