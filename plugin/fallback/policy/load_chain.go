package policy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Bounds of [Live.Chain].
const (
	// MaxChain is the most models of a chain.
	MaxChain = 32
	// maxChains bounds the chains that a Live keeps; the least recently used are dropped.
	maxChains = 256
	// maxFormer bounds the models of chains that were dropped by Replace whose state is kept.
	maxFormer = 1024
)

// ErrUnknownModel is the error of [Live.Chain] for a name that the policy does not declare;
// see [spec.Policy.Declares].
var ErrUnknownModel = errors.New("policy: unknown model")

// chains are the trees for chains that are not the policy's own. The mutex of Live guards
// them.
type chains struct {
	lru    *simplelru.LRU[string, *chained] // by the names of the models; nil before the first
	former kept                             // of the trees of an earlier policy

	embedders *simplelru.LRU[string, *embedder] // by model; nil before the first
}

// chained is the tree of such a chain, with its state.
type chained struct {
	tree *tree
	kept kept
}

// Chain returns a model for a consumer that cannot take back text, such as the client of a
// gateway. Without models, it has the policy's own chain. Otherwise the first model is the
// primary, and the others are the fallbacks, followed by the policy's last resorts; see
// [spec.Policy.WithChain]. The policy must declare each model. For a model that only matches a
// pattern, the name is the provider's name of the model, unless the pattern's entry has an id.
//
// All chains of a Live share the breaker, limits and client of each model, the budgets, and
// the cache. If the policy does not set stream.mid_stream, an answer that is cut off is
// resumed.
//
// The model does not follow later policies, so call Chain for each call. A Live keeps the 256
// most recently used chains. The error wraps [ErrUnknownModel], or says why a model cannot be
// built.
func (l *Live) Chain(ctx context.Context, models ...string) (model.LLM, error) {
	if len(models) == 0 {
		return continuous{l.tree.Load()}, nil
	}
	if len(models) > MaxChain {
		return nil, fmt.Errorf("policy: a chain of %d models; must be at most %d", len(models), MaxChain)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.tree.Load().policy
	for _, name := range models {
		if !p.Declares(name) && !l.options.handsIn(name) {
			return nil, fmt.Errorf("%w: %s", ErrUnknownModel, strictyaml.Quoted(name))
		}
	}
	key := strings.Join(models, "\x00")
	if l.chains.lru == nil {
		l.chains.lru, _ = simplelru.NewLRU[string, *chained](maxChains, nil) // fails only for a size below 1
	}
	if c, ok := l.chains.lru.Get(key); ok {
		return continuous{c.tree}, nil
	}
	c, err := l.chain(ctx, models)
	if err != nil {
		return nil, err
	}
	l.chains.lru.Add(key, c)
	return continuous{c.tree}, nil
}

// chain builds a chain. It needs mu.
func (l *Live) chain(ctx context.Context, models []string) (*chained, error) {
	current := l.tree.Load()
	t, own, err := build(ctx, current.policy.WithChain(models...), l.options, l.known())
	if err != nil {
		return nil, fmt.Errorf("policy: the chain %s: %w", strings.Join(models, ", "), err)
	}
	if own.cache != nil && own.cache != l.kept.cache { // the Live is closed
		own.cache.Close()
	}
	t.hooks, t.resumes = current.hooks, current.resumes
	own.cache = nil
	return &chained{t, own}, nil
}

// known returns the state that a chain takes over. It needs mu.
func (l *Live) known() kept {
	all := l.kept
	all.stacks, all.splits, all.trimmers = slices.Clone(all.stacks), slices.Clone(all.splits), slices.Clone(all.trimmers)
	all.add(l.chains.kept())
	return all
}

// kept returns the state of all chains, those of an earlier policy last.
func (c *chains) kept() kept {
	var all kept
	if c.lru != nil {
		for _, one := range c.lru.Values() {
			all.add(one.kept)
		}
	}
	all.add(c.former)
	return all
}

// add adds the state of models and experiments of another tree.
func (k *kept) add(other kept) {
	k.stacks = append(k.stacks, other.stacks...)
	k.splits = append(k.splits, other.splits...)
	k.trimmers = append(k.trimmers, other.trimmers...)
}

// reset drops the trees, and keeps the state of their models for later trees.
func (c *chains) reset() {
	former := c.kept()
	former.stacks = former.stacks[:min(len(former.stacks), maxFormer)]
	former.splits = former.splits[:min(len(former.splits), maxFormer)]
	former.trimmers = former.trimmers[:min(len(former.trimmers), maxFormer)]
	*c = chains{former: former}
}

// continuous is a tree for a consumer that cannot take back text.
type continuous struct{ *tree }

// Name returns the provider's name of the primary.
func (c continuous) Name() string { return c.primary.Name() }

// GenerateContent implements model.LLM.
func (c continuous) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(c, ctx, req, streamed)
}

// Do implements stream.Layer.
func (c continuous) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if c.resumes {
		out.Continuous, out.Resumes = true, true
	}
	return c.tree.Do(ctx, req, streamed, out)
}

// Inspect returns the tree of the chain.
func (c continuous) Inspect() inspect.Node { return c.tree.Inspect() }
