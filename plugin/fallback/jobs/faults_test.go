package jobs_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// strained is a SQLite driver each of whose connections begins with a pragma of the test. It
// keeps the statements.
type strained struct {
	driver.Driver
	pragma atomic.Value

	mu         sync.Mutex
	statements []string
}

func (s *strained) Open(name string) (driver.Conn, error) {
	conn, err := s.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	_, err = conn.(driver.ExecerContext).ExecContext(context.Background(), s.pragma.Load().(string), nil)
	return &strainedConn{conn, s}, err
}

func (s *strained) note(statement string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = append(s.statements, statement)
}

func (s *strained) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statements
}

// count returns the number of statements that begin with prefix.
func (s *strained) count(prefix string) (n int) {
	for _, statement := range s.all() {
		if strings.HasPrefix(statement, prefix) {
			n++
		}
	}
	return n
}

// last returns which of the prefixes the latest statement that has one of them begins with.
func (s *strained) last(prefixes ...string) string {
	for _, statement := range slices.Backward(s.all()) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(statement, prefix) {
				return prefix
			}
		}
	}
	return ""
}

// await waits for a statement that begins with prefix.
func (s *strained) await(t *testing.T, prefix string) {
	t.Helper()
	before := s.count(prefix)
	until(t, prefix, func() bool { return s.count(prefix) > before })
}

// strainedConn passes on what the queue uses of a connection.
type strainedConn struct {
	driver.Conn
	of *strained
}

func (c *strainedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.of.note(query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *strainedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.of.note(query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

// strain registers a driver of that name, with an empty pragma.
func strain(t *testing.T, name string) *strained {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &strained{Driver: db.Driver()}
	s.pragma.Store("SELECT 1")
	sql.Register(name, s)
	return s
}

// A full disk: new jobs are refused, and an answer that was paid for is stored when there
// is room again.
func TestFullDisk(t *testing.T) {
	d := strain(t, "sqlite-full")
	p := inFile(t)
	q := p.open(t, jobs.Config{Driver: "sqlite-full", Poll: 20 * time.Millisecond})
	b := newBlocking()
	m := llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		b.started <- ctx
		<-b.finish
		yield(&model.LLMResponse{Content: genai.NewContentFromText(strings.Repeat("Paris. ", 20_000), genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	})
	id := enqueue(t, q, "acme", "hi")
	run(t, q, m)
	<-b.started
	d.pragma.Store("PRAGMA max_page_count = 1") // before Close: the worker opens the file again
	_ = q.Close()                               // all connections: the next ones find the disk full
	_, err := q.Enqueue(t.Context(), jobs.Request{LLM: say(strings.Repeat("long ", 20_000))})
	if err == nil || !strings.HasPrefix(err.Error(), "jobs: ") || !strings.Contains(err.Error(), "full") {
		t.Errorf("Enqueue: error %v, want one that says that the disk is full", err)
	}
	close(b.finish)
	d.await(t, "UPDATE fallback_jobs SET answer") // the answer has met the full disk
	if job := get(t, q, id); job.State != jobs.Running {
		t.Errorf("job %+v, want it running until the answer is stored", job)
	}
	d.pragma.Store("SELECT 1")
	until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
	if n := len(m.Requests()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestReadOnlyFile(t *testing.T) {
	d := strain(t, "sqlite-readonly")
	d.pragma.Store("PRAGMA query_only = 1")
	p := inFile(t)
	fails := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "jobs: ") || !strings.Contains(err.Error(), "readonly") {
			t.Errorf("%s: error %v, want one that says readonly", what, err)
		}
	}
	_, err := jobs.Open(t.Context(), p.config(jobs.Config{Driver: "sqlite-readonly"}))
	fails("Open of a new file", err)
	d.pragma.Store("SELECT 1")
	q := p.open(t, jobs.Config{Driver: "sqlite-readonly", Poll: 20 * time.Millisecond})
	run(t, q, paris)
	d.pragma.Store("PRAGMA query_only = 1") // before Close: the worker opens the file again
	_ = q.Close()
	_, err = q.Enqueue(t.Context(), jobs.Request{LLM: say("hi")})
	fails("Enqueue", err)
	d.pragma.Store("SELECT 1")
	var id string
	until(t, "the queue takes jobs again", func() bool {
		id, err = q.Enqueue(t.Context(), jobs.Request{LLM: say("hi")})
		return err == nil
	})
	until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
}

// Open waits while another process makes the file.
func TestLockedNewFile(t *testing.T) {
	p := inFile(t)
	lock, err := p.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = jobs.Open(ctx, p.config(jobs.Config{}))
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "locked by another process") || took > 4*time.Second {
		t.Errorf("error %v after %v, want one after 50ms that says who has the file", err, took)
	}
	time.AfterFunc(50*time.Millisecond, func() { _, _ = lock.ExecContext(context.WithoutCancel(t.Context()), "ROLLBACK") })
	enqueue(t, p.open(t, jobs.Config{}), "acme", "hi")
}

// A caller does not wait longer than its context says for a worker that is opening the
// file again, and meets a lock there.
func TestLockedFileThatIsOpenedAgain(t *testing.T) {
	d := strain(t, "sqlite-again")
	d.pragma.Store("PRAGMA busy_timeout") // needs no lock
	p := inFile(t)
	q := p.open(t, jobs.Config{Driver: "sqlite-again", Poll: 10 * time.Millisecond})
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(p.file + suffix)
	}
	lock, err := p.db.Conn(t.Context()) // makes a new file
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	run(t, q, paris)
	d.await(t, "PRAGMA journal_mode = WAL") // the worker is there, for 5s
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = q.Enqueue(ctx, jobs.Request{LLM: say("hi")})
	if took := time.Since(began); err == nil || !strings.HasPrefix(err.Error(), "jobs: the queue's file is being opened") || took > 4*time.Second {
		t.Errorf("error %v after %v, want one after 50ms", err, took)
	}
	if _, err := lock.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	id := enqueue(t, q, "acme", "hi")
	until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
}

// A file that another process keeps locked delays a caller as long as the caller's context
// says, and the worker goes on when the lock is gone.
func TestLockedFile(t *testing.T) {
	p := inFile(t)
	q := p.open(t, jobs.Config{Poll: 20 * time.Millisecond})
	run(t, q, paris)
	lock, err := p.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = q.Enqueue(ctx, jobs.Request{LLM: say("hi")})
	if took := time.Since(began); err == nil || !strings.HasPrefix(err.Error(), "jobs: ") || took > 4*time.Second {
		t.Errorf("Enqueue into a locked file: error %v after %v, want one after 100ms", err, took)
	}
	if _, err := lock.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	id := enqueue(t, q, "acme", "hi")
	until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
}

// A file that is deleted, or damaged and then moved away, is replaced by a new one while
// the worker runs.
func TestDeletedAndCorruptFile(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, p *place, q *jobs.Queue){
		"deleted": func(*testing.T, *place, *jobs.Queue) {},
		"corrupt": func(t *testing.T, p *place, q *jobs.Queue) {
			if err := os.WriteFile(p.file+".bad", []byte(strings.Repeat("not a database ", 10_000)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _ = os.Remove(p.file+"-wal"), os.Remove(p.file+"-shm")
			if err := os.Rename(p.file+".bad", p.file); err != nil {
				t.Fatal(err)
			}
			for _, f := range []func() error{
				func() error { _, err := q.Enqueue(t.Context(), jobs.Request{LLM: say("hi")}); return err },
				func() error { _, err := jobs.Open(t.Context(), p.config(jobs.Config{})); return err },
			} {
				if err := f(); err == nil || !strings.HasPrefix(err.Error(), "jobs: ") || !strings.Contains(err.Error(), "not a database") {
					t.Errorf("error %v, want one that says that the file is not a database", err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := inFile(t)
			q := p.open(t, jobs.Config{Poll: 20 * time.Millisecond})
			stop := run(t, q, paris)
			id := enqueue(t, q, "acme", "hi")
			until(t, "the job is done", func() bool { return get(t, q, id).State == jobs.Done })
			damage(t, p, q)
			for _, suffix := range []string{"", "-wal", "-shm"} {
				_ = os.Remove(p.file + suffix)
			}
			id = enqueue(t, q, "acme", "hi")
			if _, err := os.Stat(p.file); err != nil {
				t.Error(err)
			}
			until(t, "the new file's job is done", func() bool { return get(t, q, id).State == jobs.Done })
			stop()
		})
	}
}

// A restart of PostgreSQL stops nothing for longer than it takes.
func TestPostgresRestart(t *testing.T) {
	p := newPlace(t, &place{dsn: postgres.DSN(t)})
	q := p.open(t, jobs.Config{Poll: time.Hour})
	b := newBlocking()
	run(t, q, b.model())
	before := enqueue(t, q, "acme", "hi")
	<-b.started
	postgres.Stop()
	if _, err := q.Enqueue(t.Context(), jobs.Request{LLM: say("hi")}); err == nil || !strings.HasPrefix(err.Error(), "jobs: ") {
		t.Errorf("Enqueue without a server: error %v", err)
	}
	close(b.finish) // the answer is there, but not the server
	if err := postgres.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the job from before is done", func() bool {
		job, err := q.Get(t.Context(), before)
		return err == nil && job.State == jobs.Done
	})
	other := p.open(t, jobs.Config{Poll: time.Hour})
	after := enqueue(t, other, "acme", "hi") // of another replica: the worker listens again
	until(t, "the job of afterwards is done", func() bool { return get(t, q, after).State == jobs.Done })
	if job := get(t, q, before); job.Attempts != 1 {
		t.Errorf("%d attempts, want 1", job.Attempts)
	}
}
