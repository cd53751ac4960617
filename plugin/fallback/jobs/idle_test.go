package jobs_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// tracer keeps the statements of PostgreSQL connections.
type tracer struct {
	mu         sync.Mutex
	statements []string
	before     func(statement string) // called before a statement is sent; guarded by mu
}

func (t *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.mu.Lock()
	t.statements = append(t.statements, data.SQL)
	before := t.before
	t.mu.Unlock()
	if before != nil {
		before(data.SQL)
	}
	return ctx
}

func (t *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (t *tracer) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.statements
}

// traced returns the place with another connection pool, whose statements are kept.
func traced(t *testing.T, p *place) (*place, *tracer) {
	t.Helper()
	config, err := pgx.ParseConfig(p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	kept := &tracer{}
	config.Tracer = kept
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return &place{dsn: p.dsn, db: db}, kept
}

// looks returns how often a worker has looked at the queue.
func looks(statements []string) (n int) {
	for _, statement := range statements {
		if strings.HasPrefix(statement, "SELECT min(due_at)") {
			n++
		}
	}
	return n
}

// A worker without jobs sends two statements for each look at the queue, neither of which
// locks anything, and looks no more often than Poll says, or a tenth as often while it is
// notified of jobs.
func TestIdleWorkerHardlyUsesTheDatabase(t *testing.T) {
	const poll = 10 * time.Millisecond
	check := func(t *testing.T, q *jobs.Queue, statements func() []string, ready <-chan struct{}, every time.Duration) {
		run(t, q, paris)
		<-ready
		began := time.Now()
		before := len(statements())
		var since []string
		until(t, "10 looks", func() bool { since = statements()[before:]; return looks(since) > 10 })
		n := looks(since)
		if most := int(time.Since(began)/every) + 3; n > most { // the first, that after LISTEN, and one under way
			t.Errorf("%d looks in %v, want at most %d", n, time.Since(began), most)
		}
		const other = 12 // the first sweep, and a look under way
		if len(since) > 2*n+other {
			t.Errorf("%d statements for %d looks, want two each:\n%s", len(since), n, strings.Join(since, "\n"))
		}
	}
	ready := make(chan struct{})
	close(ready)
	t.Run("SQLite", func(t *testing.T) {
		d := strain(t, "sqlite-idle")
		q := inFile(t).open(t, jobs.Config{Driver: "sqlite-idle", Poll: poll})
		check(t, q, d.all, ready, poll)
	})
	t.Run("PostgreSQL without Wait", func(t *testing.T) {
		p, kept := traced(t, newPlace(t, &place{dsn: postgres.DSN(t)}))
		q, err := jobs.Open(t.Context(), jobs.Config{DB: p.db, Poll: poll})
		if err != nil {
			t.Fatal(err)
		}
		check(t, q, kept.all, ready, poll)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		p, kept := traced(t, newPlace(t, &place{dsn: postgres.DSN(t)}))
		config := p.config(jobs.Config{Poll: poll})
		listening := make(chan struct{})
		config.Wait = func(ctx context.Context, conn any) error {
			close(listening) // once: nothing is notified
			return wait(ctx, conn)
		}
		q, err := jobs.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		check(t, q, kept.all, listening, 10*poll)
	})
}

// A worker that is not notified any more looks as often as Poll says, also while it tries
// in vain to listen again.
func TestWorkerThatIsNotNotifiedPolls(t *testing.T) {
	const poll = 200 * time.Millisecond
	p, kept := traced(t, newPlace(t, &place{dsn: postgres.DSN(t)}))
	config := p.config(jobs.Config{Poll: poll})
	listening, lost := make(chan struct{}), make(chan struct{})
	config.Wait = func(context.Context, any) error {
		select {
		case <-lost:
		default:
			close(listening)
			<-lost
		}
		return errors.New("the connection is lost")
	}
	q, err := jobs.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	again, release := make(chan struct{}), make(chan struct{})
	run(t, q, paris)
	defer close(release)
	<-listening
	kept.mu.Lock()
	kept.before = func(statement string) {
		if strings.HasPrefix(statement, "LISTEN") {
			select {
			case again <- struct{}{}:
			case <-release:
			}
			<-release
		}
	}
	kept.mu.Unlock()
	close(lost)
	<-again
	began, before := time.Now(), looks(kept.all())
	until(t, "5 looks", func() bool { return looks(kept.all()) >= before+5 })
	if took := time.Since(began); took > 25*poll { // 40 if it took itself to be notified
		t.Errorf("5 looks took %v, want one in %v", took, poll)
	}
}

// BenchmarkIdle measures the CPU time of a worker without jobs and with the default Poll, of which the
// driver's and the runtime's are a part. PostgreSQL's own is not.
//
//	go test -run '^$' -bench Idle ./plugin/fallback/jobs
func BenchmarkIdle(b *testing.B) {
	measure := func(b *testing.B, config jobs.Config) {
		q, err := jobs.Open(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		defer q.Close()
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx, paris) }() // ends with ctx
		var spent time.Duration
		for b.Loop() {
			before := cpu(b)
			time.Sleep(2 * time.Second) // what is measured
			spent += cpu(b) - before
		}
		b.ReportMetric(float64(spent.Microseconds())/2/float64(b.N), "cpu-µs/s")
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
	b.Run("SQLite", func(b *testing.B) { measure(b, jobs.Config{File: b.TempDir() + "/jobs.db"}) })
	b.Run("PostgreSQL", func(b *testing.B) {
		db, err := sql.Open("pgx", postgres.DSN(b))
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		measure(b, jobs.Config{DB: db, Wait: wait})
	})
}

// cpu returns the CPU time of this process.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
