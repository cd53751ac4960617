package jobs

import (
	"context"
	"errors"
	"maps"
	"time"

	"google.golang.org/adk/v2/session"
)

// Keys of CustomMetadata. Their values are job ids.
const (
	KeyJob    = "fallback_job"        // on the short answer of a deferred call
	KeyAnswer = "fallback_job_answer" // on the event that brings the full answer
)

// quiet is how long a session must have been still, if its last event does not end a
// turn, until its turn is taken for dead.
const quiet = time.Minute

// errBusy: a turn of the session is under way. An event in the middle of it would stand
// between a tool's call and its result, and a database session service would refuse the
// turn's next event as stale.
var errBusy = errors.New("jobs: a turn of the session is under way")

// appendEvent appends the answer to the session that it is meant for, once. The event has
// the job's id: a worker that repeats the delivery of a dead one finds it. A worker that
// was frozen between its look and its append is refused by a database session service,
// which knows the id or finds the frozen worker's view of the session stale.
//
// If patient, it does not append in the middle of a turn.
func (q *Queue) appendEvent(ctx context.Context, d Delivery, patient bool) (err error) {
	for range 3 { // the session may change between Get and AppendEvent
		var got *session.GetResponse
		// It gets all events: after Retry, the event of an earlier delivery may be old.
		got, err = q.config.Sessions.Get(ctx, &session.GetRequest{AppName: d.Caller.App, UserID: d.Caller.User, SessionID: d.Caller.Session})
		if err != nil {
			return err
		}
		delivered, busy := look(got.Session.Events(), d.Job.ID)
		if delivered {
			return nil
		}
		if busy && patient {
			return errBusy
		}
		if err = q.config.Sessions.AppendEvent(ctx, got.Session, event(d)); err == nil {
			return nil
		}
	}
	return err
}

// look reports whether the answer of a job is among events, and whether a turn is under
// way after the last of them.
func look(events session.Events, id string) (delivered, busy bool) {
	var last *session.Event
	for event := range events.All() {
		if event.ID == id || event.CustomMetadata[KeyAnswer] == id {
			return true, false
		}
		last = event
	}
	return false, last != nil && (last.Author == "user" || !last.IsFinalResponse()) && time.Since(last.Timestamp) < quiet
}

func event(d Delivery) *session.Event {
	e := &session.Event{
		LLMResponse: *d.Response, ID: d.Job.ID, Timestamp: time.Now(),
		InvocationID: d.Caller.Invocation, Branch: d.Caller.Branch, Author: d.Caller.Agent,
		Actions: session.EventActions{StateDelta: map[string]any{}, ArtifactDelta: map[string]int64{}},
	}
	e.TurnComplete = true
	e.CustomMetadata = maps.Clone(e.CustomMetadata)
	if e.CustomMetadata == nil {
		e.CustomMetadata = map[string]any{}
	}
	e.CustomMetadata[KeyAnswer] = d.Job.ID
	return e
}
