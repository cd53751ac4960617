package jobs_test

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// blocking is a model whose calls wait for the test.
type blocking struct {
	started chan context.Context
	finish  chan struct{}
}

func newBlocking() *blocking {
	return &blocking{started: make(chan context.Context, 8), finish: make(chan struct{})}
}

func (b *blocking) model() model.LLM {
	return llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		b.started <- ctx
		select {
		case <-b.finish:
			llmtest.Text("Paris.")(ctx, req, stream, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	})
}

// A job of this process starts at once, one of another process by NOTIFY or the poll.
func TestEnqueueWakes(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		poll := time.Hour
		if p.file != "" {
			poll = 50 * time.Millisecond // SQLite has nothing to notify with
		}
		worker, other := p.open(t, jobs.Config{Poll: poll}), p.open(t, jobs.Config{Poll: time.Hour})
		run(t, worker, paris)
		for _, q := range []*jobs.Queue{worker, other, other} {
			id := enqueue(t, q, "acme", "hi")
			until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
		}
		id := enqueue(t, other, "acme", "hi", func(r *jobs.Request) { r.Delay = time.Hour })
		if err := other.Wake(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, "the delayed job is done", func() bool { return get(t, other, id).State == jobs.Done })
	})
}

// In the same process, a worker that waits for its next look wakes when there is work.
func TestWorkWakesTheWorker(t *testing.T) {
	const look, end = "SELECT min(due_at)", "UPDATE fallback_jobs SET state = 'done'"
	d := strain(t, "sqlite-wakes")
	p := inFile(t)
	q := p.open(t, jobs.Config{Driver: "sqlite-wakes", Poll: time.Hour, Workers: 1})
	other := p.open(t, jobs.Config{}) // as another process: it does not wake the worker
	later := func(r *jobs.Request) { r.Delay = time.Hour }
	run(t, q, paris)
	var id string
	for what, work := range map[string]func() error{
		"Enqueue": func() error { id = enqueue(t, q, "acme", "hi"); return nil },
		"Wake":    func() error { id = enqueue(t, other, "acme", "hi", later); return q.Wake(t.Context()) },
		"Retry": func() error {
			id = enqueue(t, other, "acme", "hi", later)
			return cmp.Or(other.Cancel(t.Context(), id), q.Retry(t.Context(), id))
		},
	} {
		for range 3 {
			until(t, "the worker waits", func() bool { return d.last(look, end) == look })
			if err := work(); err != nil {
				t.Fatal(what, err)
			}
			until(t, what+" has woken the worker", func() bool { return get(t, q, id).State == jobs.Done })
		}
	}
}

// Whatever makes a job due earlier than a waiting worker knows of wakes it: at once in the
// same process, by NOTIFY in another.
func TestWorkerStartsJobsWhenTheyAreDue(t *testing.T) {
	const soon = 50 * time.Millisecond
	failing := func() *llmtest.Model {
		return llmtest.NewModel("pro", llmtest.Fail(errors.New("down")), llmtest.Text("Paris."))
	}
	onBoth(t, func(t *testing.T, p *place) {
		config := jobs.Config{Poll: time.Hour, Workers: 2, Lease: time.Hour, Backoff: soon, MaxBackoff: soon}
		t.Run("delayed", func(t *testing.T) {
			q := p.open(t, config)
			run(t, q, paris)
			id := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.Delay = soon })
			until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
		})
		t.Run("failed", func(t *testing.T) {
			q := p.open(t, config)
			id := enqueue(t, q, "acme", "hi")
			run(t, q, failing())
			until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
		})
		t.Run("lease has ended", func(t *testing.T) {
			config := config
			config.Lease = 100 * time.Millisecond
			q := p.open(t, config)
			id := enqueue(t, q, "acme", "hi")
			if _, _, err := q.Abandon(t.Context(), paris); err != nil {
				t.Fatal(err)
			}
			run(t, q, paris)
			until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
		})
	})
	t.Run("shutdown of another worker", func(t *testing.T) {
		p, kept := traced(t, newPlace(t, &place{dsn: postgres.DSN(t)}))
		config := jobs.Config{Poll: time.Hour, Lease: time.Hour, Drain: time.Millisecond}
		first, second := p.open(t, config), p.open(t, config)
		id := enqueue(t, first, "acme", "hi")
		b := newBlocking()
		stop := run(t, first, b.model())
		<-b.started
		before := looks(kept.all())
		run(t, second, paris)
		// The second worker looks at once, and again after its LISTEN. If one of these looks is
		// the first worker's, the second has another one to come, which finds the job as well.
		until(t, "the second worker waits", func() bool { return looks(kept.all()) >= before+2 })
		stop()
		until(t, "the job is done", func() bool { return get(t, second, id).State == jobs.Done })
	})
}

// A worker deletes old jobs while it runs.
func TestWorkerSweeps(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Retention: time.Hour})
		old := enqueue(t, q, "acme", "hi")
		step(t, q, paris)
		p.pass(t, 2*time.Hour)
		recent := enqueue(t, q, "acme", "hi")
		run(t, q, paris)
		until(t, "the old job is deleted", func() bool {
			_, err := q.Get(t.Context(), old)
			return errors.Is(err, jobs.ErrNotFound)
		})
		until(t, "the recent job is done and kept", func() bool { return get(t, q, recent).State == jobs.Done })
	})
}

// A call that takes longer than its lease keeps it.
func TestHeartbeat(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Lease: 300 * time.Millisecond, Workers: 1}) // one: none takes the job where heartbeats are late
		id := enqueue(t, q, "acme", "hi")
		b := newBlocking()
		run(t, q, b.model())
		<-b.started
		due := get(t, q, id).Due
		until(t, "the lease is renewed", func() bool { return get(t, q, id).Due.Sub(due) > 300*time.Millisecond })
		close(b.finish)
		until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
		if job := get(t, q, id); job.Attempts != 1 {
			t.Errorf("%d attempts, want 1", job.Attempts)
		}
	})
}

// A worker that comes back after its lease changes nothing, whatever the state of the job
// is by then. B143
func TestFence(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		p.open(t, jobs.Config{})
		for name, meanwhile := range map[string]func(q *jobs.Queue, id string){
			"done by another": func(q *jobs.Queue, _ string) { step(t, q, paris) },
			"cancelled":       func(q *jobs.Queue, id string) { _ = q.Cancel(t.Context(), id) },
			"with another": func(q *jobs.Queue, _ string) {
				if _, _, err := q.Abandon(t.Context(), paris); err != nil {
					t.Fatal(err)
				}
			},
		} {
			p.exec(t, "DELETE FROM fallback_jobs") // of the case before
			var late, prompt box
			slow, fast := p.open(t, jobs.Config{Deliver: late.deliver}), p.open(t, jobs.Config{Deliver: prompt.deliver})
			id := enqueue(t, slow, "acme", "hi")
			got, comeBack, err := slow.Abandon(t.Context(), llmtest.NewModel("pro", llmtest.Text("late")))
			if err != nil || got != id {
				t.Fatal(got, err)
			}
			idle(t, fast, paris)
			p.pass(t, jobs.DefaultLease)
			meanwhile(fast, id)
			before := get(t, fast, id)
			if err := comeBack(); !errors.Is(err, jobs.ErrLeaseLost) && !errors.Is(err, jobs.ErrCancelled) {
				t.Errorf("%s: late delivery: %v", name, err)
			}
			if after := get(t, fast, id); after != before || len(late.texts()) > 0 {
				t.Errorf("%s: late delivery %q changed the job from %+v to %+v", name, late.texts(), before, after)
			}
			for _, text := range prompt.texts() {
				if text != "late" {
					t.Errorf("%s: delivered %q, want the stored answer", name, text)
				}
			}
		}
	})
}

// Cancel reaches the running call, in this process and in another.
func TestCancelReachesTheCall(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		// One worker: no other takes the job where heartbeats are late.
		worker, other := p.open(t, jobs.Config{Lease: 300 * time.Millisecond, Workers: 1}), p.open(t, jobs.Config{})
		b := newBlocking()
		run(t, worker, b.model())
		for _, q := range []*jobs.Queue{worker, other} {
			id := enqueue(t, worker, "acme", "hi")
			ctx := <-b.started
			if err := q.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, jobs.ErrCancelled) {
				t.Errorf("cause %v", cause)
			}
			if job := get(t, q, id); job.State != jobs.Cancelled {
				t.Errorf("job %+v, want it cancelled", job)
			}
		}
	})
}

// A job that is taken by another worker ends the call of the first.
func TestLostLeaseEndsTheCall(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Lease: 300 * time.Millisecond})
		enqueue(t, q, "acme", "hi")
		b := newBlocking()
		run(t, q, b.model())
		ctx := <-b.started
		p.exec(t, "UPDATE fallback_jobs SET fence = fence + 1")
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, jobs.ErrLeaseLost) {
			t.Errorf("cause %v", cause)
		}
	})
}

// Run waits for running jobs, and gives those back that take too long.
func TestDrain(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Drain: time.Minute, Workers: 1})
		first, second := enqueue(t, q, "acme", "hi"), enqueue(t, q, "acme", "hi")
		b := newBlocking()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx, b.model()) }()
		<-b.started
		cancel()
		close(b.finish)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		a, c := get(t, q, first), get(t, q, second)
		if a.State == jobs.Pending {
			a, c = c, a
		}
		if a.State != jobs.Done || c.State != jobs.Pending || c.Attempts != 0 {
			t.Errorf("jobs %+v and %+v, want one done and one not begun", a, c)
		}

		q = p.open(t, jobs.Config{Drain: 50 * time.Millisecond})
		b = newBlocking()
		stop := run(t, q, b.model())
		called := <-b.started
		stop()
		if cause := context.Cause(called); !errors.Is(cause, jobs.ErrShutdown) {
			t.Errorf("cause %v", cause)
		}
		if job := get(t, q, c.ID); job.State != jobs.Pending || job.Attempts != 0 || time.Until(job.Due) > 0 {
			t.Errorf("job %+v, want it given back at once", job)
		}
	})
}

// A delivery whose context ends is not half done: neither its own writes nor the end of
// the job are committed, and it is repeated. B143
func TestShutdownInsideADelivery(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		p.exec(t, "CREATE TABLE answers (job TEXT)")
		inside := make(chan struct{}, 1)
		var waits atomic.Bool
		deliver := func(ctx context.Context, tx jobs.Tx, d jobs.Delivery) error {
			if waits.Load() {
				inside <- struct{}{}
				<-ctx.Done()
			}
			statement, err := tx.PrepareContext(context.WithoutCancel(ctx), "INSERT INTO answers VALUES ('x')")
			if err != nil {
				return err
			}
			defer statement.Close()
			_, _ = statement.ExecContext(ctx) // an application that is careless
			return nil
		}
		waits.Store(true)
		for range 20 {
			q := p.open(t, jobs.Config{Drain: time.Millisecond, Deliver: deliver})
			id := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.Key = "one" })
			stop := run(t, q, paris)
			<-inside
			stop()
			if job := get(t, q, id); job.State != jobs.Pending || !job.Answered {
				t.Fatalf("job %+v, want it given back with its answer", job)
			}
		}
		waits.Store(false)
		q := p.open(t, jobs.Config{Deliver: deliver})
		step(t, q, paris)
		idle(t, q, paris)
		var n int
		if err := p.db.QueryRow("SELECT count(*) FROM answers").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d answers, error %v; want 1", n, err)
		}
	})
}

// A model that ignores its context does not keep the worker. B119
func TestDeafModel(t *testing.T) {
	p := inFile(t)
	q := p.open(t, jobs.Config{Timeout: 10 * time.Millisecond, Workers: 1, Backoff: time.Millisecond, MaxBackoff: time.Millisecond})
	deaf, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	m := llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if calls.Add(1) == 1 {
			close(deaf)
			<-release
			return
		}
		llmtest.Text("Paris.")(ctx, req, stream, yield)
	})
	defer close(release)
	first := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.MaxAttempts = 1 })
	run(t, q, m)
	<-deaf
	second := enqueue(t, q, "acme", "hi")
	until(t, "the next job is done", func() bool { return get(t, q, second).State == jobs.Done })
	if job := get(t, q, first); job.State != jobs.Failed {
		t.Errorf("job %+v, want it failed", job)
	}
}

func TestSeveralWorkersAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Workers: 3})
		for range 4 {
			enqueue(t, q, "acme", "hi")
		}
		b := newBlocking()
		run(t, q, b.model())
		for range 3 {
			<-b.started
		}
		list, err := q.List(t.Context(), jobs.Filter{State: jobs.Running})
		if err != nil || len(list) != 3 {
			t.Errorf("%d running, error %v; want 3", len(list), err)
		}
		close(b.finish)
		until(t, "all are done", func() bool {
			list, err := q.List(t.Context(), jobs.Filter{State: jobs.Done})
			return err == nil && len(list) == 4
		})
	})
}
