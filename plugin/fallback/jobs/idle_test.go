package jobs_test

import (
	"context"
	"database/sql"
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
}

func (t *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.statements = append(t.statements, data.SQL)
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

// A worker without jobs sends two statements for each look at the queue, neither of which
// locks anything, and looks no more often than Poll says.
func TestIdleWorkerHardlyUsesTheDatabase(t *testing.T) {
	const poll, look = 10 * time.Millisecond, "SELECT min(due_at)"
	check := func(t *testing.T, q *jobs.Queue, statements func() []string) {
		began := time.Now()
		before := len(statements())
		run(t, q, paris)
		var since []string
		looks := 0
		until(t, "20 looks", func() bool {
			since, looks = statements()[before:], 0
			for _, statement := range since {
				if strings.HasPrefix(statement, look) {
					looks++
				}
			}
			return looks > 20
		})
		if most := int(time.Since(began)/poll) + 1; looks > most {
			t.Errorf("%d looks, want at most %d", looks, most)
		}
		const other = 12 // the first sweep, LISTEN, and a look under way
		if len(since) > 2*looks+other {
			t.Errorf("%d statements for %d looks, want two each:\n%s", len(since), looks, strings.Join(since, "\n"))
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		d := strain(t, "sqlite-idle")
		q := inFile(t).open(t, jobs.Config{Driver: "sqlite-idle", Poll: poll})
		check(t, q, d.all)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		p, kept := traced(t, newPlace(t, &place{dsn: postgres.DSN(t)}))
		check(t, p.open(t, jobs.Config{Poll: poll}), kept.all)
	})
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
