package degrade_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/memory"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// faultyQueue opens a queue in dir and does what goes wrong with it.
type faultyQueue func(t *testing.T, dir string) *jobs.Queue

// openIn opens a queue in dir.
func openIn(t *testing.T, dir string, config jobs.Config) *jobs.Queue {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	if config.DB == nil {
		config.File = filepath.Join(dir, "jobs.db")
	}
	queue, err := jobs.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queue.Close() })
	return queue
}

// openSQLite opens the file in dir with a pragma, as a queue that has been made before.
func openSQLite(t *testing.T, dir, pragma string) (*sql.DB, jobs.Config) {
	t.Helper()
	_ = openIn(t, dir, jobs.Config{}).Close()
	db, err := sql.Open("sqlite", filepath.Join(dir, "jobs.db")+"?_pragma="+pragma)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, jobs.Config{DB: db, Existing: true}
}

// lock keeps a file locked until the test ends.
func lock(t *testing.T, db *sql.DB) {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
}

// replace puts another file in the place of the queue's.
func replace(t *testing.T, dir, content string) {
	t.Helper()
	file := filepath.Join(dir, "jobs.db")
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Remove(file+"-wal"), os.Remove(file+"-shm")
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// faultyQueues are queues that fail, by what the record says of them.
var faultyQueues = map[string]faultyQueue{
	"file is not a database": func(t *testing.T, dir string) *jobs.Queue {
		queue := openIn(t, dir, jobs.Config{})
		replace(t, dir, strings.Repeat("no database ", 1000))
		return queue
	},
	"database is locked": func(t *testing.T, dir string) *jobs.Queue {
		db, config := openSQLite(t, dir, "cache_size(100)")
		queue := openIn(t, dir, config)
		lock(t, db)
		return queue
	},
	"locked by another process": func(t *testing.T, dir string) *jobs.Queue { // which makes a new file
		queue := openIn(t, dir, jobs.Config{})
		replace(t, dir, "")
		db, err := sql.Open("sqlite", filepath.Join(dir, "jobs.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		lock(t, db)
		return queue
	},
	"attempt to write a readonly database": func(t *testing.T, dir string) *jobs.Queue {
		_, config := openSQLite(t, dir, "query_only(1)")
		return openIn(t, dir, config)
	},
	"database or disk is full": func(t *testing.T, dir string) *jobs.Queue {
		_, config := openSQLite(t, dir, "max_page_count(1)")
		return openIn(t, dir, config)
	},
	"cannot be created: no such file or directory": func(t *testing.T, dir string) *jobs.Queue {
		queue := openIn(t, dir, jobs.Config{})
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		return queue
	},
	"not a regular file": func(t *testing.T, dir string) *jobs.Queue {
		queue := openIn(t, dir, jobs.Config{})
		file := filepath.Join(dir, "jobs.db")
		if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
			t.Fatal(err)
		}
		return queue
	},
	"database is closed": func(t *testing.T, dir string) *jobs.Queue {
		db, config := openSQLite(t, dir, "cache_size(100)")
		queue := openIn(t, dir, config)
		_ = db.Close()
		return queue
	},
	"no such table": func(t *testing.T, dir string) *jobs.Queue {
		db, config := openSQLite(t, dir, "cache_size(100)")
		queue := openIn(t, dir, config)
		if _, err := db.ExecContext(t.Context(), "DROP TABLE fallback_jobs"); err != nil {
			t.Fatal(err)
		}
		return queue
	},
	"Config.Codec panicked": func(t *testing.T, dir string) *jobs.Queue {
		return openIn(t, dir, jobs.Config{Codec: panickingCodec{}})
	},
}

type panickingCodec struct{}

func (panickingCodec) Seal(plain []byte) ([]byte, error)  { panic(string(plain)) }
func (panickingCodec) Open(sealed []byte) ([]byte, error) { panic(string(sealed)) }

// faultyMemory is a memory service that fails.
type faultyMemory struct {
	memory.Service
	search func(ctx context.Context, query string) (*memory.SearchResponse, error)
}

func (f faultyMemory) SearchMemory(ctx context.Context, req *memory.SearchRequest) (*memory.SearchResponse, error) {
	return f.search(ctx, req.Query)
}

// faultyMemories are searches that fail, by what the record says of them.
var faultyMemories = map[string]func(ctx context.Context, query string) (*memory.SearchResponse, error){
	"the search failed: 503": func(_ context.Context, query string) (*memory.SearchResponse, error) {
		return nil, genai.APIError{Code: 503, Status: "UNAVAILABLE", Message: query}
	},
	"the search failed: unknown": func(_ context.Context, query string) (*memory.SearchResponse, error) { return nil, errors.New(query) },
	"the search panicked":        func(_ context.Context, query string) (*memory.SearchResponse, error) { panic(query) },
	"the search took longer than 50ms": func(ctx context.Context, _ string) (*memory.SearchResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	},
	"it has found nothing": func(context.Context, string) (*memory.SearchResponse, error) { return nil, nil },
}

// A call whose primary is down goes on behind a queue and a memory that fail, soon; the
// record says why of each, and quotes nothing of the call. B87, B40
func TestFailingTiersPassTheCallOn(t *testing.T) {
	check := func(t *testing.T, reason string, tiers ...model.LLM) {
		t.Helper()
		m, err := router.NewFallback(router.Config{}, append(append([]model.LLM{down}, tiers...), degrade.Template("Sorry."))...)
		if err != nil {
			t.Fatal(err)
		}
		for _, streamed := range []bool{false, true} {
			began := time.Now()
			texts, md, err := ask(asUser(t.Context(), "ann"), m, question(strings.Repeat(secret+". ", 20_000)), streamed)
			if took := time.Since(began); err != nil || texts[len(texts)-1] != "Sorry." || md.Degraded != "template-response" || took > 4*time.Second {
				t.Errorf("%s: answer %.80q, degraded %q, error %v after %v", reason, texts, md.Degraded, err, took)
			}
			if len(md.Attempts) != 2+len(tiers) {
				t.Fatalf("%s: attempts %+v, want one of each target", reason, md.Attempts)
			}
			for i, a := range md.Attempts[1 : 1+len(tiers)] {
				if a.Model != tiers[i].Name() || a.Outcome != call.Skipped || !strings.Contains(reason, "; ") && !strings.Contains(a.Reason, reason) {
					t.Errorf("%s: attempt %+v, want it skipped with that reason", reason, a)
				}
			}
			if record := fmt.Sprintf("%+v", md); strings.Contains(record, secret) {
				t.Errorf("%s: the record quotes the call: %.600s", reason, record)
			}
		}
	}
	deferred := func(t *testing.T, reason string) model.LLM {
		timeout := 10 * time.Second // longer than a busy machine needs
		if strings.Contains(reason, "locked") {
			timeout = 100 * time.Millisecond
		}
		return degrade.MustDeferred(degrade.DeferredConfig{Queue: faultyQueues[reason](t, t.TempDir()), Timeout: timeout})
	}
	retrieval := func(search func(context.Context, string) (*memory.SearchResponse, error)) model.LLM {
		return degrade.MustRetrieval(degrade.RetrievalConfig{Memory: faultyMemory{search: search}, Timeout: 50 * time.Millisecond})
	}
	for reason := range faultyQueues {
		t.Run("queue: "+reason, func(t *testing.T) { check(t, reason, deferred(t, reason)) })
	}
	for reason, search := range faultyMemories {
		t.Run("memory: "+reason, func(t *testing.T) { check(t, reason, retrieval(search)) })
	}
	t.Run("both", func(t *testing.T) {
		check(t, "full; panicked", retrieval(faultyMemories["the search panicked"]), deferred(t, "database or disk is full"))
	})
}
