package jobs

import (
	"errors"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Errors of this package. Compare with errors.Is.
var (
	// ErrNotFound: the queue has no job of that id. It never had one, or the job ended
	// longer than Config.Retention ago.
	ErrNotFound = errors.New("jobs: no such job")
	// ErrEnded: the job cannot be cancelled, because it has ended.
	ErrEnded = errors.New("jobs: the job has ended")
	// ErrNotRetryable: only a failed or cancelled job can be retried.
	ErrNotRetryable = errors.New("jobs: the job has not failed")
	// ErrCancelled is the context cause of a call whose job was cancelled.
	ErrCancelled = errors.New("jobs: the job was cancelled")
	// ErrExpired is the context cause of a call whose job has expired.
	ErrExpired = errors.New("jobs: the job expired")
	// ErrLeaseLost is the context cause of a call whose job another worker has taken.
	ErrLeaseLost = errors.New("jobs: another worker has taken the job")
	// ErrShutdown is the context cause of a call that outlasted Config.Drain.
	ErrShutdown = errors.New("jobs: the worker is shutting down")
)

// State says where a job is in its life. It is stable and fit for metrics and logs.
type State string

const (
	Pending   State = "pending"   // waits for a worker, or for its next attempt
	Running   State = "running"   // a worker has a lease on it
	Done      State = "done"      // answered and delivered
	Failed    State = "failed"    // expired, or out of attempts
	Cancelled State = "cancelled" // by Cancel
)

// Job is what can be known of a job without its prompt and answer.
type Job struct {
	ID       string
	Tenant   string
	Priority int
	State    State
	Answered bool // the model has answered; the delivery is outstanding, or done
	// Attempts counts the calls that reached a model. Refusals by a breaker, a limit or
	// a budget do not count, nor do workers that cannot read the job.
	Attempts, MaxAttempts int
	Owner                 string // the worker that had the job last
	Error                 string // of the latest attempt; redacted, at most 256 bytes
	// Kind is what Error means: a kind of package failure, such as "rate_limit", or
	// "refused", "degraded" (only a last resort answered), "undelivered", "unreadable",
	// "expired" or "shutdown". It is stable and fit for metrics.
	Kind             string
	Created, Expires time.Time
	Due              time.Time // pending: the next attempt. Running: the end of the lease. Else zero
	Ended            time.Time // zero while pending or running
}

// Request is what Enqueue stores.
type Request struct {
	// LLM is the request to answer. Required. Its tools are declared to the model but
	// cannot be called, since no agent waits for the call. HTTPOptions are not stored:
	// they may hold credentials. Tools that the provider runs are stored with their
	// credentials, such as the headers of an MCP server; encrypt them with Config.Codec.
	LLM *model.LLMRequest
	// Key makes Enqueue idempotent: the tenant's earlier job with the same key is
	// returned, unless it failed or was cancelled. It must not hold personal data.
	// Empty means none.
	Key string
	// KeyUntilDone: an earlier job with the same key that is done is not returned either.
	KeyUntilDone bool
	// Priority orders the jobs of one tenant: higher first. It has no effect on other
	// tenants, so that none can starve another.
	Priority int
	// Delay is the time until the first attempt, unless Wake is called. 0 means none.
	Delay time.Duration
	// Expiry, counted from now, ends the job. 0 means Config.Expiry.
	Expiry time.Duration
	// MaxAttempts is how often models are called. 0 means Config.MaxAttempts.
	MaxAttempts int
}

// Delivery is an answer on its way to the application.
type Delivery struct {
	Job      Job
	Caller   call.Info // who made the deferred call
	Response *model.LLMResponse
}

// Filter selects jobs for List. The zero value selects all.
type Filter struct {
	State  State  // "" for any
	Tenant string // "" for any
	Limit  int    // the latest so many; 0 means 100
}
