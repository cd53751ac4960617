package main

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/pgtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// The address of a PostgreSQL queue is in the environment; a database without a queue gets none.
func TestJobsInPostgreSQL(t *testing.T) {
	var server pgtest.Server
	t.Cleanup(server.Remove)
	dsn := server.DSN(t)
	t.Setenv("JOBS_URL", dsn)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if out, err := run(t, "", "jobs", "list", "--postgres-env", "JOBS_URL"); exitStatus(err) != exitUsage || !strings.Contains(err.Error(), "has no queue of deferred calls") || out != "" {
		t.Errorf("without a queue: error %v, output %s", err, out)
	}
	var tables int
	if err := db.QueryRowContext(t.Context(), "SELECT count(to_regclass('fallback_schema'))").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables were made, error %v; want none", tables, err)
	}

	q, err := jobs.Open(t.Context(), jobs.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	req := &model.LLMRequest{Contents: genai.Text(prompt)}
	id, err := q.Enqueue(t.Context(), jobs.Request{LLM: req, Delay: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, want, state string }{
		{"list", id, "pending"}, {"cancel " + id, "cancelled " + id, "cancelled"}, {"retry --state cancelled", "retried " + id, "pending"},
	} {
		out, err := run(t, "", append([]string{"jobs", "--postgres-env", "JOBS_URL"}, strings.Fields(test.args)...)...)
		if err != nil || !strings.Contains(out, test.want) || strings.Contains(out, prompt) {
			t.Errorf("%s: error %v, output %s", test.args, err, out)
		}
		if job, err := q.Get(t.Context(), id); err != nil || string(job.State) != test.state {
			t.Errorf("%s: job %+v, error %v; want it %s", test.args, job, err, test.state)
		}
	}
}
