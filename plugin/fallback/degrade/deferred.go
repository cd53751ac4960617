package degrade

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/phrase"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Defaults of DeferredConfig.
const (
	DefaultDeferredName    = "deferred"
	DefaultDeferredText    = "I cannot answer right now. The full answer will follow."
	DefaultDeferredTimeout = 2 * time.Second
	DefaultDeferredDelay   = 30 * time.Second
)

// DeferredConfig says what to answer now, and where the full answer is queued. Queue is
// required.
type DeferredConfig struct {
	// Queue runs the call later; see [jobs.Queue.Run].
	Queue *jobs.Queue
	// Name is the model's name, and the value of "degraded". Empty means
	// DefaultDeferredName.
	Name string
	// Text is the short answer, a template as for [TemplateConfig]. It must tell the
	// user that the full answer will follow. Empty means DefaultDeferredText.
	Text string
	// Timeout bounds the wait for the queue's database. 0 means DefaultDeferredTimeout.
	Timeout time.Duration
	// Delay is the time until the first attempt, unless [jobs.Queue.Wake] is called
	// before. 0 means DefaultDeferredDelay.
	Delay time.Duration
	// Expiry is the time from now until the job expires; see [jobs.Request.Expiry]. 0
	// means the queue's own.
	Expiry time.Duration
	// Priorities ranks a tenant's jobs by their call.Info.Priority: higher first. Case
	// does not matter, so two spellings of one priority are an error. Priorities not listed rank 0.
	Priorities map[string]int
}

// NewDeferred returns a model that gives a short answer now and queues the call, so that
// the full answer follows when a model can be called again. The response's metadata has
// the job's id under [jobs.KeyJob].
//
// Until its answer has been delivered, the same call of the same session is queued only once,
// even if the turn runs again. If the queue fails, the model fails with a
// *middleware.RefusedError, a verdict to fall back, so put a template behind it. It refuses
// calls of the queue's own jobs. The error names every wrong field.
func NewDeferred(config DeferredConfig) (model.LLM, error) {
	var problems []error
	if config.Queue == nil {
		problems = append(problems, errors.New("degrade: DeferredConfig.Queue is nil; set it to a queue of package jobs"))
	}
	if config.Timeout < 0 || config.Delay < 0 || config.Expiry < 0 {
		problems = append(problems, fmt.Errorf("degrade: DeferredConfig.Timeout is %v, Delay is %v and Expiry is %v; must be at least 0", config.Timeout, config.Delay, config.Expiry))
	}
	text, err := phrase.Parse(cmp.Or(config.Text, DefaultDeferredText))
	if err != nil {
		problems = append(problems, fmt.Errorf("degrade: DeferredConfig.Text: %w", err))
	}
	priorities, err := check.Folded("degrade: DeferredConfig.Priorities", config.Priorities)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	config.Priorities = priorities
	config.Name = cmp.Or(config.Name, DefaultDeferredName)
	config.Timeout = cmp.Or(config.Timeout, DefaultDeferredTimeout)
	config.Delay = cmp.Or(config.Delay, DefaultDeferredDelay)
	return &lastResort{name: config.Name, find: func(ctx context.Context, req *model.LLMRequest) (*model.LLMResponse, call.Metadata, error) {
		id, err := config.enqueue(ctx, req)
		if err != nil {
			return nil, call.Metadata{}, err
		}
		resp := placeholder(execute(text, ctx, req))
		resp.CustomMetadata[jobs.KeyJob] = id
		return resp, call.Metadata{}, nil
	}}, nil
}

// MustDeferred is NewDeferred, but panics on an error.
func MustDeferred(config DeferredConfig) model.LLM { return check.Must(NewDeferred(config)) }

// Deferred is NewDeferred with the defaults. It panics if queue is nil.
func Deferred(queue *jobs.Queue) model.LLM { return MustDeferred(DeferredConfig{Queue: queue}) }

func (c *DeferredConfig) enqueue(ctx context.Context, req *model.LLMRequest) (string, error) {
	if jobs.Within(ctx) {
		return "", &middleware.RefusedError{By: "deferred", Model: c.Name, Reason: "the call is deferred already"}
	}
	caller := call.From(ctx)
	key := ""
	if caller.Session != "" { // else equal calls of two users would be one
		if sum, ok := digest.Of(req, []string{caller.App, caller.User, caller.Session, caller.Agent, caller.Branch}); ok {
			key = hex.EncodeToString(sum[:])
		}
	}
	within, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	id, err := c.Queue.Enqueue(within, jobs.Request{
		LLM: req, Key: key, KeyUntilDone: true, Priority: c.Priorities[match.Fold(caller.Priority)], Delay: c.Delay, Expiry: c.Expiry,
	})
	if err != nil {
		return "", &middleware.RefusedError{By: "deferred", Model: c.Name, Reason: err.Error()}
	}
	return id, nil
}
