package guard

import (
	"context"
	"errors"
	"log/slog"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/panics"
)

// Gate keeps fallbacks from using tools whose effects cannot be undone, such as a
// payment: a weaker model must not act. A fallback is a target with Fallback set. The
// zero value lets every target use all tools.
//
// It has two parts, because a model may call a tool that it was not given: ADK runs
// every function of the agent that an answer calls. Guard changes requests, and Check
// judges answers. router.Config.Gate does both for all targets of a router:
//
//	m, err := router.NewFallback(router.Config{
//		Gate: guard.Gate{Tools: []string{"pay", "delete_*"}},
//	}, flash, pro, local)
//
// The models of the plugin's Recover are fallbacks. The gate does not see a switch by an
// outer loop that names another model in the request (the plugin's Retry). Nor does it see
// what a tool does: also name tools that pass their work on to another agent.
type Gate struct {
	// Tools are the names of the tools, as for [Tools]: * stands for any text.
	// set_model_response cannot be withheld. Empty means that there is no gate.
	Tools []string

	// Approve reports whether a fallback, model, may make fc, a call of one of Tools. It
	// is called for each such call of a whole answer, until one is refused. The answer
	// waits for it, so it should return when ctx ends. It must not change fc, and must be
	// safe for concurrent use. A panic in it refuses the call and is logged.
	//
	// Nil withholds Tools: a fallback does not get them, and its answer is rejected if
	// it calls one. Tools that the provider runs are withheld even if Approve is set.
	Approve func(ctx context.Context, fc *genai.FunctionCall, model string) bool
}

// Guard returns the part of the gate that changes the requests to fallbacks. The guard
// refuses a request that forces the use of a withheld tool; the refusal has By "gate".
func (g Gate) Guard() Guard {
	gated := patterns(g.Tools)
	may := func(name string) bool {
		return name == answerTool || !listed(gated, name) || g.Approve != nil && !isProviderTool(name)
	}
	return func(_ context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
		if !t.Fallback || t.LastResort || len(gated) == 0 {
			return req, nil
		}
		return given(req, &t, "gate", may)
	}
}

// Check returns an error if resp, an answer of t, calls a tool that t may not use. The
// error does not quote the answer. Partial responses are not judged, because ADK does not
// act on them; a caller that does must hold them back.
func (g Gate) Check(ctx context.Context, resp *model.LLMResponse, t Target) error {
	if !t.Fallback || resp.Partial || resp.Content == nil {
		return nil
	}
	gated := patterns(g.Tools)
	for _, part := range resp.Content.Parts {
		if part == nil || part.FunctionCall == nil {
			continue
		}
		name := part.FunctionCall.Name
		switch {
		case name == answerTool || !listed(gated, name):
		case g.Approve == nil:
			return errWithheld
		case !g.approves(ctx, part.FunctionCall, t.Name):
			return errNotApproved
		}
	}
	return nil
}

var (
	errWithheld    = errors.New("a fallback called a tool that is withheld from it")
	errNotApproved = errors.New("a fallback called a tool, and the call was not approved")
)

// approves calls Approve.
func (g *Gate) approves(ctx context.Context, fc *genai.FunctionCall, model string) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("guard: Gate.Approve panicked", "model", model, "panic", panics.Text(p))
			ok = false
		}
	}()
	return g.Approve(ctx, fc, model)
}
