// Package provider lists what each model accepts, and adapts requests to it.
//
// An agent shapes its requests for its primary. A fallback, often of another
// vendor, may refuse part of them: a setting, a thinking level, the history of a
// tool loop. [Target.Fit] changes a copy of the request so that the target accepts
// it, and reports the changes:
//
//	target := provider.Target{API: provider.Responses, Model: "gpt-4o"}
//	copied := *req // shares its contents with req, which stays as it is
//	fitted, err := target.Fit(&copied)
//
// The rules are in tables, one file per family of models, each row with its
// source. A model that the tables do not know gets the strictest rules of its
// family. [Takes] overrides a table field by field.
//
// The engine calls Fit for every attempt; only an application that calls models
// without the engine needs it. Each public package below this one holds one provider.
// This package imports none of them, and no sibling but failure.
//
// The packages in internal do what needs no [Target]: read the name of a model, wrap
// and unwrap an answer, and find what a server has refused. Fit and the tables are not
// among them: both use all of Takes, which is public and therefore here.
package provider
