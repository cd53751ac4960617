package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/flight"
	"github.com/adk-fallback/adk-fallback/internal/panics"
)

// Embedder makes embeddings. The Models of a genai.Client is one.
type Embedder interface {
	EmbedContent(ctx context.Context, model string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error)
}

// EmbeddingsConfig says what an Embeddings keeps and for how long. The zero
// value is ready to use.
type EmbeddingsConfig struct {
	// MaxBytes bounds the memory of the embeddings, by an upper estimate. Beyond it,
	// those least likely to be requested again are evicted. 0 means DefaultMaxBytes.
	MaxBytes int
	// TTL is how long an embedding is kept. 0 means until it is evicted: a model
	// version always gives the same embedding.
	TTL time.Duration
	// Scope returns texts about the caller (see call.From). Two callers share an
	// embedding only if their texts are equal. If it returns nil or panics, the
	// request is not cached. It must be safe for concurrent use. Default: the caller's
	// tenant.
	Scope func(ctx context.Context) []string
	// MaxWait is how long a call waits for other calls that are fetching some of its
	// embeddings, before it fetches these itself. 0 means DefaultMaxWait.
	MaxWait time.Duration
}

// Embeddings is an Embedder that keeps the embeddings of another one. Each content
// of a request is kept by itself: if some are known, only the others are sent, in one
// call, and the response has all of them in the order of the request. Two contents are
// the same if the content, the model's name, the configuration and the caller's scope
// are; HTTP headers, timeouts and retry options are ignored. Only hashes of contents are
// kept.
//
// Of concurrent requests for the same content, one calls the provider, on its caller's
// goroutine. The others wait for it. If its caller gives up, the next one calls; if it
// fails, all others call themselves.
//
// Nothing is kept of an error, of an empty embedding, or of a response that has not one
// embedding for each content. The embeddings in a response are the caller's to change.
// Metadata and SDKHTTPResponse are those of the request's latest call of the provider;
// without one, they are nil.
//
// An Embeddings is safe for concurrent use if its Embedder is.
type Embeddings struct {
	inner   Embedder
	config  EmbeddingsConfig
	kept    *otter.Cache[digest.Sum, *genai.ContentEmbedding] // they do not change, and only copies are handed out
	flights flight.Group[genai.ContentEmbedding]
}

// NewEmbeddings returns a cache in front of inner. The error names every wrong field.
func NewEmbeddings(inner Embedder, config EmbeddingsConfig) (*Embeddings, error) {
	problems := []error{
		check.NotNegative("cache: EmbeddingsConfig.MaxBytes", config.MaxBytes, fmt.Sprintf("0 for %d, or more", DefaultMaxBytes)),
		check.NotNegative("cache: EmbeddingsConfig.TTL", config.TTL, "0 for no limit, or more"),
		check.NotNegative("cache: EmbeddingsConfig.MaxWait", config.MaxWait, fmt.Sprintf("0 for %v, or more", DefaultMaxWait)),
	}
	if inner == nil {
		problems = append(problems, errors.New("cache: NewEmbeddings: the Embedder is nil; use the Models of a genai.Client"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	config.MaxBytes = cmp.Or(config.MaxBytes, DefaultMaxBytes)
	config.MaxWait = cmp.Or(config.MaxWait, DefaultMaxWait)
	if config.Scope == nil {
		config.Scope = tenantScope
	}
	options := &otter.Options[digest.Sum, *genai.ContentEmbedding]{
		MaximumWeight: uint64(config.MaxBytes),
		Weigher:       func(_ digest.Sum, e *genai.ContentEmbedding) uint32 { return weightOf(e) },
	}
	if config.TTL > 0 {
		options.ExpiryCalculator = otter.ExpiryWriting[digest.Sum, *genai.ContentEmbedding](config.TTL)
	}
	kept, err := otter.New(options)
	if err != nil {
		return nil, fmt.Errorf("cache: embeddings: %w", err)
	}
	return &Embeddings{inner: inner, config: config, kept: kept}, nil
}

// MustNewEmbeddings is NewEmbeddings, but panics on an error.
func MustNewEmbeddings(inner Embedder, config EmbeddingsConfig) *Embeddings {
	return check.Must(NewEmbeddings(inner, config))
}

// Bytes returns the estimated memory of the embeddings kept, at most MaxBytes. It first
// removes expired ones, so it suits metrics, not every call.
func (c *Embeddings) Bytes() int {
	c.kept.CleanUp()
	return int(c.kept.WeightedSize())
}

// Close stops the removal of expired embeddings. A closed Embeddings still works.
// Close is needed only where goroutines are counted; it may be called again.
func (c *Embeddings) Close() error {
	c.kept.StopAllGoroutines()
	return nil
}

// keys returns the key of each content. ok is false for a request without keys: its
// caller shares nothing, it contains a function, or its nesting has no end.
func (c *Embeddings) keys(ctx context.Context, model string, contents []*genai.Content, config *genai.EmbedContentConfig) (keys []digest.Sum, ok bool) {
	defer func() {
		if r := recover(); r != nil { // of Config.Scope, or of a MarshalJSON in the request
			slog.Error("cache: the key of an embedding panicked; it is not cached", "model", model, "panic", panics.Text(r))
			ok = false
		}
	}()
	scope := c.config.Scope(ctx)
	if scope == nil {
		return nil, false
	}
	keys = make([]digest.Sum, len(contents))
	for i, content := range contents {
		if keys[i], ok = digest.OfEmbedding(content, config, scope, []string{model}); !ok {
			return nil, false
		}
	}
	return keys, true
}

// keep keeps a copy of e for key and returns it, or nil if there is nothing to keep.
func (c *Embeddings) keep(key digest.Sum, e *genai.ContentEmbedding) *genai.ContentEmbedding {
	if e == nil || len(e.Values) == 0 {
		return nil
	}
	e = cloneEmbedding(e)
	c.kept.Set(key, e)
	return e
}

func cloneEmbedding(e *genai.ContentEmbedding) *genai.ContentEmbedding {
	clone := *e
	clone.Values = slices.Clone(e.Values)
	if e.Statistics != nil {
		stats := *e.Statistics
		stats.TokensDetails = slices.Clone(e.Statistics.TokensDetails)
		for i, detail := range stats.TokensDetails {
			if detail != nil {
				own := *detail
				stats.TokensDetails[i] = &own
			}
		}
		clone.Statistics = &stats
	}
	return &clone
}

// The memory of an embedding besides its values, rounded up: a node of the cache, its
// key and the structs, and each count by modality.
const (
	embeddingOverhead = 512
	modalityOverhead  = 64
)

func weightOf(e *genai.ContentEmbedding) uint32 {
	weight := embeddingOverhead + 4*cap(e.Values)
	if e.Statistics != nil {
		weight += modalityOverhead * len(e.Statistics.TokensDetails)
	}
	return uint32(min(int64(weight), math.MaxUint32))
}
