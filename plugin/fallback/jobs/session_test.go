package jobs_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
	"google.golang.org/adk/v2/session/database"
	"google.golang.org/genai"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

var ada = call.Info{App: "shop", User: "ada", Session: "s1", Agent: "clerk", Branch: "root.clerk", Invocation: "i1", Tenant: "acme"}

// sessionsIn returns ADK's database service on a SQLite file that processes share.
func sessionsIn(t testing.TB, file string) session.Service {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	service, err := newSessions(db)
	if err == nil {
		err = database.AutoMigrate(service)
	}
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func newSessions(db *sql.DB) (session.Service, error) {
	return database.NewSessionService(&sqlite.Dialector{Conn: db}, &gorm.Config{Logger: logger.Discard})
}

// services returns ADK's session services with a session each.
func services(t *testing.T) map[string]session.Service {
	t.Helper()
	stored := sessionsIn(t, filepath.Join(t.TempDir(), "sessions.db"))
	services := map[string]session.Service{"in memory": session.InMemoryService(), "database": stored}
	for _, service := range services {
		if _, err := service.Create(t.Context(), &session.CreateRequest{AppName: "shop", UserID: "ada", SessionID: "s1"}); err != nil {
			t.Fatal(err)
		}
	}
	return services
}

func open(t *testing.T, service session.Service) session.Session {
	t.Helper()
	got, err := service.Get(t.Context(), &session.GetRequest{AppName: "shop", UserID: "ada", SessionID: "s1"})
	if err != nil {
		t.Fatal(err)
	}
	return got.Session
}

// add appends an event of a turn.
func add(t *testing.T, service session.Service, author, text string, at time.Time) {
	t.Helper()
	role := genai.Role(genai.RoleModel)
	if author == "user" {
		role = genai.RoleUser
	}
	event := session.NewEvent(t.Context(), "i1")
	event.Author, event.Timestamp, event.Content = author, at, genai.NewContentFromText(text, role)
	if err := service.AppendEvent(t.Context(), open(t, service), event); err != nil {
		t.Fatal(err)
	}
}

func history(t *testing.T, service session.Service) (texts []string) {
	t.Helper()
	for event := range open(t, service).Events().All() {
		texts = append(texts, llmtest.TextOf(event.Content))
	}
	return texts
}

func enqueueFor(t *testing.T, q *jobs.Queue, info call.Info) string {
	t.Helper()
	id, err := q.Enqueue(call.With(t.Context(), info), jobs.Request{LLM: say("hi")})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The answer is an event of the deferring agent, with the metadata of its own call. A
// delivery that is repeated leaves no second one. B143
func TestAnswerBecomesAnEvent(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		for name, service := range services(t) {
			b := box{fail: errors.New("after the event")}
			q := p.open(t, jobs.Config{Sessions: service, Deliver: b.deliver})
			id := enqueueFor(t, q, ada)
			m := llmtest.NewModel("pro", llmtest.Respond(func() *model.LLMResponse {
				return &model.LLMResponse{Content: genai.NewContentFromText("Paris.", genai.RoleModel), FinishReason: genai.FinishReasonStop, CustomMetadata: map[string]any{"model_name": "pro"}}
			}))
			step(t, q, m)
			b.fail = nil
			p.pass(t, jobs.DefaultMaxBackoff)
			step(t, q, m)
			events := open(t, service).Events()
			if events.Len() != 1 {
				t.Fatalf("%s: %d events, want 1", name, events.Len())
			}
			e := events.At(0)
			if e.ID != id || e.Author != "clerk" || e.Branch != "root.clerk" || e.InvocationID != "i1" || llmtest.TextOf(e.Content) != "Paris." ||
				e.CustomMetadata[jobs.KeyAnswer] != id || e.CustomMetadata["model_name"] != "pro" || !e.IsFinalResponse() {
				t.Errorf("%s: event %+v", name, e)
			}
			if len(b.texts()) != 1 {
				t.Errorf("%s: delivered %q to the application too, want one answer", name, b.texts())
			}
		}
	})
}

// frozen is a session service whose caller freezes before it appends.
type frozen struct {
	session.Service
	meanwhile func()
}

func (f *frozen) AppendEvent(ctx context.Context, s session.Session, e *session.Event) error {
	if meanwhile := f.meanwhile; meanwhile != nil {
		f.meanwhile = nil
		meanwhile()
	}
	return f.Service.AppendEvent(ctx, s, e)
}

// A worker that freezes between its look at the session and its append, while another one
// delivers, adds no second answer to a database session. B143
func TestFrozenInTheDelivery(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		service := services(t)["database"]
		fast := p.open(t, jobs.Config{Sessions: service})
		slow := p.open(t, jobs.Config{Sessions: &frozen{service, func() {
			p.pass(t, jobs.DefaultLease)
			step(t, fast, paris)
		}}})
		id := enqueueFor(t, slow, ada)
		step(t, slow, paris)
		if got := history(t, service); len(got) != 1 {
			t.Errorf("history %q, want one answer", got)
		}
		if job := get(t, fast, id); job.State != jobs.Done {
			t.Errorf("job %+v, want it done", job)
		}
	})
}

// A worker that has lost its job, to another one or to Cancel, adds nothing to the session,
// also where the other one has not delivered yet. B143
func TestLateWorkerAddsNoEvent(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		for name, service := range services(t) {
			for what, test := range map[string]struct {
				meanwhile func(q *jobs.Queue, id string) error
				want      error
			}{
				"taken":     {func(q *jobs.Queue, _ string) error { _, _, err := q.Abandon(t.Context(), paris); return err }, jobs.ErrLeaseLost},
				"cancelled": {func(q *jobs.Queue, id string) error { return q.Cancel(t.Context(), id) }, jobs.ErrCancelled},
			} {
				slow, fast := p.open(t, jobs.Config{Sessions: service}), p.open(t, jobs.Config{Sessions: service})
				id := enqueueFor(t, slow, ada)
				_, comeBack, err := slow.Abandon(t.Context(), paris)
				if err != nil {
					t.Fatal(err)
				}
				p.pass(t, jobs.DefaultLease)
				if err := test.meanwhile(fast, id); err != nil {
					t.Fatal(err)
				}
				if err := comeBack(); !errors.Is(err, test.want) {
					t.Errorf("%s, %s: late delivery: %v, want %v", name, what, err, test.want)
				}
				if got := history(t, service); len(got) > 0 {
					t.Errorf("%s, %s: history %q, want nothing", name, what, got)
				}
				p.exec(t, "DELETE FROM fallback_jobs")
			}
		}
	})
}

// deaf is a session service whose first append goes on although its context has ended, until
// another one reads the session or it is tired of waiting for that.
type deaf struct {
	session.Service
	appends atomic.Int32
	inside  chan struct{} // closed inside the first append
	read    chan struct{} // gets one for each Get after that
}

func (d *deaf) Get(ctx context.Context, req *session.GetRequest) (*session.GetResponse, error) {
	if d.appends.Load() > 0 {
		d.read <- struct{}{}
	}
	return d.Service.Get(ctx, req)
}

func (d *deaf) AppendEvent(ctx context.Context, s session.Session, e *session.Event) error {
	if d.appends.Add(1) == 1 {
		close(d.inside)
		<-ctx.Done()
		select {
		case <-d.read:
		case <-time.After(200 * time.Millisecond): // nobody has, as it should be
		}
	}
	return d.Service.AppendEvent(context.WithoutCancel(ctx), s, e)
}

// A process that gets a job again which it has lost waits until its first delivery has
// returned, and finds the event. The in-memory service would take a second one. B143
func TestWorkerWaitsForItsEarlierSelf(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		service := &deaf{Service: services(t)["in memory"], inside: make(chan struct{}), read: make(chan struct{}, 8)}
		const lease = time.Hour // no heartbeat ends the first delivery
		q := p.open(t, jobs.Config{Sessions: service, Workers: 2, Poll: 10 * time.Millisecond, Lease: lease})
		id := enqueueFor(t, q, ada)
		m := llmtest.NewModel("pro", llmtest.Text("Paris."))
		run(t, q, m)
		<-service.inside
		p.pass(t, lease)
		until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
		if got := history(t, service.Service); len(got) != 1 || len(m.Requests()) != 1 {
			t.Errorf("history %q after %d calls, want one answer of one", got, len(m.Requests()))
		}
	})
}

// stale is a session service that refuses some appends, as ADK's database service does when
// the session has changed since it was read.
type stale struct {
	session.Service
	refusals int
	appends  int
}

func (s *stale) AppendEvent(ctx context.Context, of session.Session, e *session.Event) error {
	if s.appends++; s.appends <= s.refusals {
		return errors.New("stale session error")
	}
	return s.Service.AppendEvent(ctx, of, e)
}

// A session that changes while the answer is appended is read again, a few times; then the
// delivery is repeated later, without another call.
func TestChangedSessionIsReadAgain(t *testing.T) {
	for _, test := range []struct {
		refusals, steps int
	}{{0, 1}, {2, 1}, {3, 2}, {7, 3}} {
		p := inFile(t)
		service := &stale{Service: services(t)["in memory"], refusals: test.refusals}
		q := p.open(t, jobs.Config{Sessions: service, MaxAttempts: 1})
		id := enqueueFor(t, q, ada)
		m := llmtest.NewModel("pro", llmtest.Text("Paris."))
		for i := range test.steps {
			if job := get(t, q, id); job.State != jobs.Pending || i > 0 && (!job.Answered || job.Kind != "undelivered") {
				t.Errorf("%d refusals, step %d: job %+v, want it pending", test.refusals, i, job)
			}
			step(t, q, m)
			p.pass(t, jobs.DefaultMaxBackoff)
		}
		if job := get(t, q, id); job.State != jobs.Done || service.appends != test.refusals+1 || len(m.Requests()) != 1 {
			t.Errorf("%d refusals: job %+v after %d appends and %d calls, want it done", test.refusals, job, service.appends, len(m.Requests()))
		}
		if got := history(t, service.Service); len(got) != 1 {
			t.Errorf("%d refusals: history %q, want one answer", test.refusals, got)
		}
	}
}

// An answer waits for the end of the session's turn, unless the turn is dead or the job
// has expired.
func TestAnswerWaitsForTheTurn(t *testing.T) {
	p := inFile(t)
	for name, service := range services(t) {
		q := p.open(t, jobs.Config{Sessions: service, MaxAttempts: 1})
		now := time.Now()
		first := enqueueFor(t, q, ada)
		add(t, service, "user", "question", now)
		for range 3 {
			step(t, q, paris)
			if job := get(t, q, first); job.State != jobs.Pending || time.Until(job.Due) > time.Second {
				t.Fatalf("%s: job %+v, want it pending for a second", name, job)
			}
			p.pass(t, time.Second)
		}
		add(t, service, "clerk", "short answer", time.Now())
		step(t, q, paris)

		add(t, service, "user", "a turn that died", time.Now())
		second := enqueueFor(t, q, ada)
		step(t, q, paris) // answered, but the turn may be alive
		p.exec(t, "UPDATE fallback_jobs SET expires_at = created_at, due_at = created_at WHERE id = '"+second+"'")
		step(t, q, paris)
		for _, id := range []string{first, second} {
			if job := get(t, q, id); job.State != jobs.Done {
				t.Errorf("%s: job %+v, want it done", name, job)
			}
		}
		want := []string{"question", "short answer", "Paris.", "a turn that died", "Paris."}
		if got := history(t, service); len(got) != 5 || got[2] != want[2] || got[4] != want[4] {
			t.Errorf("%s: history %q, want %q", name, got, want)
		}
	}
}

func TestDeadTurnIsNotWaitedFor(t *testing.T) {
	for name, service := range services(t) {
		q := inFile(t).open(t, jobs.Config{Sessions: service})
		add(t, service, "user", "question", time.Now().Add(-2*time.Minute))
		id := enqueueFor(t, q, ada)
		step(t, q, paris)
		if job := get(t, q, id); job.State != jobs.Done {
			t.Errorf("%s: job %+v, want it done", name, job)
		}
	}
}

// A session that is gone, or a service that fails, keeps the answer until the job expires.
func TestSessionServiceThatFails(t *testing.T) {
	p := inFile(t)
	for name, service := range map[string]session.Service{"no such session": session.InMemoryService(), "panics": (*frozen)(nil)} {
		q := p.open(t, jobs.Config{Sessions: service})
		id := enqueueFor(t, q, ada)
		m := llmtest.NewModel("pro", llmtest.Text("Paris."))
		step(t, q, m)
		p.pass(t, jobs.DefaultMaxBackoff)
		step(t, q, m)
		if job := get(t, q, id); job.State != jobs.Pending || !job.Answered || job.Error == "" || len(m.Requests()) != 1 {
			t.Errorf("%s: job %+v after %d calls, want it answered by one and pending", name, job, len(m.Requests()))
		}
		p.pass(t, 24*time.Hour)
		step(t, q, m)
		if job := get(t, q, id); job.State != jobs.Failed {
			t.Errorf("%s: job %+v, want it failed", name, job)
		}
	}
	q := p.open(t, jobs.Config{Sessions: session.InMemoryService()})
	id := enqueueFor(t, q, call.Info{Tenant: "acme"}) // not from ADK
	step(t, q, paris)
	if job := get(t, q, id); job.State != jobs.Done {
		t.Errorf("job %+v of a caller without a session, want it done", job)
	}
}
