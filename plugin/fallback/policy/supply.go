package policy

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/app"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Models are models that the application supplies, by their names in the policy. They
// override the provider in the file and the one that follows from a name.
type Models map[string]model.LLM

// Option implements [Option].
func (m Models) Option() any { return m }

// Validators are functions of the application that judge answers, by the names that
// validate.function uses. Each returns nil, or an error if an answer is not accepted; see
// middleware.ValidateConfig.
type Validators map[string]func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) error

// Option implements [Option].
func (v Validators) Option() any { return v }

// WithFlags lets an OpenFeature client decide the flags of a policy:
//
//	policy.WithFlags(openfeature.NewClient("assistant"), openfeature.NewEvaluationContext)
//
// The client is called at each attempt at a target that a flag names, with the user (or
// what sticky_by names) as the targeting key, and app, agent, tenant, priority,
// data_class, region and the labels as attributes. If the policy has a cache, it is also
// called before each call: a caller for whom a model is off gets no cached answer of it.
// If the client does not know a flag, or panics, the file's default holds. The client must
// be safe for concurrent use; nil means no client.
//
// The types are parameters so that a program without flags does not contain OpenFeature.
func WithFlags[Context, Opt any](client interface {
	Boolean(ctx context.Context, flag string, defaultValue bool, evalCtx Context, options ...Opt) bool
}, newContext func(targetingKey string, attributes map[string]any) Context) Option {
	return optionFunc(func(o *options) {
		if o.Flags = nil; client != nil {
			o.Flags = func(ctx context.Context, flag string, defaultValue bool, id string, attributes map[string]any) bool {
				return client.Boolean(ctx, flag, defaultValue, newContext(id, attributes))
			}
		}
	})
}

// WithJudge sets the function behind judge: application of section cascade; see
// cascade.JudgeFunc. It returns the confidence in an answer of the cheap model, from 0 to 1.
func WithJudge(judge func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) (confidence float64, err error)) Option {
	return optionFunc(func(o *options) { o.Judge = judge })
}

// WithApproval sets the function behind gate.approve. It decides whether a fallback may call
// a tool of section gate; see guard.Gate. It must be safe for concurrent use.
func WithApproval(approve func(ctx context.Context, fc *genai.FunctionCall, model string) bool) Option {
	return optionFunc(func(o *options) { o.Approve = approve })
}

// WithRetrieval lets config find the passages of retrieval-answer: its Memory or its
// Search. The other fields are those of section degrade.retrieval in the file.
func WithRetrieval(config degrade.RetrievalConfig) Option {
	return optionFunc(func(o *options) { o.Retrieval = config })
}

// WithDeferred sets the queue of deferred-answer: the Queue, Timeout and Delay of config.
// The other fields of config are ignored; degrade.deferred and priority.classes in the file
// have their values. Run the queue with the policy's model:
//
//	m, err := policy.Load(ctx, "fallback.yaml", policy.WithDeferred(degrade.DeferredConfig{Queue: queue}))
//	…
//	go queue.Run(ctx, m)
//
// When a breaker of the policy closes, or a reload changes the budgets' limits, the policy
// wakes the queue. A config without a Queue has no effect.
func WithDeferred(config degrade.DeferredConfig) Option {
	// Everything that needs the queue is called from here, so that a program without this
	// option does not contain package jobs.
	return optionFunc(func(o *options) {
		if config.Queue == nil {
			return
		}
		o.Deferred = func(d app.Deferral) (model.LLM, error) {
			own := config
			own.Name, own.Text, own.Expiry, own.Priorities = spec.DeferredAnswer, d.Text, d.Expiry, d.Priorities
			return degrade.NewDeferred(own)
		}
		o.Wake = func() {
			ctx, cancel := context.WithTimeout(context.Background(), wakeTimeout)
			defer cancel()
			if err := config.Queue.Wake(ctx); err != nil {
				o.Logger.Warn("policy: the queue of deferred-answer cannot be woken; its calls wait for their delay", "error", err)
			}
		}
	})
}

// wakeTimeout bounds the wait for the queue's database.
const wakeTimeout = 10 * time.Second

// WithState sets the function that opens the server of section state by its URL, such as
// redis.Open of package plugin/fallback/state/redis. It must not wait for the server: a
// policy loads even if the server cannot be reached.
func WithState(open func(url string) (state.Store, error)) Option {
	return optionFunc(func(o *options) { o.Open = open })
}
