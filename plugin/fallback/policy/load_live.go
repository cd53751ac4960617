package policy

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Live is a model whose policy can be replaced while it answers. A call runs
// under the policy that was in use when it began, to its end.
//
// What the parts of a policy know survives its replacement: what tenants have
// spent; the answers in the cache, if its section is unchanged; the breakers,
// limits, retry budgets and clients of each model, if its settings and what it
// takes from the environment, such as its key, are; and what an experiment has
// counted and rolled back, if its section and the settings of its models are.
// Hedges and the choice of the turns under way start anew.
//
// It is safe for concurrent use.
type Live struct {
	options *options
	tree    atomic.Pointer[tree]

	mu   sync.Mutex
	kept kept // guarded by mu; what the next tree can take over
}

// NewLive builds the model of a policy.
func NewLive(ctx context.Context, p *spec.Policy, opts ...Option) (*Live, error) {
	o, err := optionsOf(opts)
	if err != nil {
		return nil, err
	}
	return newLive(ctx, p, o)
}

func newLive(ctx context.Context, p *spec.Policy, o *options) (*Live, error) {
	l := &Live{options: o}
	if err := l.Replace(ctx, p); err != nil {
		return nil, err
	}
	return l, nil
}

// Replace lets calls that begin from now on run under p. If p cannot be built,
// the policy in use stays.
func (l *Live) Replace(ctx context.Context, p *spec.Policy) error {
	if p == nil {
		return errors.New("policy: the policy is nil; use one that spec.Parse returns")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t, kept, err := build(ctx, p, l.options, l.kept)
	if err != nil {
		return err
	}
	if old := l.kept.cache; old != nil && old != kept.cache {
		// The calls under way may still be fetching: nobody waits for them, and
		// each of them is bounded in time.
		go old.Close()
	}
	l.kept = kept
	l.tree.Store(t)
	return nil
}

// Policy returns the policy in use. It must not be changed.
func (l *Live) Policy() *spec.Policy { return l.tree.Load().policy }

// Close ends what the cache fetches in the background and waits for it. The
// model still answers. A policy that is put in place afterwards begins with an
// empty cache, for which Close is to be called again.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	cache := l.kept.cache
	if cache == nil {
		return nil
	}
	l.kept.cache = nil // the next policy is to have one that fetches
	return cache.Close()
}

// Model returns the model. It has those of the optional methods that ADK asks for
// that the primary has now. When a later policy's primary lacks them, the model
// tells ADK that it is no Gemini; when it gains them, ADK hears of it after a
// restart.
func (l *Live) Model() model.LLM {
	primary := l.tree.Load().primary
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

// served is the layer of a Live.
type served struct{ live *Live }

// Name returns the provider's name for the primary, by which ADK decides what a
// request may hold. The name in the policy file is only a label for records.
func (s *served) Name() string { return s.live.tree.Load().primary.Name() }

func (s *served) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return s.live.tree.Load().GenerateContent(ctx, req, streamed)
}

func (s *served) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	return s.live.tree.Load().Do(ctx, req, streamed, out)
}

// Optional methods that ADK asks a model for.
type (
	variant interface{ GetGoogleLLMVariant() genai.Backend }
	client  interface{ Client() *genai.Client }
)

// variantOf tells the backend of the primary in use.
type variantOf struct{ live *Live }

func (v variantOf) GetGoogleLLMVariant() genai.Backend {
	if primary, ok := v.live.tree.Load().primary.(variant); ok {
		return primary.GetGoogleLLMVariant()
	}
	return genai.BackendUnspecified
}

// clientOf keeps the client of the first primary: ADK's live connections need
// one.
type clientOf struct{ client }
