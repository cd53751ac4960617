package policy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/tree"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
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

// chains are the trees for chains that are not the policy's own. Live.mu guards them.
type chains struct {
	lru    *simplelru.LRU[string, *chained] // by the names of the models; nil before the first
	former tree.Layers                      // of the trees of an earlier policy

	embedders *simplelru.LRU[string, *tree.Embedder] // by model; nil before the first
}

// chained is the tree of such a chain, with its layers that have state.
type chained struct {
	continuous
	layers tree.Layers
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
// most recently used chains. Others are built, one at a time, and ctx bounds the wait. The error
// wraps [ErrUnknownModel] or ctx's error, or says why a model cannot be built.
func (l *Live) Chain(ctx context.Context, models ...string) (model.LLM, error) {
	if len(models) == 0 {
		t := l.tree.Load()
		return continuous{t, resumes(t.Policy)}, nil
	}
	if len(models) > MaxChain {
		return nil, fmt.Errorf("policy: a chain of %d models; must be at most %d", len(models), MaxChain)
	}
	key := strings.Join(models, "\x00")
	c, err := builtOnce(ctx, l, &l.chains.lru, maxChains, key, models, func() (*chained, error) { return l.chain(ctx, models) })
	if err != nil {
		return nil, err
	}
	return c.continuous, nil
}

// builtOnce returns the value that a list of l.chains has for a key, or builds it. The policy must declare the models.
func builtOnce[T any](ctx context.Context, l *Live, list **simplelru.LRU[string, T], size int, key string, models []string, build func() (T, error)) (T, error) {
	find := func() (value T, found bool, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		p := l.tree.Load().Policy
		for _, name := range models {
			if !p.Declares(name) && !l.options.HandsIn(name) {
				return value, false, fmt.Errorf("%w: %s", ErrUnknownModel, strictyaml.Quoted(name))
			}
		}
		if *list != nil {
			value, found = (*list).Get(key)
		}
		return value, found, nil
	}
	if value, found, err := find(); found || err != nil {
		return value, err
	}
	if err := l.lock(ctx); err != nil {
		var none T
		return none, err
	}
	defer l.unlock()
	if value, found, err := find(); found || err != nil { // built meanwhile, perhaps for a later policy
		return value, err
	}
	value, err := build()
	if err != nil {
		return value, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if *list == nil {
		*list, _ = simplelru.NewLRU[string, T](size, nil) // fails only for a size below 1
	}
	(*list).Add(key, value)
	return value, nil
}

// chain builds a chain. It needs l.building.
func (l *Live) chain(ctx context.Context, models []string) (*chained, error) {
	current := l.tree.Load()
	t, layers, err := tree.BuildChain(ctx, current.Policy.WithChain(models...), &l.options.Config, l.known())
	if err != nil {
		return nil, fmt.Errorf("policy: the chain %s: %w", strings.Join(models, ", "), err)
	}
	t.Hooks = current.Hooks
	return &chained{continuous{t, resumes(current.Policy)}, layers}, nil
}

// known returns the state that a chain takes over. It needs l.building.
func (l *Live) known() tree.Kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.kept
	all.Layers = all.With(l.chains.layers())
	return all
}

// layers returns the layers of all chains, those of an earlier policy last.
func (c *chains) layers() tree.Layers {
	var all []tree.Layers
	if c.lru != nil {
		for _, one := range c.lru.Values() {
			all = append(all, one.layers)
		}
	}
	return tree.Layers{}.With(append(all, c.former)...)
}

// reset drops the trees, and keeps the layers of their models for later trees.
func (c *chains) reset() { *c = chains{former: c.layers().First(maxFormer)} }

// resumes reports whether an answer that is cut off is resumed for a consumer that cannot take
// back text.
func resumes(p *spec.Policy) bool {
	return p.Preview == nil && !(p.Stream != nil && p.Sets("stream.mid_stream"))
}

// continuous is a tree for a consumer that cannot take back text.
type continuous struct {
	*tree.Tree
	resumes bool
}

// Name returns the provider's name of the primary.
func (c continuous) Name() string { return c.Primary.Name() }

// GenerateContent implements model.LLM.
func (c continuous) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(c, ctx, req, streamed)
}

// Do implements stream.Layer.
func (c continuous) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if c.resumes {
		out.Continuous, out.Resumes = true, true
	}
	return c.Tree.Do(ctx, req, streamed, out)
}
