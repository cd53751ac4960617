package main

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// What is wrong is said, nothing is created, and nothing but the queue is changed.
func TestJobsBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good, _ := jobsFile(t)
	other := filepath.Join(dir, "orders.db")
	alter(t, other, "CREATE TABLE orders (id TEXT)")
	older := filepath.Join(dir, "older.db")
	alter(t, older, "CREATE TABLE fallback_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)", "INSERT INTO fallback_schema VALUES (1, 0)")
	noise, empty, missing := file("noise.db", strings.Repeat("no database ", 1000)), file("empty.db", ""), filepath.Join(dir, "missing.db")
	t.Setenv("BAD_URL", "postgres://user:pa55word@:no-port/x")
	t.Setenv("NO_SERVER", "postgres://user:pa55word@127.0.0.1:1/x?connect_timeout=1")
	t.Setenv("EMPTY_URL", "")
	before := snapshot(t, dir)
	for _, test := range []struct{ args, want string }{
		{"list", "jobs list needs either --file or --postgres-env"},
		{"list --file a --postgres-env B", "jobs list needs either --file or --postgres-env"},
		{"list --file " + missing, "no such file"},
		{"list --file " + dir, "is not a regular file"},
		{"list --file " + noise, "file is not a database"},
		{"list --file " + empty, "has no queue of deferred calls"},
		{"list --file " + other, "has no queue of deferred calls"},
		{"list --file " + older, "has no queue of deferred calls"},
		{"list --file a?b", "jobs list: --file is \"a?b\""},
		{"list --file " + good + " --state faild", `jobs list: --state is "faild"; it must be pending, running, done, failed or cancelled`},
		{"list --file " + good + " --limit 0", "jobs list: --limit is 0; it must be at least 1"},
		{"list --file " + good + " --limit many", `jobs list: --limit is "many"; it must be a whole number`},
		{"list --file " + good + " some", `jobs list takes no arguments; remove "some"`},
		{"list --fiel " + good, "jobs list: unknown flag --fiel; did you mean --file?"},
		{"list --postgres-env NOT_SET", "the environment variable NOT_SET is not set"},
		{"list --postgres-env EMPTY_URL", "the environment variable EMPTY_URL is not set"},
		{"list --postgres-env BAD_URL", "the value of BAD_URL is not a PostgreSQL URL"},
		{"list --postgres-env NO_SERVER", "jobs list: the database cannot be reached"},
		{"list --postgres-env postgres://user:pa55word@host/x", "jobs list: --postgres-env must be the name of an environment variable"},
		{"retry --file " + good, "jobs retry needs an ID, or --state"},
		{"retry --file " + good + " --tenant acme", "jobs retry needs an ID, or --state"},
		{"retry --file " + good + " --state done", `jobs retry: --state is "done"; it must be failed or cancelled`},
		{"cancel --file " + good + " --state done", `jobs cancel: --state is "done"; it must be pending or running`},
		{"retry --file " + good + " --state failed x", "jobs retry: --state and --tenant select jobs"},
		{"retry --file " + good + " x", `jobs retry: ` + good + `: "x": no such job`},
		{"retry --file " + missing + " x", "no such file"},
		{"cancel --file " + other + " x", "has no queue of deferred calls"},
		{"lits --file " + good, `unknown command "lits"; did you mean list?`},
		{"drop", `unknown command "drop"; see adk-fallback jobs --help`},
	} {
		out, err := run(t, "", append([]string{"jobs"}, strings.Fields(test.args)...)...)
		if err == nil || exitStatus(err) != exitUsage || !strings.Contains(err.Error(), test.want) || out != "" {
			t.Errorf("%s: error %v with status %d and output %q, want %q", test.args, err, exitStatus(err), out, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "pa55word") {
			t.Errorf("%s: the error has the password: %v", test.args, err)
		}
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("files were changed (-before +after)\n%s", diff)
	}
}

// What a driver says of an address has no password.
func TestJobsErrorsOfPostgreSQLAreRedacted(t *testing.T) {
	err := jobsError(newJobs(), &jobsFlags{postgresEnv: "JOBS_URL"}, errors.New("jobs: cannot connect to postgres://ada:pa55word@db.example.com/jobs"))
	if text := err.Error(); !strings.HasPrefix(text, "jobs: cannot connect to ") || strings.Contains(text, "pa55word") {
		t.Errorf("error %q", text)
	}
}

// alter executes statements on a SQLite file.
func alter(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot returns the modes and contents of the files in a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		info, infoErr := file.Info()
		if err := errors.Join(err, infoErr); err != nil {
			t.Fatal(err)
		}
		all[file.Name()] = info.Mode().String() + " " + string(data)
	}
	return all
}

// A queue of a newer release is listed and changed, and its schema stays.
func TestJobsOfANewerRelease(t *testing.T) {
	file, ids := jobsFile(t)
	alter(t, file, "UPDATE fallback_schema SET version = 99", "ALTER TABLE fallback_jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
	for _, args := range [][]string{{"list"}, {"retry", ids[jobs.Failed]}} {
		if out, err := run(t, "", append([]string{"jobs", "--file", file}, args...)...); err != nil || !strings.Contains(out, ids[jobs.Failed]) {
			t.Errorf("%q: error %v, output %s", args, err, out)
		}
	}
	alter(t, file, "UPDATE fallback_schema SET version = version / (version = 99)") // fails for another version
}

// A file that another process has locked can be listed; a change waits, and says so.
func TestJobsInALockedFile(t *testing.T) {
	file, ids := jobsFile(t)
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "", "jobs", "list", "--file", file); err != nil || !strings.Contains(out, ids[jobs.Failed]) {
		t.Errorf("list: error %v, output %s", err, out)
	}
	if out, err := run(t, "", "jobs", "retry", "--file", file, ids[jobs.Failed]); err == nil || !strings.Contains(err.Error(), "locked") || out != "" {
		t.Errorf("retry: error %v, output %s; want one that says locked", err, out)
	}
}

// A file that only its owner's group may read is not made private by looking at it, and stays one file.
func TestJobsListLeavesTheFileAlone(t *testing.T) {
	file, _ := jobsFile(t)
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, filepath.Dir(file))
	if _, err := run(t, "", "jobs", "list", "--file", file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot(t, filepath.Dir(file))); diff != "" {
		t.Errorf("files were changed (-before +after)\n%s", diff)
	}
}
