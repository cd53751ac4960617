// Package catalog has the facts of the library that every policy file is checked against: list prices, context windows and codes
// of failures.
//
// Package policy adds what it knows of the application, and the command check what its flags say. Facts of the library are here so
// that check and policy.Load report the same.
package catalog

import (
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Known returns what is known when a model is built and nothing is known of the application. Its functions are safe for
// concurrent use.
func Known() spec.Known {
	return spec.Known{
		Price:    func(id string) bool { _, ok := price.Of(id); return ok },
		Window:   price.Window,
		Near:     price.Near,
		Code:     failure.IsCode,
		Logprobs: logprobs,
	}
}
