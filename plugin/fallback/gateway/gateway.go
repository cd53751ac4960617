package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// Config configures a [Gateway].
type Config struct {
	// Routes are the policies that the gateway serves, by the names of their routes. There
	// must be at least one. A name must not be empty or contain a slash, a colon, a space or a
	// character that is not printable.
	Routes map[string]*policy.Live
	// Keys are the accepted API keys. Default: none; requests need no key.
	Keys *Keys
	// Limits bound the resources that requests use. Optional.
	Limits Limits
	// Logger gets a line for each request, and errors. Prompts, answers and keys are never
	// logged. Default: slog.Default().
	Logger *slog.Logger
}

// Gateway is an http.Handler that answers requests with the models of policies. It is safe
// for concurrent use.
//
// A Gateway looks up the model of a request in this order:
//   - a route: its policy chooses the models
//   - a model of a policy's chain: the chain starts at this model
//   - an alias, or a model under the policy's models, also by pattern: only this model is
//     called, then the last resorts
//
// With several routes, the name of a model begins with its route, such as route/model. A
// request may have its own fallbacks; see docs/gateway.md.
type Gateway struct {
	config    Config
	mux       *http.ServeMux
	started   time.Time
	vectors   vectors
	limits    Limits
	admission *admission
	anyone    *key
	held      atomic.Int64 // requests being delayed; see hold
	draining  atomic.Bool
}

// New returns a gateway for the policies of config. The error names every wrong field.
func New(config Config) (*Gateway, error) {
	var problems []error
	if len(config.Routes) == 0 {
		problems = append(problems, errors.New("gateway: Config.Routes is empty; add a policy"))
	}
	for _, name := range slices.Sorted(maps.Keys(config.Routes)) {
		if !isRouteName(name) {
			problems = append(problems, fmt.Errorf("gateway: Config.Routes: %q is no name of a route; use letters, digits and marks such as - and _", name))
		}
		if config.Routes[name] == nil {
			problems = append(problems, fmt.Errorf("gateway: Config.Routes[%q] is nil; use a policy that policy.NewLive returns", name))
		}
	}
	limits, err := config.Limits.withDefaults(config.Keys != nil)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	config.Routes = maps.Clone(config.Routes)
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	g := &Gateway{config: config, mux: http.NewServeMux(), started: time.Now(), limits: limits, admission: newAdmission(limits), anyone: anyone()}
	g.routes()
	return g, nil
}

// routes registers the endpoints.
func (g *Gateway) routes() {
	g.openAIRoutes()
	g.geminiRoutes()
	g.mux.HandleFunc("/", g.noEndpoint)
	for _, path := range []string{"/v1/models", "/v1beta/models"} { // or ServeMux would redirect a POST to path/
		g.mux.HandleFunc(path, g.noEndpoint)
	}
}

// noEndpoint refuses a request whose method or path is that of no endpoint.
func (g *Gateway) noEndpoint(w http.ResponseWriter, r *http.Request) {
	p := problem.New(http.StatusNotFound, problem.CodePath, "", "there is no endpoint "+problem.Quote(r.Method+" "+r.URL.Path)+"; the endpoints are /v1/chat/completions, /v1/embeddings, /v1/models and, of the Gemini API, /v1beta/models")
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.WithContext(r.Context())
		other.Method = method
		if _, pattern := g.mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		p = problem.New(http.StatusMethodNotAllowed, problem.CodeMethod, "", "the endpoint "+problem.Quote(r.URL.Path)+" does not have the method "+problem.Quote(r.Method)+"; use "+strings.Join(allowed, " or "))
	}
	note(r.Context(), "", p)
	refuse(w, protocolOf(r), p)
}

// isRouteName reports whether a route may have a name.
func isRouteName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r == ' ' || r == '/' || r == ':' || !unicode.IsPrint(r) })
}
