package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// aged is a session service whose events were appended three hours ago.
type aged struct{ session.Service }

func (a aged) AppendEvent(ctx context.Context, s session.Session, e *session.Event) error {
	e.Timestamp = e.Timestamp.Add(-3 * time.Hour)
	return a.Service.AppendEvent(ctx, s, e)
}

// A job that failed between the event and the end of its delivery is delivered by a retry
// hours later, and the session has one event. B143
func TestRetryFindsTheEvent(t *testing.T) {
	for name, service := range services(t) {
		p := inFile(t)
		b := box{fail: errors.New("mailbox full")}
		q := p.open(t, jobs.Config{Sessions: aged{service}, Deliver: b.deliver})
		id := enqueueFor(t, q, ada)
		step(t, q, paris)
		p.pass(t, jobs.DefaultExpiry)
		step(t, q, paris)
		if job := get(t, q, id); job.State != jobs.Failed {
			t.Fatalf("%s: job %+v, want it failed", name, job)
		}
		b.fail = nil
		if err := q.Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		step(t, q, paris)
		if job := get(t, q, id); job.State != jobs.Done || len(b.texts()) != 1 {
			t.Errorf("%s: job %+v with %d deliveries to the application, want it done after one", name, job, len(b.texts()))
		}
		if n := open(t, service).Events().Len(); n != 1 {
			t.Errorf("%s: %d events, want 1", name, n)
		}
	}
}

// Attempts counts calls. A worker that ends an expired job does not add one.
func TestEndWithoutACallIsNoAttempt(t *testing.T) {
	p := inFile(t)
	q := p.open(t, jobs.Config{})
	id := enqueue(t, q, "acme", "hi")
	step(t, q, llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrUnavailable)))
	p.pass(t, jobs.DefaultExpiry)
	step(t, q, paris)
	if job := get(t, q, id); job.State != jobs.Failed || job.Attempts != 1 {
		t.Errorf("job %+v, want it failed after 1 attempt", job)
	}
}

// Whole numbers above 2⁵³ in the conversation, such as ids of 64 bits, reach the model as they were.
func TestLongNumbersStayExact(t *testing.T) {
	q := inFile(t).open(t, jobs.Config{})
	const order = json.Number("9007199254740993")
	enqueue(t, q, "acme", "hi", func(r *jobs.Request) {
		r.LLM.Contents = append(r.LLM.Contents,
			&genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "ship", Args: map[string]any{"order": order}}}}},
			&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "ship", Response: map[string]any{"order": order}}}}})
	})
	m := llmtest.NewModel("pro", llmtest.Text("Paris."))
	step(t, q, m)
	contents := m.Requests()[0].Contents
	if got := contents[1].Parts[0].FunctionCall.Args["order"]; got != order {
		t.Errorf("argument %v (%[1]T), want %s", got, order)
	}
	if got := contents[2].Parts[0].FunctionResponse.Response["order"]; got != order {
		t.Errorf("response %v (%[1]T), want %s", got, order)
	}
}

// A clock that is set back does not stop a tenant that has no rate.
func TestClockThatIsSetBack(t *testing.T) {
	p := inFile(t)
	q := p.open(t, jobs.Config{})
	enqueue(t, q, "acme", "hi")
	step(t, q, paris)
	p.pass(t, -time.Hour) // the stored times are an hour ahead of the clock
	enqueue(t, q, "acme", "hi")
	step(t, q, paris)
}

// OnEnd gets a job that is done as Get returns it, with Answered set.
func TestOnEndSaysThatTheModelHasAnswered(t *testing.T) {
	var ended []jobs.Job
	q := inFile(t).open(t, jobs.Config{OnEnd: func(_ context.Context, job jobs.Job) { ended = append(ended, job) }})
	id := enqueue(t, q, "acme", "hi")
	step(t, q, paris)
	if len(ended) != 1 || ended[0].ID != id || !ended[0].Answered {
		t.Errorf("ended jobs %+v, want one that is answered", ended)
	}
}
