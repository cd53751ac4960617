package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// What becomes of a job by its attempt's failure: an error that each call would have ends
// it at once, and a delay that the provider asks for is kept.
func TestOutcomes(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{})
		retryIn := func(delay string) error {
			err := llmtest.ErrQuota
			err.Details = []map[string]any{{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}}
			return err
		}
		quota := retryIn("1200s")
		fail := func(err error) model.LLM { return llmtest.NewModel("pro", llmtest.Fail(err)) }
		down := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
		broke := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: func(string, *model.LLMRequest) (float64, bool) { return 2, true }})
		for name, test := range map[string]struct {
			model    model.LLM
			state    jobs.State
			attempts int
			kind     string
			after    time.Duration // when it is due again, at least
		}{
			"invalid request":  {fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "Request contains an invalid argument."}), jobs.Failed, 1, "invalid_request", 0},
			"bad key":          {fail(genai.APIError{Code: 401, Status: "UNAUTHENTICATED", Message: "no"}), jobs.Pending, 1, "auth", 0},
			"asks for a wait":  {fail(retryIn("40s")), jobs.Pending, 1, "rate_limit", 40 * time.Second},
			"asks for a delay": {fail(quota), jobs.Pending, 1, "quota", 1200 * time.Second},
			"overloaded":       {down, jobs.Pending, 1, "overloaded", jobs.DefaultBackoff / 2},
			"in a router":      {router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Fail(quota)), fail(quota)), jobs.Pending, 1, "quota", 1200 * time.Second},
			"last resort":      {router.MustFallback(router.Config{}, down, degrade.Template("Sorry.")), jobs.Pending, 1, "degraded", jobs.DefaultBackoff / 2},
			"refused":          {broke.Middleware()(paris), jobs.Pending, 0, "refused", jobs.DefaultBackoff / 2},
			"unknown":          {fail(errors.New("something")), jobs.Pending, 1, "unknown", jobs.DefaultBackoff / 2},
		} {
			id := enqueue(t, q, "acme", "hi")
			began := time.Now().Add(-time.Millisecond) // the clocks' units differ
			step(t, q, test.model)
			job := get(t, q, id)
			if job.State != test.state || job.Attempts != test.attempts || job.Kind != test.kind || job.Error == "" {
				t.Errorf("%s: %+v, want it %s after %d attempts, kind %s", name, job, test.state, test.attempts, test.kind)
			}
			if test.state == jobs.Pending && job.Due.Before(began.Add(test.after)) {
				t.Errorf("%s: due at %v, want it %v after %v or later", name, job.Due, test.after, began)
			}
			p.exec(t, "DELETE FROM fallback_jobs")
		}
	})
}

// A job whose workers have died in every attempt ends without another call.
func TestAttemptsOfDeadWorkersCount(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{})
		id := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.MaxAttempts = 2 })
		dead := llmtest.NewModel("pro", llmtest.Fail(errors.New("killed"))) // Abandon leaves the job as it is then
		for range 2 {
			if _, _, err := q.Abandon(t.Context(), dead); err == nil {
				t.Fatal("no attempt was made")
			}
			p.pass(t, jobs.DefaultLease)
		}
		m := llmtest.NewModel("pro", llmtest.Text("Paris."))
		step(t, q, m)
		if job := get(t, q, id); job.State != jobs.Failed || !strings.Contains(job.Error, "the workers died") || len(m.Requests()) > 0 {
			t.Errorf("job %+v after %d more calls, want it failed after none", job, len(m.Requests()))
		}
	})
}

// Code of the application that panics with a prompt ends neither the worker nor the
// promise that prompts are in no record and no log. B40
func TestPanicsAreNotQuoted(t *testing.T) {
	const secret = "my diagnosis"
	for name, test := range map[string]struct {
		config jobs.Config
		model  model.LLM
		state  jobs.State
		blames string // in the record, or in the log of a job that is done
	}{
		"model": {jobs.Config{}, llmtest.NewModel("pro", func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic(secret) }),
			jobs.Pending, "panicked"},
		"Deliver": {jobs.Config{Deliver: func(context.Context, jobs.Tx, jobs.Delivery) error { panic(errors.New(secret)) }}, paris,
			jobs.Pending, "Config.Deliver panicked"},
		"Sessions": {jobs.Config{Sessions: panicking{}}, paris, jobs.Pending, "Config.Sessions panicked"},
		"Codec":    {jobs.Config{Codec: fickle{}}, paris, jobs.Pending, "Config.Codec panicked"},
		"OnEnd":    {jobs.Config{OnEnd: func(context.Context, jobs.Job) { panic(fmt.Sprint(secret)) }}, paris, jobs.Done, "Config.OnEnd panicked"},
	} {
		var log bytes.Buffer
		test.config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		q := inFile(t).open(t, test.config)
		id := enqueueFor(t, q, ada)
		step(t, q, test.model)
		job := get(t, q, id)
		said := log.String() + job.Error
		if job.State != test.state || !strings.Contains(said, test.blames) || strings.Contains(said, secret) {
			t.Errorf("%s: job %+v, log %s; want it %s and %q, without the panic's text", name, job, log.String(), test.state, test.blames)
		}
	}
}

// panicking is a session service that panics.
type panicking struct{ session.Service }

func (panicking) Get(context.Context, *session.GetRequest) (*session.GetResponse, error) {
	panic("my diagnosis")
}

// fickle is a codec that seals and then panics.
type fickle struct{}

func (fickle) Seal(plain []byte) ([]byte, error) { return plain, nil }
func (fickle) Open([]byte) ([]byte, error)       { panic("my diagnosis") }

// A worker goes on after OnEnd has panicked, and a failed job is reported once.
func TestWorkerOutlivesOnEnd(t *testing.T) {
	q := inFile(t).open(t, jobs.Config{Workers: 1, OnEnd: func(_ context.Context, job jobs.Job) { panic(job) }})
	run(t, q, paris)
	for range 2 {
		id := enqueue(t, q, "acme", "hi")
		until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
	}
}
