package router

import (
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// checkTargets returns models as layers, and what is wrong with them: none at all, a nil
// model, an empty name, a name that another target has, a wrong rule, or two. who is the
// constructor's name, for the errors.
func checkTargets(who string, models []model.LLM) ([]stream.Layer, []error) {
	if len(models) == 0 {
		return nil, []error{fmt.Errorf("router: %s: no models; must be 1 or more", who)}
	}
	var errs []error
	layers := make([]stream.Layer, 0, len(models))
	taken := make(map[string]int, len(models))
	for i, m := range models {
		if nilcheck.Model(m) {
			errs = append(errs, fmt.Errorf("router: %s: models[%d] is nil; must be a model", who, i))
			continue
		}
		name := m.Name()
		if first, ok := taken[name]; ok && optional(m) == nil {
			errs = append(errs, fmt.Errorf("router: %s: models[%d] is called %q like models[%d]; must be unique", who, i, name, first))
			continue
		}
		if name == "" {
			errs = append(errs, fmt.Errorf("router: %s: models[%d] has an empty name; must have one", who, i))
			continue
		}
		if c, ok := stream.Find[*conditional](m); ok {
			errs = append(errs, c.rule.check(who, i)...)
			if _, second := stream.Find[*conditional](c.Inner); second {
				errs = append(errs, fmt.Errorf("router: %s: models[%d] has two rules; put their conditions into one", who, i))
			}
		}
		taken[name] = i
		layers = append(layers, stream.Of(m))
	}
	return layers, errs
}
