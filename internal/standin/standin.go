// Package standin marks the models that the command explain supplies instead of real ones, to
// show what a policy does with a failure.
package standin

import "google.golang.org/adk/v2/model"

// Model stands in for the model of its name: what a policy file says of who
// serves that one still holds, as it does not of an application's own models.
type Model struct{ model.LLM }

// Deferred is an option of package policy. It stands in for a queue: deferred-answer
// answers, and nothing is queued.
type Deferred struct{}

// Option implements policy.Option.
func (d Deferred) Option() any { return d }
