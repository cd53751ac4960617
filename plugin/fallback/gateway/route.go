package gateway

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// resolve returns the model for a request that names it, with fallbacks of the request's
// own, and the name to set in the request; "" for the model's own. fallbacks is nil if the
// request has none.
func (g *Gateway) resolve(ctx context.Context, name string, fallbacks []string) (m model.LLM, start string, p *problem) {
	live, name := g.routeOf(name)
	if live == nil {
		return nil, "", unknownModel(name)
	}
	return live.Model(), "", nil
}

// routeOf returns the policy that a model's name belongs to, and the model's name in it; ""
// for the policy itself. It returns nil if there is none.
func (g *Gateway) routeOf(name string) (live *policy.Live, inside string) {
	if live, ok := g.config.Routes[name]; ok {
		return live, ""
	}
	if route, inside, ok := strings.Cut(name, "/"); ok && g.config.Routes[route] != nil {
		return g.config.Routes[route], inside
	}
	if len(g.config.Routes) == 1 {
		for _, live = range g.config.Routes {
		}
		return live, name
	}
	return nil, name
}

func unknownModel(name string) *problem {
	return newProblem(http.StatusNotFound, codeModel, "model", "the model "+quoted(name)+" does not exist; GET /v1/models lists the models")
}
