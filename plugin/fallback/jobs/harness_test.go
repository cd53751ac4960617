package jobs_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/sqlite" // registers "sqlite"
	"go.uber.org/goleak"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	code := m.Run()
	postgres.Remove()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// place is a database for one test.
type place struct {
	file string // SQLite
	dsn  string // PostgreSQL
	db   *sql.DB
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, p *place)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, inFile(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newPlace(t, &place{dsn: postgres.DSN(t)})) })
}

func inFile(t *testing.T) *place {
	t.Helper()
	return newPlace(t, &place{file: filepath.Join(t.TempDir(), "jobs.db")})
}

func newPlace(t *testing.T, p *place) *place {
	t.Helper()
	driver, dsn := "pgx", p.dsn
	if p.file != "" {
		driver, dsn = "sqlite", p.file+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p.db = db
	return p
}

// config returns c for the place.
func (p *place) config(c jobs.Config) jobs.Config {
	c.File = p.file
	if p.file == "" {
		c.DB, c.Wait = p.db, wait
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (p *place) open(t *testing.T, c jobs.Config) *jobs.Queue {
	t.Helper()
	q, err := jobs.Open(t.Context(), p.config(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

// exec changes the tables behind the queue's back.
func (p *place) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := p.db.ExecContext(context.WithoutCancel(t.Context()), query); err != nil {
		t.Fatal(err)
	}
}

// pass lets time pass for all jobs.
func (p *place) pass(t *testing.T, d time.Duration) {
	t.Helper()
	for table, columns := range map[string]string{"fallback_jobs": "created_at expires_at due_at ended_at", "fallback_tenants": "served_at next_at seen_at"} {
		var set []string
		for column := range strings.FieldsSeq(columns) {
			set = append(set, fmt.Sprintf("%s = %[1]s - %d", column, d.Microseconds()))
		}
		p.exec(t, "UPDATE "+table+" SET "+strings.Join(set, ", "))
	}
}

// run runs workers until the test ends or the function that it returns is called.
func run(t *testing.T, q *jobs.Queue, m model.LLM) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, m) }()
	stopped := false
	stop = func() {
		cancel()
		if !stopped {
			stopped = true
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

// until waits for a state that other goroutines or processes bring about.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within 20s: %s", what)
		}
	}
}

func say(text string) *model.LLMRequest {
	return &model.LLMRequest{Model: "flash", Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
}

func enqueue(t *testing.T, q *jobs.Queue, tenant, text string, change ...func(*jobs.Request)) string {
	t.Helper()
	r := jobs.Request{LLM: say(text)}
	for _, f := range change {
		f(&r)
	}
	id, err := q.Enqueue(call.With(t.Context(), call.Info{Tenant: tenant}), r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// step runs one job, which must be due.
func step(t *testing.T, q *jobs.Queue, m model.LLM) {
	t.Helper()
	if worked, err := q.Step(t.Context(), m); err != nil || !worked {
		t.Fatalf("Step = %v, %v; want a job", worked, err)
	}
}

func idle(t *testing.T, q *jobs.Queue, m model.LLM) {
	t.Helper()
	if worked, err := q.Step(t.Context(), m); err != nil || worked {
		t.Fatalf("Step = %v, %v; want no job", worked, err)
	}
}

func get(t *testing.T, q *jobs.Queue, id string) jobs.Job {
	t.Helper()
	job, err := q.Get(context.WithoutCancel(t.Context()), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// lastText is the last text of a request.
func lastText(req *model.LLMRequest) string { return req.Contents[len(req.Contents)-1].Parts[0].Text }
