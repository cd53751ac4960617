package jobs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// work runs the job of l to its end or its next attempt:
//
//	call the model → store the answer → deliver it and end the job
//
// A worker that dies between two steps leaves the job at the step that it had reached.
func (q *Queue) work(ctx context.Context, m model.LLM, l *lease) {
	var beating sync.WaitGroup
	defer beating.Wait()
	beats, stop := context.WithCancel(ctx)
	defer stop()
	beating.Go(func() { q.heartbeat(beats, l) })
	if earlier := q.enter(l); earlier != nil {
		earlier.cancel(ErrLeaseLost)
		<-earlier.done
	}
	defer q.leave(l)

	err := q.attempt(ctx, m, l)
	if err == nil {
		err = q.deliver(ctx, l)
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = cause
	}
	if err == nil || lost(err) {
		return
	}
	if err := q.giveBack(context.WithoutCancel(ctx), l, err); err != nil && !lost(err) {
		q.config.Logger.Error("jobs: a job could not be given back; it runs again when its lease ends", "job", l.job.ID, "error", err)
	}
}

// enter registers l, for Cancel. It returns the lease on the same job that this process
// had before and has not done with, if any.
func (q *Queue) enter(l *lease) (earlier *lease) {
	q.mu.Lock()
	defer q.mu.Unlock()
	earlier = q.running[l.job.ID]
	q.running[l.job.ID] = l
	return earlier
}

func (q *Queue) leave(l *lease) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running[l.job.ID] == l {
		delete(q.running, l.job.ID)
	}
	close(l.done)
}

type jobKey struct{}

// Within reports whether ctx is that of a job's call.
func Within(ctx context.Context) bool { return ctx.Value(jobKey{}) != nil }

// attempt makes sure that the job has a stored answer.
func (q *Queue) attempt(ctx context.Context, m model.LLM, l *lease) error {
	if l.answer != nil {
		return nil
	}
	left := l.remaining()
	if left <= 0 {
		return ErrExpired
	}
	if l.job.Attempts > l.job.MaxAttempts {
		return errors.New("jobs: no attempt is left: " + cmp.Or(l.job.Error, "the workers died"))
	}
	p, err := q.unsealPayload(l.payload)
	if err != nil {
		return err
	}
	l.called = true
	callCtx, cancel := context.WithTimeoutCause(call.With(caller.Deferred(context.WithValue(ctx, jobKey{}, l.job.ID)), p.Caller), left, ErrExpired)
	defer cancel()
	var resp *model.LLMResponse
	err = contain("the model", func() (err error) { resp, err = answer(callCtx, m, p.request(m.Name())); return err })
	if err != nil {
		if errors.Is(context.Cause(callCtx), ErrExpired) {
			return ErrExpired
		}
		return err
	}
	stored, err := q.seal(resp)
	if err != nil {
		return err
	}
	l.answer, l.job.Answered = stored, true
	return q.endure(ctx, left, func(ctx context.Context) error {
		return q.set(ctx, l, "answer = ?3, error = '', kind = ''", func(int64) []any { return []any{stored} }, nil)
	})
}

// answer makes one call and returns the whole answer.
func answer(ctx context.Context, m model.LLM, req *model.LLMRequest) (whole *model.LLMResponse, err error) {
	var sent []*model.LLMResponse
	for resp, err := range m.GenerateContent(ctx, req, false) {
		if err != nil {
			return nil, err
		}
		sent = append(sent, resp)
	}
	whole = request.Whole(sent)
	if whole == nil || whole.Content == nil || len(whole.Content.Parts) == 0 {
		return nil, errors.New("jobs: the model gave no answer")
	}
	if md, _ := call.ReadResponse(whole); md.Degraded != "" {
		called := slices.ContainsFunc(md.Attempts, func(a call.Attempt) bool { return a.Outcome == call.Failed })
		return nil, &degradedError{name: md.Degraded, called: called}
	}
	for _, part := range whole.Content.Parts {
		if part != nil && part.FunctionCall != nil {
			return nil, errors.New("jobs: the model called a function although it was told not to")
		}
	}
	return whole, nil
}

// deliver passes the stored answer on and ends the job.
func (q *Queue) deliver(ctx context.Context, l *lease) error {
	d := Delivery{Job: l.job, Response: &model.LLMResponse{}}
	p, err := q.unsealPayload(l.payload)
	if err != nil {
		return err
	}
	if _, err := q.unseal(l.answer, d.Response); err != nil {
		return err
	}
	d.Caller = p.Caller
	if q.config.Sessions != nil && p.Caller.Session != "" {
		// From here on no other worker appends the event, unless this one is frozen for
		// a whole lease; see appendEvent.
		if err := q.renew(ctx, l); err != nil {
			return err
		}
		patient := l.remaining() > 0 // else the answer would be lost
		if err := contain("Config.Sessions", func() error { return q.appendEvent(ctx, d, patient) }); err != nil {
			return &undeliveredError{err}
		}
	}
	err = q.set(ctx, l, "state = 'done', due_at = NULL, ended_at = ?3, payload = NULL, answer = NULL, error = '', kind = ''", func(now int64) []any { return []any{now} },
		func(c *conn) error {
			if q.config.Deliver == nil {
				return nil
			}
			if err := contain("Config.Deliver", func() error { return q.config.Deliver(ctx, c, d) }); err != nil {
				return &undeliveredError{err}
			}
			return nil
		})
	if err != nil {
		return err
	}
	l.job.State, l.job.Error, l.job.Kind = Done, "", ""
	q.ended(ctx, l.job)
	return nil
}
