package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

const prompt = "my diagnosis"

// jobsFile returns a queue with a job in each state but running, and their ids by state. Its worker has ended.
func jobsFile(t *testing.T) (file string, ids map[jobs.State]string) {
	t.Helper()
	file, ids = filepath.Join(t.TempDir(), "jobs.db"), map[jobs.State]string{}
	ended := make(chan jobs.Job, 3)
	q, err := jobs.Open(t.Context(), jobs.Config{File: file, OnEnd: func(_ context.Context, job jobs.Job) { ended <- job }})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for _, job := range []struct {
		state  jobs.State
		tenant string
		delay  time.Duration
	}{{jobs.Done, "acme", 0}, {jobs.Failed, "acme", 0}, {jobs.Cancelled, "umbrella", time.Hour}, {jobs.Pending, "", time.Hour}} {
		ctx := call.With(t.Context(), call.Info{Tenant: job.tenant})
		req := &model.LLMRequest{Contents: genai.Text(prompt + " is " + string(job.state))}
		if ids[job.state], err = q.Enqueue(ctx, jobs.Request{LLM: req, Delay: job.delay, MaxAttempts: 3}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Cancel(t.Context(), ids[jobs.Cancelled]); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for range 3 {
			<-ended
		}
		stop()
	}()
	err = q.Run(ctx, llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if strings.Contains(llmtest.TextOf(req.Contents[0]), "failed") {
			yield(nil, genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "cannot read: " + prompt})
			return
		}
		llmtest.Text(prompt)(ctx, req, stream, yield)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return file, ids
}

// normal replaces what differs between runs: ids by the states of their jobs, and times.
func normal(out string, ids map[jobs.State]string) string {
	for state, id := range ids {
		out = strings.ReplaceAll(out, id, fmt.Sprintf("%-26s", "id of "+state))
	}
	out = regexp.MustCompile(`\b\d\d?s\b`).ReplaceAllString(out, "0s")
	out = regexp.MustCompile(`"age_seconds":[\d.]+`).ReplaceAllString(out, `"age_seconds":0`)
	return regexp.MustCompile(`"due":"[^"]+"`).ReplaceAllString(out, `"due":"time"`)
}

func TestJobsListPrintsATable(t *testing.T) {
	file, ids := jobsFile(t)
	const head = "ID                          TENANT    STATE      ATTEMPTS  DUE  AGE  ERROR\n"
	rows := map[jobs.State]string{
		jobs.Done:      "id of done                  acme      done       1/3       -    0s   -\n",
		jobs.Failed:    "id of failed                acme      failed     1/3       -    0s   invalid_request\n",
		jobs.Cancelled: "id of cancelled             umbrella  cancelled  0/3       -    0s   -\n",
		jobs.Pending:   "id of pending               -         pending    0/3       59m  0s   -\n",
	}
	out, err := run(t, "", "jobs", "list", "--file", file)
	if diff := cmp.Diff(head+rows[jobs.Pending]+rows[jobs.Cancelled]+rows[jobs.Failed]+rows[jobs.Done], normal(out, ids)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	for args, want := range map[string][]jobs.State{
		"--state failed": {jobs.Failed}, "--tenant acme": {jobs.Failed, jobs.Done}, "--tenant acme --state done": {jobs.Done},
		"--tenant umbrella --state done": nil, "--limit 2": {jobs.Pending, jobs.Cancelled}, "--limit 4": {jobs.Pending, jobs.Cancelled, jobs.Failed, jobs.Done},
	} {
		out, err := run(t, "", append([]string{"jobs", "list", "--file", file}, strings.Fields(args)...)...)
		var got []jobs.State
		for line := range strings.Lines(out) {
			for state, id := range ids {
				if strings.HasPrefix(line, id) {
					got = append(got, state)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil || strings.Contains(out, "no jobs") != (want == nil) || strings.Contains(out, "see --limit") != strings.Contains(args, "limit") {
			t.Errorf("%s: error %v, output %s (-want +got)\n%s", args, err, out, diff)
		}
	}
}

func TestJobsListPrintsJSONLines(t *testing.T) {
	file, ids := jobsFile(t)
	out, err := run(t, "", "jobs", "list", "--file", file, "--json")
	want := `{"id":"id of pending             ","tenant":"","state":"pending","attempts":0,"max_attempts":3,"due":"time","age_seconds":0,"error_kind":""}
{"id":"id of cancelled           ","tenant":"umbrella","state":"cancelled","attempts":0,"max_attempts":3,"due":null,"age_seconds":0,"error_kind":""}
{"id":"id of failed              ","tenant":"acme","state":"failed","attempts":1,"max_attempts":3,"due":null,"age_seconds":0,"error_kind":"invalid_request"}
{"id":"id of done                ","tenant":"acme","state":"done","attempts":1,"max_attempts":3,"due":null,"age_seconds":0,"error_kind":""}
`
	if diff := cmp.Diff(want, normal(out, ids)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	var line jobLine
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &line); err != nil || line.Due == nil || time.Until(*line.Due) < 50*time.Minute {
		t.Errorf("error %v, due at %v, want in an hour", err, line.Due)
	}
	if out, err := run(t, "", "jobs", "list", "--file", file, "--json", "--state", "running"); out != "" || err != nil {
		t.Errorf("output %q, error %v; want nothing", out, err)
	}
}

// What a user and a model have said, and what an error quotes of it, is not printed.
func TestJobsPrintNoPrompts(t *testing.T) {
	file, ids := jobsFile(t)
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"retry", ids[jobs.Done]}, {"cancel", ids[jobs.Failed]}, {"retry", "--state", "failed"}} {
		out, err := run(t, "", append([]string{"jobs", "--file", file}, args...)...)
		if text := out + fmt.Sprint(err); strings.Contains(text, prompt) || strings.Contains(text, "cannot read") {
			t.Errorf("%q: prints %s", args, text)
		}
	}
}

// A name that somebody has chosen does not write to the terminal.
func TestJobsQuoteTenants(t *testing.T) {
	var out bytes.Buffer
	err := printJobs(&out, []jobs.Job{{ID: "i", Tenant: "a\x1b[31m\tb\n", State: jobs.Pending, Due: time.Unix(0, 0), Created: time.Unix(0, 0)}}, time.Unix(200, 0))
	if want := `i   "a\x1b[31m\tb\n"  pending  0/0       -3m  3m   -`; err != nil || !strings.Contains(out.String(), want) {
		t.Errorf("error %v, output\n%swant\n%s", err, out.String(), want)
	}
}

func TestJobsRetryAndCancel(t *testing.T) {
	file, ids := jobsFile(t)
	jobsIn := func(state jobs.State) (n int) {
		out, err := run(t, "", "jobs", "list", "--json", "--file", file, "--state", string(state))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(out, "\n")
	}
	for _, test := range []struct {
		args, out, err string
		pending        int
	}{
		{"retry " + ids[jobs.Failed], "retried id of failed", "", 2},
		{"retry " + ids[jobs.Failed] + " nothing " + ids[jobs.Cancelled], "retried id of cancelled",
			`jobs retry: FILE: "id of failed              ": the job has not failed: it is pending` + "\n" + `jobs retry: FILE: "nothing": no such job: "nothing"`, 3},
		{"cancel " + ids[jobs.Done] + " " + ids[jobs.Pending], "cancelled id of pending", `jobs cancel: FILE: "id of done                ": the job has ended: it is done`, 2},
		{"cancel --state pending --tenant acme", "cancelled id of failed", "", 1},
		{"cancel --state pending --tenant nobody", "", "", 1},
		{"cancel --state pending", "cancelled id of cancelled", "", 0},
		{"retry --state cancelled", "retried id of pending\nretried id of cancelled\nretried id of failed", "", 3},
	} {
		out, err := run(t, "", append([]string{"jobs", "--file", file}, strings.Fields(test.args)...)...)
		lines := slices.Sorted(strings.Lines(strings.ReplaceAll(normal(out, ids), " \n", "\n")))
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		want := strings.FieldsFunc(test.out, func(r rune) bool { return r == '\n' })
		slices.Sort(want)
		if !slices.Equal(want, lines) {
			t.Errorf("%s: output %q, want %q", normal(test.args, ids), lines, want)
		}
		text := ""
		if err != nil {
			text = strings.ReplaceAll(normal(err.Error(), ids), file, "FILE")
		}
		if text != test.err || (err != nil) != (exitStatus(err) == exitUsage) {
			t.Errorf("%s: error %q with status %d, want %q", normal(test.args, ids), text, exitStatus(err), test.err)
		}
		if n := jobsIn(jobs.Pending); n != test.pending {
			t.Errorf("%s: %d jobs are pending, want %d", normal(test.args, ids), n, test.pending)
		}
	}
}

func TestJobsHelp(t *testing.T) {
	for _, name := range []string{"jobs", "jobs list", "jobs retry", "jobs cancel"} {
		out, err := run(t, "", append(strings.Fields(name), "--help")...)
		if err != nil {
			t.Fatal(err)
		}
		golden := "testdata/help_" + strings.ReplaceAll(name, " ", "_") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if name == "jobs" {
			if bare, err := run(t, "", "jobs"); err != nil || bare != out {
				t.Errorf("without a command: error %v, output\n%s", err, bare)
			}
		}
	}
}

func TestShellsCompleteJobs(t *testing.T) {
	file, ids := jobsFile(t)
	missing := filepath.Join(t.TempDir(), "jobs.db")
	const nothing = ":4\n" // cobra's directive: no files
	for args, want := range map[string]string{
		"jobs list --state ": "pending\nrunning\ndone\nfailed\ncancelled\n" + nothing, "jobs retry --state ": "failed\ncancelled\n" + nothing,
		"jobs cancel --state ": "pending\nrunning\n" + nothing, "jobs list --tenant ": nothing, "jobs list --postgres-env ": nothing, "jobs list ": nothing,
		"jobs retry ": nothing, "jobs retry --file " + missing + " ": nothing,
		"jobs retry --file " + file + " ":                          ids[jobs.Failed] + "\n" + ids[jobs.Cancelled] + "\n" + nothing,
		"jobs retry --file " + file + " " + ids[jobs.Failed] + " ": ids[jobs.Cancelled] + "\n" + nothing,
		"jobs cancel --file " + file + " ":                         ids[jobs.Pending] + "\n" + nothing,
	} {
		out, err := run(t, "", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		if err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%q: error %v, output %q, want %q", args, err, out, want)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("completion has made a file")
	}
}
