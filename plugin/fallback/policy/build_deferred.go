package policy

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// WithDeferred sets the queue of deferred-answer: the Queue, Timeout and Delay of config.
// The other fields of config are ignored; degrade.deferred and priority.classes in the file
// have their values. Run the queue with the policy's model:
//
//	m, err := policy.Load(ctx, "fallback.yaml", policy.WithDeferred(degrade.DeferredConfig{Queue: queue}))
//	…
//	go queue.Run(ctx, m)
//
// When a breaker of the policy closes, the policy wakes the queue. A config without a Queue
// has no effect.
func WithDeferred(config degrade.DeferredConfig) Option {
	// Everything that needs the queue is called from here, so that a program without this
	// option does not contain package jobs.
	return optionFunc(func(o *options) {
		if config.Queue == nil {
			return
		}
		o.deferred = func(d deferral) (model.LLM, error) {
			own := config
			own.Name, own.Text, own.Expiry, own.Priorities = spec.DeferredAnswer, d.text, d.expiry, d.priorities
			return degrade.NewDeferred(own)
		}
		o.wake = func() {
			ctx, cancel := context.WithTimeout(context.Background(), wakeTimeout)
			defer cancel()
			if err := config.Queue.Wake(ctx); err != nil {
				o.logger.Warn("policy: the queue of deferred-answer cannot be woken; its calls wait for their delay", "error", err)
			}
		}
	})
}

// wakeTimeout bounds the wait for the queue's database.
const wakeTimeout = 10 * time.Second

// deferral is what the file says of deferred-answer.
type deferral struct {
	text       string
	expiry     time.Duration
	priorities map[string]int // by class
}

// deferring makes the model of deferred-answer.
type deferring func(deferral) (model.LLM, error)

func (o *options) defers() bool { return o.deferred != nil }

// deferred returns the last resort that queues calls.
func (b *builder) deferred(d *spec.Deferred) (model.LLM, error) {
	if d == nil {
		d = spec.Default[spec.Deferred]()
	}
	own := deferral{text: d.Message, expiry: d.MaxAge}
	if b.policy.Priority != nil {
		own.priorities = ranks(b.policy.Priority.Classes)
	}
	return b.options.deferred(own)
}

// ranks returns the ranks of classes, of which the first is the most important.
func ranks(classes []string) map[string]int {
	ranks := make(map[string]int, len(classes))
	for i, class := range classes {
		ranks[class] = len(classes) - i
	}
	return ranks
}
