package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxFeedback is how many of the latest invocations [Observer.Feedback] knows.
const MaxFeedback = 4096

// ErrUnknownInvocation is the error of Feedback for an invocation that this process has not
// seen, or not lately.
var ErrUnknownInvocation = errors.New("observe: the invocation is unknown; use FeedbackOn with the metadata of the stored answer")

// answers remembers who answered the latest invocations. The zero value is empty. It is safe
// for concurrent use.
type answers struct {
	mu     sync.Mutex
	by     map[string]judgementKey // guarded by mu; by invocation
	oldest []string                // guarded by mu; invocations, a ring once it is full
	next   int                     // guarded by mu; the oldest, once it is full
}

// remember notes who answered a call. Of the calls of an invocation, the latest counts: its
// answer is what the user judges.
func (a *answers) remember(invocation string, key judgementKey) {
	if invocation == "" || len(invocation) > maxKeyBytes {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = make(map[string]judgementKey)
	}
	if _, known := a.by[invocation]; !known {
		if len(a.oldest) < MaxFeedback {
			a.oldest = append(a.oldest, invocation)
		} else {
			delete(a.by, a.oldest[a.next])
			a.oldest[a.next] = invocation
			a.next = (a.next + 1) % MaxFeedback
		}
	}
	a.by[invocation] = key
}

// judgement returns what a score of an answer is joined to. Without a fallback the kind
// is "".
func (m *metrics) judgement(md call.Metadata) judgementKey {
	k := judgementKey{model: m.targets.of(md.ModelName), experiment: m.cohorts.of(md.ExperimentID), cohort: m.cohorts.of(md.Cohort)}
	if md.Triggered {
		k.kind = m.kinds.of(cmp.Or(cause(md), md.ErrorCode)) // the code is that of an earlier call of the turn
	}
	return k
}

// Feedback records a user's judgement of the answer of an invocation, as a metric with the
// model, the experiment's cohort and the kind of failure that caused the fallback. score is
// from -1 (useless) to 1 (good), such as -1 and 1 for two thumbs. Each call counts.
//
// It knows the latest [MaxFeedback] invocations of this process whose calls went through the
// hooks and have ended with an answer. For others, the error is ErrUnknownInvocation; see
// FeedbackOn. Without a meter, nothing is recorded and no invocation is unknown.
func (o *Observer) Feedback(ctx context.Context, invocation string, score float64) error {
	if err := checkScore(score); err != nil || o.metrics == nil {
		return err
	}
	o.feedback.mu.Lock()
	key, known := o.feedback.by[invocation]
	o.feedback.mu.Unlock()
	if !known {
		return ErrUnknownInvocation
	}
	o.metrics.judged(ctx, key, score)
	return nil
}

// FeedbackOn is Feedback for an answer whose metadata is at hand, such as that of a stored
// event, which [call.ReadEvent] returns. It also works in another process.
func (o *Observer) FeedbackOn(ctx context.Context, md call.Metadata, score float64) error {
	if err := checkScore(score); err != nil || o.metrics == nil {
		return err
	}
	o.metrics.judged(ctx, o.metrics.judgement(md), score)
	return nil
}

func checkScore(score float64) error {
	if !(score >= -1 && score <= 1) { // also NaN
		return fmt.Errorf("observe: the score is %v; must be from -1 to 1", score)
	}
	return nil
}

func (m *metrics) judged(ctx context.Context, key judgementKey, score float64) {
	m.feedback.Record(ctx, score, m.byJudgement.at(key).record...)
}
