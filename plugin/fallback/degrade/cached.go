package degrade

import (
	"cmp"
	"context"
	"errors"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Defaults of CachedAnswerConfig.
const (
	DefaultCachedAnswerName = "cached-answer"
	DefaultPrefix           = "(This is an earlier answer and may be out of date.)\n\n"
)

// CachedAnswerConfig says where earlier answers are and how they are given.
// Cache is required.
type CachedAnswerConfig struct {
	// Cache holds the answers. How old one may be is [cache.Config.LookupAge].
	Cache *cache.Cache
	// Name is the model's name, and what "degraded" says. Empty means
	// DefaultCachedAnswerName.
	Name string
	// Prefix and Suffix stand around the answer and tell the user what it is.
	// Prefix means DefaultPrefix if both are empty. They are omitted if the request
	// asks for another format than plain text (ResponseMIMEType, or a schema), because JSON with
	// them would not be valid. Positions in an answer's citations do not count them.
	Prefix, Suffix string
}

// NewCachedAnswer returns a model that answers a request as it was answered
// before. If it was not, the model fails with a *middleware.RefusedError, a
// verdict to fall back. The error names every wrong field.
//
// Behind a router that the cache stands in front of, which is where it belongs,
// it finds what was answered to the same call; see [cache.Cache.Lookup].
func NewCachedAnswer(config CachedAnswerConfig) (model.LLM, error) {
	if config.Cache == nil {
		return nil, errors.New("degrade: CachedAnswerConfig.Cache is nil; set a cache")
	}
	return newCachedAnswer(config), nil
}

// MustCachedAnswer is NewCachedAnswer, but panics on an error.
func MustCachedAnswer(config CachedAnswerConfig) model.LLM {
	return check.Must(NewCachedAnswer(config))
}

// CachedAnswer is NewCachedAnswer with the defaults. With a nil cache it never
// has an answer.
func CachedAnswer(c *cache.Cache) model.LLM {
	return newCachedAnswer(CachedAnswerConfig{Cache: c})
}

func newCachedAnswer(config CachedAnswerConfig) model.LLM {
	config.Name = cmp.Or(config.Name, DefaultCachedAnswerName)
	if config.Prefix == "" && config.Suffix == "" {
		config.Prefix = DefaultPrefix
	}
	return &lastResort{name: config.Name, find: config.find}
}

func (c *CachedAnswerConfig) find(ctx context.Context, req *model.LLMRequest) (*model.LLMResponse, call.Metadata, error) {
	resp, fresh, ok := c.Cache.Lookup(ctx, req)
	if !ok {
		return nil, call.Metadata{}, &middleware.RefusedError{By: "cache", Model: c.Name, Reason: "it has no earlier answer to this request"}
	}
	if request.IsForText(req) {
		c.mark(resp.Content)
	}
	md := call.Metadata{CacheStatus: call.CacheStale}
	if fresh {
		md.CacheStatus = call.CacheHit
	}
	return resp, md, nil
}

// mark puts Prefix before the first text of content and Suffix after the last.
func (c *CachedAnswerConfig) mark(content *genai.Content) {
	var first, last *genai.Part
	for _, part := range content.Parts {
		if part.Text != "" && !part.Thought {
			first, last = cmp.Or(first, part), part
		}
	}
	if first != nil {
		first.Text = c.Prefix + first.Text
		last.Text += c.Suffix
		return
	}
	// An image, say.
	if c.Prefix != "" {
		content.Parts = append([]*genai.Part{genai.NewPartFromText(c.Prefix)}, content.Parts...)
	}
	if c.Suffix != "" {
		content.Parts = append(content.Parts, genai.NewPartFromText(c.Suffix))
	}
}
