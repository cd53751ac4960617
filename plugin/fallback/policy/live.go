package policy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/tree"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Live has a policy that can be replaced while its [Live.Model] is in use. A call runs to its
// end under the policy with which it started.
//
// State survives a replacement:
//   - the spending of tenants, always
//   - the cached answers, if the settings of the cache are unchanged
//   - the breaker, limits, retry budget and client of each model, if its settings and its
//     environment variables, such as its key, are unchanged; section timeouts is no part of
//     them
//   - the metrics, if section observe is unchanged
//   - the connection of section state, if the section and its variable are unchanged
//   - the counts and rollbacks of an experiment, if its section and the settings of its
//     models are unchanged
//
// Hedges start with no measurements, and turns in progress, and sessions that stay with a
// fallback, choose their target anew.
//
// A Live is safe for concurrent use.
type Live struct {
	options *options
	tree    atomic.Pointer[tree.Tree]
	status  atomic.Pointer[inspect.Policy]

	// building is a lock; a context can end the wait for it, see lock. It is held while models are built, one after
	// the other, so that models of one name share one breaker. This may take seconds, for example to read credentials.
	// It is taken before mu.
	building chan struct{}
	kept     tree.Kept // guarded by building; state that the next tree can take over
	observed *observed // guarded by building; nil without section observe

	mu     sync.Mutex // not held while anything is waited for
	chains chains     // guarded by mu
}

// NewLive builds the model of a policy; see [Live.Model].
func NewLive(ctx context.Context, p *spec.Policy, opts ...Option) (*Live, error) {
	o, err := optionsOf(opts)
	if err != nil {
		return nil, err
	}
	return newLive(ctx, p, o, "")
}

// newLive is NewLive for the policy of a file; "" for none.
func newLive(ctx context.Context, p *spec.Policy, o *options, file string) (*Live, error) {
	l := &Live{options: o, building: make(chan struct{}, 1)}
	l.status.Store(&inspect.Policy{File: file, Reloads: -1})
	if err := l.Replace(ctx, p); err != nil {
		return nil, err
	}
	return l, nil
}

// lock takes building. It fails with the error of ctx if ctx ends while it waits.
func (l *Live) lock(ctx context.Context) error {
	select {
	case l.building <- struct{}{}: // also if ctx has ended: whoever builds decides what that means
		return nil
	default:
	}
	select {
	case l.building <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("policy: waiting for models that are being built: %w", ctx.Err())
	}
}

// unlock gives building back.
func (l *Live) unlock() { <-l.building }

// Replace puts p into use for calls that start from now on. If p cannot be built, it
// returns an error, and the policy in use stays.
func (l *Live) Replace(ctx context.Context, p *spec.Policy) error {
	if p == nil {
		return errors.New("policy: the policy is nil; use one that spec.Parse returns")
	}
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.unlock()
	t, kept, err := tree.Build(ctx, p, &l.options.Config, l.known())
	if err != nil {
		return err
	}
	observed, err := l.observe(p.Observe)
	if err != nil {
		kept.CloseNew(l.kept)
		return fmt.Errorf("policy: %w", err)
	}
	observed.reserve(p)
	t.Hooks = observed.hooks(l.options.hooks)
	l.mu.Lock()
	l.chains.reset()
	l.mu.Unlock()
	relimited := l.kept.Replace(kept) // the budgets first
	l.tree.Store(t)
	if wake := l.options.Wake; wake != nil && relimited {
		go wake() // ends by itself
	}
	status := l.status.Load()
	l.status.Store(&inspect.Policy{File: status.File, Loaded: time.Now(), Reloads: status.Reloads + 1})
	l.observing(observed)
	return nil
}

// refused notes why a change of the file is not in use; nil if the file's policy is.
func (l *Live) refused(why error) {
	_ = l.lock(context.Background()) // which never ends
	defer l.unlock()
	status := *l.status.Load()
	status.Problem, status.ProblemAt = "", time.Time{}
	if why != nil {
		status.Problem, status.ProblemAt = clip.Words(redact.Text(why.Error(), maxProblem+4), maxProblem), time.Now()
	}
	l.status.Store(&status)
}

// maxProblem bounds the text of inspect.Policy.Problem, in bytes.
const maxProblem = 4096

// Policy returns the policy in use. It must not be changed.
func (l *Live) Policy() *spec.Policy { return l.tree.Load().Policy }

// Close cancels the background refreshes of the cache and waits for them to end. It also
// ends the gauges of section observe, gives back this replica's leases, and closes the
// connection of section state. The model can still be used, and its calls are still counted;
// with state.unavailable: deny, tenants with a limit are refused. A policy that is put into use
// afterwards starts with an empty cache, and Close must be called again.
func (l *Live) Close() error {
	_ = l.lock(context.Background()) // which never ends
	defer l.unlock()
	l.observing(nil)
	return l.kept.Close()
}

// Model returns the model. It has the optional ADK methods that the primary has now. If the
// primary of a later policy lacks them, the model reports that it is not a Gemini model. If
// a later primary has more of them, ADK uses these only after a restart.
func (l *Live) Model() model.LLM {
	primary := l.tree.Load().Primary
	_, hasVariant := primary.(variant)
	client, hasClient := primary.(client)
	switch {
	case hasVariant && hasClient:
		primary = struct {
			model.LLM
			variant
			clientOf
		}{primary, variantOf{l}, clientOf{client}}
	case hasVariant:
		primary = struct {
			model.LLM
			variant
		}{primary, variantOf{l}}
	}
	return stream.Forward(&served{l}, primary)
}

// served is the layer that runs the tree of a Live.
type served struct{ live *Live }

// Name returns the provider's name of the primary, by which ADK decides what a request may
// contain. The name in the policy file is only for records.
func (s *served) Name() string { return s.live.tree.Load().Primary.Name() }

func (s *served) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return s.live.tree.Load().GenerateContent(ctx, req, streamed)
}

func (s *served) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	return s.live.tree.Load().Do(ctx, req, streamed, out)
}

// Inspect returns the tree of the policy in use; see package inspect.
func (s *served) Inspect() inspect.Node {
	t := s.live.tree.Load()
	status := *s.live.status.Load()
	n := inspect.Node{Layer: "policy", Name: t.Name(), Policy: &status, State: s.live, Inner: inspect.Each(t)}
	if t.Shared != nil {
		n.Inner = append(n.Inner, t.Shared.Inspect())
	}
	return n
}

// Optional methods of models that ADK uses.
type (
	variant interface{ GetGoogleLLMVariant() genai.Backend }
	client  interface{ Client() *genai.Client }
)

// variantOf reports the backend of the primary in use.
type variantOf struct{ live *Live }

func (v variantOf) GetGoogleLLMVariant() genai.Backend {
	if primary, ok := v.live.tree.Load().Primary.(variant); ok {
		return primary.GetGoogleLLMVariant()
	}
	return genai.BackendUnspecified
}

// clientOf keeps the client of the first primary, which ADK's live connections need.
type clientOf struct{ client }
