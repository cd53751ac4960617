package degrade_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/sqlite" // registers "sqlite"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func newQueue(t *testing.T, config jobs.Config) *jobs.Queue {
	t.Helper()
	config.File = filepath.Join(t.TempDir(), "jobs.db")
	queue, err := jobs.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queue.Close() })
	return queue
}

func queued(t *testing.T, queue *jobs.Queue) []jobs.Job {
	t.Helper()
	list, err := queue.List(t.Context(), jobs.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// runQueue runs workers until the test ends.
func runQueue(t *testing.T, queue *jobs.Queue, m model.LLM) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- queue.Run(ctx, m) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// until waits for what a worker brings about.
func until(t *testing.T, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not reached within 10s")
		}
	}
}

// B87
func TestDeferredSaysSo(t *testing.T) {
	queue := newQueue(t, jobs.Config{})
	for name, m := range map[string]model.LLM{
		"alone":           degrade.Deferred(queue),
		"behind a router": router.MustFallback(router.Config{}, down, degrade.Deferred(queue)),
	} {
		for _, streamed := range []bool{false, true} {
			id := ""
			for resp, err := range m.GenerateContent(call.With(t.Context(), call.Info{Tenant: "acme"}), hello(), streamed) {
				if err != nil {
					t.Fatal(err)
				}
				if text := llmtest.TextOf(resp.Content); text != degrade.DefaultDeferredText {
					t.Errorf("%s: text %q", name, text)
				}
				if md, _ := call.ReadResponse(resp); !resp.Partial && md.Degraded != "deferred" {
					t.Errorf("%s: metadata %+v", name, md)
				}
				id, _ = resp.CustomMetadata[jobs.KeyJob].(string)
			}
			job, err := queue.Get(t.Context(), id)
			if err != nil || job.Tenant != "acme" || job.State != jobs.Pending || time.Until(job.Due) < 20*time.Second {
				t.Errorf("%s: job %+v, error %v; want it pending until Wake or the delay", name, job, err)
			}
		}
	}
}

// A turn that is run again, as by an outer retry loop, does not queue its call again.
func TestDeferredOncePerCall(t *testing.T) {
	queue := newQueue(t, jobs.Config{})
	m := degrade.MustDeferred(degrade.DeferredConfig{Queue: queue, Expiry: 3 * time.Hour, Priorities: map[string]int{"Paid": 5}})
	other := hello()
	other.Contents = append(other.Contents, genai.NewContentFromText("more", genai.RoleUser))
	for _, test := range []struct {
		info call.Info
		req  *model.LLMRequest
		jobs int
	}{
		{call.Info{Session: "s1", Priority: "paid"}, hello(), 1},
		{call.Info{Session: "s1", Invocation: "again"}, hello(), 1},
		{call.Info{Session: "s2"}, hello(), 2},
		{call.Info{Session: "s1", Agent: "other"}, hello(), 3},
		{call.Info{Session: "s1"}, other, 4},
		{call.Info{}, hello(), 5},
		{call.Info{}, hello(), 6}, // maybe another user
	} {
		if _, _, err := ask(call.With(t.Context(), test.info), m, test.req, false); err != nil {
			t.Fatal(err)
		}
		if n := len(queued(t, queue)); n != test.jobs {
			t.Errorf("%+v: %d jobs, want %d", test.info, n, test.jobs)
		}
	}
	if first := queued(t, queue)[5]; first.Priority != 5 || first.Expires.Sub(first.Created) != 3*time.Hour {
		t.Errorf("job %+v, want priority 5 and an expiry of 3h", first)
	}
}

// A call whose answer has been delivered is queued again when it comes again: the short answer
// promises a full one.
func TestDeferredAgainAfterTheAnswer(t *testing.T) {
	queue := newQueue(t, jobs.Config{})
	m := degrade.MustDeferred(degrade.DeferredConfig{Queue: queue, Delay: time.Nanosecond})
	runQueue(t, queue, llmtest.NewModel("flash", llmtest.Text("Paris.")))
	for n := 1; n <= 3; n++ {
		if _, _, err := ask(call.With(t.Context(), call.Info{Session: "s1"}), m, hello(), false); err != nil {
			t.Fatal(err)
		}
		list := queued(t, queue)
		if len(list) != n {
			t.Fatalf("%d jobs after %d calls, want as many", len(list), n)
		}
		until(t, func() bool {
			job, err := queue.Get(t.Context(), list[0].ID)
			return err == nil && job.State == jobs.Done
		})
	}
}

// A queue that fails leaves the answer to the next tier, soon, and the record says why.
func TestDeferredWithoutAQueue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "locked.db")
	db, err := sql.Open("sqlite", file+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	locked, err := jobs.Open(t.Context(), jobs.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	deferred := degrade.MustDeferred(degrade.DeferredConfig{Queue: locked, Timeout: 50 * time.Millisecond})
	began := time.Now()
	_, md, err := ask(t.Context(), router.MustFallback(router.Config{}, down, deferred, degrade.Template("Sorry.")), hello(), false)
	if err != nil || md.Degraded != "template-response" || time.Since(began) > 5*time.Second {
		t.Errorf("degraded %q, error %v after %v", md.Degraded, err, time.Since(began))
	}
	if len(md.Attempts) != 3 || md.Attempts[1].Model != "deferred" || !strings.Contains(md.Attempts[1].Reason, "locked") {
		t.Errorf("attempts %+v, want the queue's failure among them", md.Attempts)
	}
}

func TestDeferredConfigNamesEveryWrongField(t *testing.T) {
	_, err := degrade.NewDeferred(degrade.DeferredConfig{Timeout: -1, Expiry: -2, Text: "{{.Prompt}}", Priorities: map[string]int{"paid": 1, "Paid": 2}})
	for _, want := range []string{`DeferredConfig.Priorities["paid"]: is the same name as "Paid"`, "DeferredConfig.Queue is nil", "DeferredConfig.Timeout is -1ns", "Expiry is -2ns", "DeferredConfig.Text"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// The whole way: the model is down, the user gets the short answer; the breaker closes, and
// the full answer, paid from the tenant's budget, is in the session.
func TestDeferredAnswerFollows(t *testing.T) {
	sessions := session.InMemoryService()
	if _, err := sessions.Create(t.Context(), &session.CreateRequest{AppName: "shop", UserID: "ada", SessionID: "s1"}); err != nil {
		t.Fatal(err)
	}
	queue := newQueue(t, jobs.Config{Sessions: sessions})
	budget := middleware.MustBudget(middleware.BudgetConfig{
		Limit: 1, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.25, true },
		Cost: func(_ string, usage *genai.GenerateContentResponseUsageMetadata) float64 {
			if usage == nil {
				return 0
			}
			return 0.25
		},
	})
	healthy := make(chan struct{})
	flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-healthy:
			yield(&model.LLMResponse{
				Content: genai.NewContentFromText("Paris.", genai.RoleModel), FinishReason: genai.FinishReasonStop,
				UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 1, CandidatesTokenCount: 1},
			}, nil)
		default:
			yield(nil, llmtest.ErrUnavailable)
		}
	})
	closed := make(chan struct{}, 1)
	breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: 10 * time.Millisecond, OnStateChange: func(_ string, _, to middleware.BreakerState) {
		if to == middleware.BreakerClosed {
			closed <- struct{}{}
		}
	}})
	root := middleware.Chain(flash, breaker, budget.Middleware())
	tree := router.MustFallback(router.Config{}, root, degrade.Deferred(queue))
	runQueue(t, queue, tree)

	clerk, err := llmagent.New(llmagent.Config{Name: "clerk", Model: tree})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{AppName: "shop", Agent: clerk, SessionService: sessions})
	if err != nil {
		t.Fatal(err)
	}
	ctx := call.With(t.Context(), call.Info{Tenant: "acme"})
	var short *session.Event
	for event, err := range r.Run(ctx, "ada", "s1", genai.NewContentFromText("Capital of France?", genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			t.Fatal(err)
		}
		short = event
	}
	if md, _ := call.ReadEvent(short); md.Degraded != "deferred" || !md.Triggered {
		t.Fatalf("metadata %+v of the short answer", md)
	}
	close(healthy)
	until(t, func() bool { // another user's call closes the breaker
		_, _, err := ask(t.Context(), root, hello(), false)
		return err == nil
	})
	<-closed
	if err := queue.Wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := short.CustomMetadata[jobs.KeyJob].(string)
	until(t, func() bool {
		job, err := queue.Get(t.Context(), id)
		return err == nil && job.State == jobs.Done
	})
	got, err := sessions.Get(t.Context(), &session.GetRequest{AppName: "shop", UserID: "ada", SessionID: "s1"})
	if err != nil {
		t.Fatal(err)
	}
	events := got.Session.Events()
	full := events.At(events.Len() - 1)
	md, _ := call.ReadEvent(full)
	if events.Len() != 3 || llmtest.TextOf(full.Content) != "Paris." || full.Author != "clerk" || full.CustomMetadata[jobs.KeyAnswer] != id || md.ModelName != "flash" || md.Degraded != "" {
		t.Errorf("%d events, the last %+v", events.Len(), full)
	}
	if spent := budget.Spent("acme"); spent != 0.25 {
		t.Errorf("the tenant was charged %v, want 0.25", spent)
	}
}

// A tenant without budget gets no full answer either, and its job no attempt.
func TestDeferredStaysWithinTheBudget(t *testing.T) {
	queue := newQueue(t, jobs.Config{})
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: func(string, *model.LLMRequest) (float64, bool) { return 2, true }})
	pro := llmtest.NewModel("pro", llmtest.Text("Paris."))
	tree := router.MustFallback(router.Config{}, budget.Middleware()(pro), degrade.MustDeferred(degrade.DeferredConfig{Queue: queue, Delay: time.Millisecond}))
	if _, _, err := ask(call.With(t.Context(), call.Info{Tenant: "acme"}), tree, hello(), false); err != nil {
		t.Fatal(err)
	}
	runQueue(t, queue, tree)
	var job jobs.Job
	until(t, func() bool {
		job = queued(t, queue)[0]
		return job.State == jobs.Pending && strings.Contains(job.Error, "budget")
	})
	if job.Attempts != 0 || len(pro.Requests()) > 0 {
		t.Errorf("job %+v after %d calls, want none", job, len(pro.Requests()))
	}
}

func ExampleDeferred() {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	queue, err := jobs.Open(context.Background(), jobs.Config{File: filepath.Join(dir, "jobs.db")})
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()

	m := router.MustFallback(router.Config{}, down, degrade.Deferred(queue), degrade.Template("Please try again later."))
	for resp, err := range m.GenerateContent(context.Background(), hello(), false) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Content.Parts[0].Text)
		job, err := queue.Get(context.Background(), resp.CustomMetadata[jobs.KeyJob].(string))
		fmt.Println(resp.CustomMetadata["degraded"], job.State, err)
	}
	// Output:
	// I cannot answer right now. The full answer will follow.
	// deferred pending <nil>
}
