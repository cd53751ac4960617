package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// resolve returns the model for the name and the fallbacks of a request. start is the name to set
// in the request; "" for the model's own. fallbacks is nil if the request has none of its own; an
// empty list means no fallbacks.
func (g *Gateway) resolve(ctx context.Context, name string, fallbacks []string) (m model.LLM, start string, p *problem.Problem) {
	live, inside := g.routeOf(name)
	if live == nil || inside != "" && !live.Policy().Declares(inside) || !mayName(ctx, name) {
		return nil, "", unknownModel(name)
	}
	own := live.Policy()
	var chain []string // nil for the policy's own chain
	switch {
	case fallbacks == nil && inside == "":
	case fallbacks == nil && own.InChain(inside):
		if start = own.Resolve(inside).Model; start == own.Resolve(own.Primary).Model {
			start = ""
		}
	case inside == "":
		for _, t := range own.Targets() {
			if !t.LastResort() {
				chain = append(chain, t.Name)
			}
		}
	default:
		chain = []string{inside}
	}
	for _, fallback := range fallbacks {
		of, inside := g.routeOf(fallback)
		if of == live && inside == "" {
			inside = own.Primary
		}
		if of != live || !own.Declares(inside) || !mayName(ctx, fallback) {
			p := unknownModel(fallback)
			p.Param = protocol.FieldFallbacks
			return nil, "", p
		}
		chain = append(chain, inside)
	}
	m, err := live.Chain(ctx, chain...)
	switch {
	case errors.Is(err, policy.ErrUnknownModel): // a reload has removed it
		return nil, "", unknownModel(name)
	case len(chain) > policy.MaxChain:
		return nil, "", problem.Invalid(protocol.FieldFallbacks, "fallbacks has too many models")
	case err != nil:
		if ctx.Err() == nil {
			g.config.Logger.Error("gateway: a model cannot be built", "error", err)
		}
		return nil, "", problem.New(http.StatusInternalServerError, problem.CodeServer, "", "the model "+problem.Quote(name)+" cannot be built; the gateway's log says why")
	}
	return m, start, nil
}

// routeOf returns the policy that a model's name belongs to, and the model's name in it; ""
// for the policy itself. It returns nil if there is none.
func (g *Gateway) routeOf(name string) (live *policy.Live, inside string) {
	if live, ok := g.config.Routes[name]; ok {
		return live, ""
	}
	if route, inside, ok := strings.Cut(name, "/"); ok && inside != "" && g.config.Routes[route] != nil {
		return g.config.Routes[route], inside
	}
	if len(g.config.Routes) == 1 && name != "" {
		for _, live = range g.config.Routes {
		}
		return live, name
	}
	return nil, name
}

// listed is a model that a request may name.
type listed struct {
	name  string
	owner string // the provider; "" for a route
}

// models returns the routes, and the models of each policy: those of its chain, and the entries
// under models that are not patterns.
func (g *Gateway) models() (all []listed) {
	for _, route := range slices.Sorted(maps.Keys(g.config.Routes)) {
		all = append(all, listed{name: route})
		p, prefix := g.config.Routes[route].Policy(), ""
		if len(g.config.Routes) > 1 {
			prefix = route + "/"
		}
		seen := map[string]bool{}
		for _, t := range p.Targets() {
			seen[t.Name] = !t.LastResort()
		}
		for _, name := range slices.Concat(slices.Collect(maps.Keys(p.Models)), slices.Collect(maps.Keys(p.Aliases))) {
			seen[name] = p.Declares(name)
		}
		for _, name := range slices.Sorted(maps.Keys(seen)) {
			if _, isRoute := g.config.Routes[prefix+name]; seen[name] && !isRoute {
				all = append(all, listed{prefix + name, ownerOf(p, name)})
			}
		}
	}
	return all
}

// ownerOf returns the provider of a model.
func ownerOf(p *spec.Policy, name string) string {
	return cmp.Or(p.Resolve(name).Provider, "application")
}

func unknownModel(name string) *problem.Problem {
	return problem.New(http.StatusNotFound, problem.CodeModel, "model", "the model "+problem.Quote(name)+" does not exist; GET /v1/models lists the models")
}
