package policy_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/sqlite" // registers "sqlite"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func newQueue(t *testing.T, config jobs.Config) *jobs.Queue {
	t.Helper()
	if config.DB == nil {
		config.File = filepath.Join(t.TempDir(), "jobs.db")
	}
	queue, err := jobs.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queue.Close() })
	return queue
}

// deferred-answer says that the answer follows, and queues the call with the bounds and the
// class of the file. B87
func TestDeferredAnswer(t *testing.T) {
	queue := newQueue(t, jobs.Config{})
	m := build(t, "primary: a\nfallbacks: [{name: deferred-answer}, {name: template-response}]\npriority: {classes: [paid, free]}\nrate_limits: {concurrency: 9}\n"+
		"degrade: {deferred: {message: 'Wait, {{.Tenant}}.', max_age: 6h}}",
		models(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))), policy.WithDeferred(degrade.DeferredConfig{Queue: queue, Delay: time.Hour}))
	for _, streamed := range []bool{false, true} {
		got := ask(call.With(t.Context(), call.Info{Tenant: "acme", Priority: "PAID"}), m, streamed)
		if got.text != "Wait, acme." || got.md.Degraded != "deferred-answer" {
			t.Fatalf("%q (%v), degraded %q", got.text, got.err, got.md.Degraded)
		}
		id, _ := got.final.CustomMetadata[jobs.KeyJob].(string)
		job, err := queue.Get(t.Context(), id)
		if err != nil || job.Tenant != "acme" || job.Priority != 2 || job.Expires.Sub(job.Created) != 6*time.Hour {
			t.Errorf("job %+v, error %v; want acme's of rank 2, for 6h", job, err)
		}
	}
}

// Without a queue, a policy with deferred-answer is not built, and a queue that fails leaves
// the answer to the next entry.
func TestDeferredAnswerWithoutAQueue(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: deferred-answer}, {name: template-response}]"
	for _, options := range [][]policy.Option{{}, {policy.WithDeferred(degrade.DeferredConfig{})}} {
		_, err := policy.Build(t.Context(), parsed(t, text), append(options, quiet, named("a"))...)
		if err == nil || !strings.Contains(err.Error(), "2:20: fallbacks[0].name: deferred-answer needs a queue; add policy.WithDeferred") {
			t.Errorf("error %v", err)
		}
	}
	if problems := spec.Check(parsed(t, text), spec.Known{}); len(problems) > 0 {
		t.Errorf("problems %v for an application that is not known", problems)
	}
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "jobs.db")+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	queue := newQueue(t, jobs.Config{DB: db})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	m := build(t, text, models(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))), policy.WithDeferred(degrade.DeferredConfig{Queue: queue, Timeout: 50 * time.Millisecond}))
	if got := ask(t.Context(), m, false); got.md.Degraded != "template-response" || !strings.Contains(got.md.Attempts[1].Reason, "closed") {
		t.Errorf("%q (%v), degraded %q, attempts %+v", got.text, got.err, got.md.Degraded, got.md.Attempts)
	}
}

// A tenant without budget is not deferred either, unless the policy says so.
func TestDeferredAnswerAndBudgets(t *testing.T) {
	for exhausted, degraded := range map[string]string{"deny": "", "degrade": "deferred-answer"} {
		m := build(t, "primary: a\nfallbacks: [{name: deferred-answer}]\nbudgets: {usd_per_day: 0.01, max_output_tokens: 100000, exhausted: "+exhausted+"}"+priced,
			named("a"), policy.WithDeferred(degrade.DeferredConfig{Queue: newQueue(t, jobs.Config{})}))
		if got := askFor(t.Context(), m, false, asking(50_000)); got.md.Degraded != degraded || (got.err == nil) != (degraded != "") {
			t.Errorf("%s: %q (%v), degraded %q, want %q", exhausted, got.text, got.err, got.md.Degraded, degraded)
		}
	}
}

// The whole way: the primary is down, the user gets the short answer; its breaker closes
// for another user, and the queue is woken long before the delay. The job's own call is
// never deferred again.
func TestDeferredAnswerFollows(t *testing.T) {
	ended, answers := make(chan jobs.Job, 1), make(chan string, 1)
	queue := newQueue(t, jobs.Config{
		OnEnd: func(_ context.Context, job jobs.Job) { ended <- job },
		Deliver: func(_ context.Context, _ jobs.Tx, d jobs.Delivery) error {
			answers <- d.Response.Content.Parts[0].Text
			return nil
		},
	})
	healthy := make(chan struct{})
	a := llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-healthy:
			llmtest.Text("Paris.")(ctx, req, streamed, yield)
		default:
			yield(nil, llmtest.ErrUnavailable)
		}
	})
	m := build(t, "primary: a\nfallbacks: [{name: deferred-answer}]\ncircuit_breaker: {failure_threshold: 1, backoff: 1ms}",
		models(a), policy.WithDeferred(degrade.DeferredConfig{Queue: queue, Delay: 10 * time.Hour}))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- queue.Run(ctx, m) }()
	defer func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	if got := ask(t.Context(), m, false); got.md.Degraded != "deferred-answer" {
		t.Fatalf("%q (%v), degraded %q", got.text, got.err, got.md.Degraded)
	}
	close(healthy)
	for got := (result{}); got.text != "Paris."; { // until the probe
		if got = ask(call.With(t.Context(), call.Info{Session: "other"}), m, false); got.err != nil {
			t.Fatal(got.err)
		}
	}
	if job := <-ended; job.State != jobs.Done {
		t.Errorf("job %+v, want it done", job)
	}
	if text := <-answers; text != "Paris." {
		t.Errorf("%q is delivered", text)
	}
}

// A call that was deferred because the budget was spent is made as soon as a reload raises the
// budget, not at midnight.
func TestDeferredAnswerFollowsARaisedBudget(t *testing.T) {
	ended := make(chan jobs.Job, 1)
	queue := newQueue(t, jobs.Config{
		OnEnd:   func(_ context.Context, job jobs.Job) { ended <- job },
		Deliver: func(context.Context, jobs.Tx, jobs.Delivery) error { return nil },
	})
	policyOf := func(usd string) *spec.Policy {
		return parsed(t, "primary: a\nfallbacks: [{name: deferred-answer}]\nbudgets: {usd_per_day: "+usd+", max_output_tokens: 100000, exhausted: degrade}"+priced)
	}
	l, err := policy.NewLive(t.Context(), policyOf("0.01"), quiet, named("a"), policy.WithDeferred(degrade.DeferredConfig{Queue: queue, Delay: 10 * time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- queue.Run(ctx, l.Model()) }()
	defer func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	if got := askFor(t.Context(), l.Model(), false, asking(50_000)); got.md.Degraded != "deferred-answer" {
		t.Fatalf("%q (%v), degraded %q", got.text, got.err, got.md.Degraded)
	}
	if err := l.Replace(t.Context(), policyOf("1")); err != nil {
		t.Fatal(err)
	}
	select {
	case job := <-ended:
		if job.State != jobs.Done {
			t.Errorf("job %+v, want it done", job)
		}
	case <-time.After(time.Minute):
		t.Error("the job still waits")
	}
}

// retrieval-answer quotes what the application finds, and the next entry answers if
// that is nothing. B87
func TestRetrievalAnswer(t *testing.T) {
	passages := map[string][]degrade.Passage{"opening hours": {{Text: "Open from nine to five.", Source: "handbook"}, {Text: "Closed on Sundays."}}}
	search := policy.WithRetrieval(degrade.RetrievalConfig{Search: func(_ context.Context, query string) ([]degrade.Passage, error) { return passages[query], nil }})
	m := build(t, "primary: a\nfallbacks: [{name: retrieval-answer}, {name: template-response}]\ndegrade: {retrieval: {intro: 'Found:', max_passages: 1}}",
		models(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))), search)
	got := askFor(t.Context(), m, false, &model.LLMRequest{Contents: genai.Text("opening hours")})
	if got.md.Degraded != "retrieval-answer" || !strings.HasPrefix(got.text, "Found:") || !strings.Contains(got.text, "nine to five") || strings.Contains(got.text, "Sundays") {
		t.Errorf("%q (%v), degraded %q; want one passage", got.text, got.err, got.md.Degraded)
	}
	if got := askFor(t.Context(), m, false, &model.LLMRequest{Contents: genai.Text("something else")}); got.md.Degraded != "template-response" {
		t.Errorf("%q (%v), degraded %q; want the template", got.text, got.err, got.md.Degraded)
	}

	_, err := policy.Build(t.Context(), parsed(t, "primary: a\nfallbacks: [{name: retrieval-answer}]"), quiet, named("a"))
	if err == nil || !strings.Contains(err.Error(), "2:20: fallbacks[0].name: retrieval-answer needs passages; add policy.WithRetrieval") {
		t.Errorf("without passages: error %v", err)
	}
}
