package group

import (
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// Ruled is a layer around a target with a rule for its turn.
type Ruled interface {
	stream.Layer

	// CheckRule returns what is wrong with the rule. target begins the errors.
	CheckRule(target string) []error
}

// Check returns models as layers, and what is wrong with them: none at all, a nil
// model, an empty name, a name that another target has, or a wrong rule. who is the
// package and the constructor, such as "router: NewHedge", for the errors.
func Check(who string, models []model.LLM) ([]stream.Layer, []error) {
	if len(models) == 0 {
		return nil, []error{fmt.Errorf("%s: no models; must be 1 or more", who)}
	}
	var errs []error
	layers := make([]stream.Layer, 0, len(models))
	taken := make(map[string]int, len(models))
	for i, m := range models {
		if nilcheck.Model(m) {
			errs = append(errs, fmt.Errorf("%s: models[%d] is nil; must be a model", who, i))
			continue
		}
		name := m.Name()
		if first, ok := taken[name]; ok && !isOptional(m) {
			errs = append(errs, fmt.Errorf("%s: models[%d] is called %q like models[%d]; use each name once, or a policy with entries under models for two accounts of one model", who, i, name, first))
			continue
		}
		if name == "" {
			errs = append(errs, fmt.Errorf("%s: models[%d] has an empty name; must have one", who, i))
			continue
		}
		if r, ok := stream.Find[Ruled](m); ok {
			errs = append(errs, r.CheckRule(fmt.Sprintf("%s: models[%d]", who, i))...)
		}
		taken[name] = i
		layers = append(layers, stream.Of(m))
	}
	return layers, errs
}

// isOptional reports whether m may be absent from a call, and so have another's name.
func isOptional(m model.LLM) bool {
	_, ok := stream.Find[stream.Optional](m)
	return ok
}
