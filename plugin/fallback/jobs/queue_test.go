package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

var paris = llmtest.NewModel("pro", llmtest.Text("Paris."))

// box collects deliveries.
type box struct {
	mu   sync.Mutex
	got  []jobs.Delivery
	fail error
}

func (b *box) deliver(_ context.Context, _ jobs.Tx, d jobs.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.got = append(b.got, d)
	return nil
}

func (b *box) texts() (texts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.got {
		texts = append(texts, llmtest.TextOf(d.Response.Content))
	}
	return texts
}

// A key that holds until its job is done is that of one job at a time.
func TestKeyUntilDone(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{})
		untilDone := func(r *jobs.Request) { r.Key, r.KeyUntilDone = "k", true }
		first := enqueue(t, q, "acme", "hi", untilDone)
		if id := enqueue(t, q, "acme", "hi", untilDone); id != first {
			t.Errorf("job %s while %s is pending, want no other", id, first)
		}
		step(t, q, paris)
		second := enqueue(t, q, "acme", "hi", untilDone)
		if second == first {
			t.Error("the job that is done was returned, want another")
		}
		if id := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.Key = "k" }); id != second {
			t.Errorf("job %s, want %s, which has the key", id, second)
		}
	})
}

// A model may send its answer in several responses: the delivery has all of it.
func TestAnswerInSeveralResponsesIsDeliveredWhole(t *testing.T) {
	said := func(text string) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	}
	var b box
	q := inFile(t).open(t, jobs.Config{Deliver: b.deliver})
	enqueue(t, q, "acme", "hi")
	step(t, q, llmtest.NewModel("pro", llmtest.Send(said("Paris, "), said("France."))))
	if diff := cmp.Diff([]string{"Paris, France."}, b.texts()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

// The call is made in the name of the deferred call's caller.
func TestJobRunsAsItsCaller(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		var b box
		q := p.open(t, jobs.Config{Deliver: b.deliver})
		info := call.Info{App: "shop", User: "ada", Session: "s1", Agent: "clerk", Tenant: "acme", Priority: "paid", Labels: map[string]string{"a": "1"}}
		var seen call.Info
		m := llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			seen = call.From(ctx)
			if !jobs.Within(ctx) {
				t.Error("Within is false in a job's call")
			}
			llmtest.Text("Paris.")(ctx, req, stream, yield)
		})
		config := &genai.GenerateContentConfig{
			Temperature: genai.Ptr[float32](0.5), HTTPOptions: &genai.HTTPOptions{Headers: map[string][]string{"X-Goog-Api-Key": {"secret"}}},
			Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "buy"}}}},
		}
		req := say("Capital of France?")
		req.Config = config
		id, err := q.Enqueue(call.With(t.Context(), info), jobs.Request{LLM: req, Priority: 3})
		if err != nil {
			t.Fatal(err)
		}
		step(t, q, m)
		if diff := cmp.Diff(info, seen); diff != "" {
			t.Errorf("caller (-want +got):\n%s", diff)
		}
		asked := m.Requests()[0]
		if asked.Model != "pro" || lastText(asked) != "Capital of France?" || *asked.Config.Temperature != 0.5 || asked.Config.HTTPOptions != nil {
			t.Errorf("request %+v with config %+v", asked, asked.Config)
		}
		if mode := asked.Config.ToolConfig.FunctionCallingConfig.Mode; len(asked.Config.Tools) != 1 || mode != genai.FunctionCallingConfigModeNone {
			t.Errorf("%d tools in mode %q, want one that cannot be called", len(asked.Config.Tools), mode)
		}
		if config.HTTPOptions == nil || config.ToolConfig != nil {
			t.Error("the caller's request was changed")
		}
		if got := b.texts(); len(got) != 1 || got[0] != "Paris." || b.got[0].Job.ID != id || b.got[0].Caller.User != "ada" {
			t.Errorf("deliveries %+v", b.got)
		}
		job := get(t, q, id)
		if job.State != jobs.Done || job.Attempts != 1 || job.Priority != 3 || job.Ended.IsZero() || !job.Due.IsZero() || !job.Answered {
			t.Errorf("job %+v", job)
		}
	})
}

func TestEqualKeysAreOneJob(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{MaxAttempts: 1})
		key := func(r *jobs.Request) { r.Key = "k" }
		first := enqueue(t, q, "acme", "hi", key)
		if again := enqueue(t, q, "acme", "hi", key); again != first {
			t.Errorf("the key made a second job")
		}
		if other := enqueue(t, q, "umbrella", "hi", key); other == first {
			t.Errorf("another tenant got the job")
		}
		if one, other := enqueue(t, q, "acme", "hi"), enqueue(t, q, "acme", "hi"); one == other {
			t.Errorf("jobs without keys are one")
		}
		if err := q.Cancel(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		second := enqueue(t, q, "acme", "hi", key)
		if second == first {
			t.Error("the key of a job without an answer is still taken")
		}
		for range 4 {
			step(t, q, paris)
		}
		if again := enqueue(t, q, "acme", "hi", key); again != second {
			t.Error("the key of an answered job made another one")
		}
	})
}

// Many processes that start at once leave one schema.
func TestConcurrentMigrations(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				q, err := jobs.Open(t.Context(), p.config(jobs.Config{}))
				if err != nil {
					t.Error(err)
					return
				}
				defer q.Close()
				enqueue(t, q, "acme", "hi")
			})
		}
		wg.Wait()
		q := p.open(t, jobs.Config{})
		if list, err := q.List(t.Context(), jobs.Filter{}); err != nil || len(list) != 8 {
			t.Errorf("%d jobs, error %v; want 8", len(list), err)
		}
	})
}

// A binary works beside a newer one: it ignores new columns and fields, and leaves
// payloads that it cannot read to the newer one.
func TestNewerBinaries(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		var b box
		q := p.open(t, jobs.Config{Deliver: b.deliver})
		newer := enqueue(t, q, "acme", "newer")
		p.exec(t, "UPDATE fallback_jobs SET version = 99")
		p.exec(t, "ALTER TABLE fallback_jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
		p.exec(t, "UPDATE fallback_schema SET version = 99")
		q = p.open(t, jobs.Config{Deliver: b.deliver})
		same := enqueue(t, q, "acme", "same")
		stored := `p{"contents":[{"role":"user","parts":[{"text":"same","mood":"glad"}]}],"caller":{"Tenant":"acme","Planet":"mars"},"more":{}}`
		value := fmt.Sprintf("X'%x'", stored)
		if p.file == "" {
			value = fmt.Sprintf(`'\x%x'`, stored)
		}
		p.exec(t, "UPDATE fallback_jobs SET payload = "+value+" WHERE version = 1")
		step(t, q, paris)
		idle(t, q, paris)
		if get(t, q, same).State != jobs.Done || get(t, q, newer).State != jobs.Pending {
			t.Errorf("states %s and %s, want done and pending", get(t, q, same).State, get(t, q, newer).State)
		}
	})
}

// A tenant with many jobs does not keep another one waiting.
func TestTenantsTakeTurns(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{})
		for i := range 5 {
			enqueue(t, q, "big", fmt.Sprintf("big %d", i), func(r *jobs.Request) { r.Priority = 100 })
		}
		enqueue(t, q, "small", "small 0")
		enqueue(t, q, "small", "small 1", func(r *jobs.Request) { r.Priority = 1 })
		m := llmtest.NewModel("pro", llmtest.Text("ok"))
		for range 7 {
			step(t, q, m)
		}
		idle(t, q, m)
		var order []string
		for _, req := range m.Requests() {
			order = append(order, lastText(req))
		}
		want := []string{"big", "small 1", "big", "small 0", "big", "big", "big"}
		for i, text := range order {
			if !strings.HasPrefix(text, want[i]) {
				t.Fatalf("order %q, want %q", order, want)
			}
		}
	})
}

func TestRatePerTenant(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Rate: 0.001, Rates: map[string]float64{"big": 0}})
		for range 3 {
			enqueue(t, q, "small", "hi")
			enqueue(t, q, "big", "hi")
		}
		for range 4 { // three of big, one of small
			step(t, q, paris)
		}
		idle(t, q, paris)
		p.pass(t, 900*time.Second)
		idle(t, q, paris)
		p.pass(t, 101*time.Second)
		step(t, q, paris)
		idle(t, q, paris)
	})
}

func TestFailedAttemptsBackOffAndEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		var ended []jobs.Job
		q := p.open(t, jobs.Config{MaxAttempts: 3, Backoff: 10 * time.Second, MaxBackoff: 15 * time.Second, OnEnd: func(_ context.Context, j jobs.Job) { ended = append(ended, j) }})
		id := enqueue(t, q, "acme", "hi")
		m := llmtest.NewModel("pro", llmtest.Fail(errors.New("down, says ada@example.com")))
		for i, longest := range []time.Duration{10 * time.Second, 15 * time.Second} {
			began := time.Now().Add(-time.Millisecond) // the clocks' units differ
			step(t, q, m)
			job := get(t, q, id)
			if job.State != jobs.Pending || job.Attempts != i+1 || job.Due.Before(began.Add(longest/2)) || time.Until(job.Due) > longest {
				t.Fatalf("after attempt %d at %v: %+v; want it due after at most %v and half of it", i+1, began, job, longest)
			}
			idle(t, q, m)
			p.pass(t, longest)
		}
		step(t, q, m)
		job := get(t, q, id)
		if job.State != jobs.Failed || job.Attempts != 3 || !strings.Contains(job.Error, "down") || strings.Contains(job.Error, "ada@") {
			t.Errorf("job %+v, want it failed, with a redacted error", job)
		}
		if len(ended) != 1 || ended[0].ID != id || ended[0].State != jobs.Failed {
			t.Errorf("OnEnd got %+v", ended)
		}
		if err := q.Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		step(t, q, paris)
		if job := get(t, q, id); job.State != jobs.Done || job.Attempts != 1 || job.Error != "" {
			t.Errorf("job %+v, want it done in its new life's first attempt", job)
		}
		if err := q.Retry(t.Context(), id); !errors.Is(err, jobs.ErrNotRetryable) {
			t.Errorf("Retry of a job that is done: %v", err)
		}
	})
}

// Calls that a breaker refuses cost no attempt; Wake ends the wait.
func TestRefusalsDoNotCount(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{MaxAttempts: 2})
		id := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.Delay = time.Hour })
		down := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("Paris."))
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Hour})(down)
		if _, _, err := ask(t, breaker); err == nil {
			t.Fatal("the first call did not fail")
		}
		idle(t, q, breaker)
		for range 5 {
			if err := q.Wake(t.Context()); err != nil {
				t.Fatal(err)
			}
			step(t, q, breaker)
			if job := get(t, q, id); job.State != jobs.Pending || job.Attempts != 0 || time.Until(job.Due) < 50*time.Minute {
				t.Fatalf("job %+v, want it pending without attempts until the breaker may close", job)
			}
		}
	})
}

func ask(t *testing.T, m model.LLM) (resp *model.LLMResponse, md call.Metadata, err error) {
	t.Helper()
	for resp, err = range m.GenerateContent(t.Context(), say("hi"), false) {
		if err != nil {
			return nil, md, err
		}
		md, _ = call.ReadResponse(resp)
	}
	return resp, md, nil
}

// An answer of last resort, or one that asks for a tool, is not the full answer. B87
func TestOnlyFullAnswersAreDelivered(t *testing.T) {
	var b box
	p := inFile(t)
	q := p.open(t, jobs.Config{Deliver: b.deliver})
	id := enqueue(t, q, "acme", "hi")
	down := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
	for i, m := range []model.LLM{
		router.MustFallback(router.Config{}, down, degrade.Template("Sorry.")),
		llmtest.NewModel("pro", llmtest.Call("1", "buy", "", nil)),
		llmtest.NewModel("pro", func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }),
		router.MustFallback(router.Config{}, down, degrade.Deferred(q)),
	} {
		step(t, q, m)
		if job := get(t, q, id); job.State != jobs.Pending || job.Attempts != i+1 || job.Answered {
			t.Errorf("model %d: job %+v, want it pending after %d attempts", i, job, i+1)
		}
		p.pass(t, jobs.DefaultMaxBackoff)
	}
	if list, err := q.List(t.Context(), jobs.Filter{}); err != nil || len(list) != 1 || len(b.texts()) > 0 {
		t.Errorf("%d jobs, error %v, deliveries %q; want the one job undelivered", len(list), err, b.texts())
	}
}

func TestJobsExpire(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Expiry: time.Hour})
		fail := llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrUnavailable))
		waiting := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.Delay = 2 * time.Hour })
		short := enqueue(t, q, "acme", "hi", func(r *jobs.Request) { r.Expiry = time.Minute })
		step(t, q, fail)
		p.pass(t, 61*time.Second)
		step(t, q, paris)
		if job := get(t, q, short); job.State != jobs.Failed || !strings.Contains(job.Error, "expired") {
			t.Errorf("job %+v, want it expired", job)
		}
		idle(t, q, paris)
		p.pass(t, time.Hour)
		step(t, q, paris)
		if job := get(t, q, waiting); job.State != jobs.Failed {
			t.Errorf("job %+v, want it expired", job)
		}
	})
}

// A failed delivery is repeated without another call.
func TestDeliveryIsRepeated(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		b := box{fail: errors.New("mailbox full")}
		q := p.open(t, jobs.Config{Deliver: b.deliver, MaxAttempts: 1})
		id := enqueue(t, q, "acme", "hi")
		m := llmtest.NewModel("pro", llmtest.Text("one"), llmtest.Text("two"))
		for range 3 {
			step(t, q, m)
			if job := get(t, q, id); job.State != jobs.Pending || !job.Answered || job.Attempts != 1 || !strings.Contains(job.Error, "mailbox full") {
				t.Fatalf("job %+v, want it answered and pending", job)
			}
			p.pass(t, jobs.DefaultMaxBackoff)
		}
		b.fail = nil
		step(t, q, m)
		if got := b.texts(); len(got) != 1 || got[0] != "one" || len(m.Requests()) != 1 {
			t.Errorf("delivered %q after %d calls, want the first answer after one", got, len(m.Requests()))
		}
	})
}

// Deliver writes in the transaction that ends the job: not at all if that fails.
func TestDeliveryCommitsWithTheEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		p.exec(t, "CREATE TABLE answers (job TEXT)")
		then := func() {}
		q := p.open(t, jobs.Config{Deliver: func(ctx context.Context, tx jobs.Tx, d jobs.Delivery) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO answers VALUES ('x')")
			then()
			return err
		}})
		id := enqueue(t, q, "acme", "hi")
		then = func() { panic("after the insert") }
		step(t, q, paris)
		count := func() (n int) {
			if err := p.db.QueryRow("SELECT count(*) FROM answers").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n, job := count(), get(t, q, id); n != 0 || job.State != jobs.Pending || !strings.Contains(job.Error, "panicked") {
			t.Errorf("%d answers, job %+v; want none and the job pending", n, job)
		}
		then = func() {}
		p.pass(t, jobs.DefaultMaxBackoff)
		step(t, q, paris)
		if n := count(); n != 1 || get(t, q, id).State != jobs.Done {
			t.Errorf("%d answers, want 1 and the job done", n)
		}
	})
}

// B140
func TestCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{})
		if n, err := q.Counts(t.Context()); err != nil || n != (inspect.Jobs{}) {
			t.Errorf("an empty queue has %+v, error %v", n, err)
		}
		enqueue(t, q, "acme", "answered")
		step(t, q, paris)
		oldest := enqueue(t, q, "acme", "first", func(r *jobs.Request) { r.Delay = time.Hour })
		p.pass(t, time.Minute)
		cancelled := enqueue(t, q, "acme", "cancelled")
		enqueue(t, q, "umbrella", "last", func(r *jobs.Request) { r.Delay = time.Hour })
		if err := q.Cancel(t.Context(), cancelled); err != nil {
			t.Fatal(err)
		}
		want := inspect.Jobs{Pending: 2, Done: 1, Cancelled: 1, Oldest: get(t, q, oldest).Created}
		if got, err := q.Counts(t.Context()); err != nil || got != want {
			t.Errorf("the queue has %+v, error %v; want %+v", got, err, want)
		}
	})
}

// B140: a call of a job is told apart from one that somebody waits for.
func TestCallsOfJobsAreMarked(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{})
		enqueue(t, q, "acme", "hi")
		marked := false
		step(t, q, llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			marked = caller.IsDeferred(ctx)
			llmtest.Text("hello")(ctx, req, stream, yield)
		}))
		if !marked || caller.IsDeferred(t.Context()) {
			t.Error("the call of a job is not marked as deferred")
		}
	})
}

func TestAdmin(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		q := p.open(t, jobs.Config{Retention: time.Hour})
		a := enqueue(t, q, "acme", "hi")
		p.pass(t, time.Second)
		b := enqueue(t, q, "umbrella", "hi", func(r *jobs.Request) { r.Delay = time.Hour })
		if err := q.Cancel(t.Context(), b); err != nil {
			t.Error(err)
		}
		step(t, q, paris)
		for _, test := range []struct {
			filter jobs.Filter
			want   []string
		}{
			{jobs.Filter{}, []string{b, a}},
			{jobs.Filter{Limit: 1}, []string{b}},
			{jobs.Filter{State: jobs.Done}, []string{a}},
			{jobs.Filter{Tenant: "umbrella"}, []string{b}},
			{jobs.Filter{Tenant: "umbrella", State: jobs.Done}, nil},
		} {
			list, err := q.List(t.Context(), test.filter)
			var ids []string
			for _, job := range list {
				ids = append(ids, job.ID)
			}
			if diff := cmp.Diff(test.want, ids); diff != "" || err != nil {
				t.Errorf("%+v: error %v (-want +got):\n%s", test.filter, err, diff)
			}
		}
		for what, err := range map[string]error{
			"Cancel of a job that is done": is(q.Cancel(t.Context(), a), jobs.ErrEnded),
			"Cancel of a cancelled job":    is(q.Cancel(t.Context(), b), jobs.ErrEnded),
			"Cancel of none":               is(q.Cancel(t.Context(), "x"), jobs.ErrNotFound),
			"Retry of none":                is(q.Retry(t.Context(), "x"), jobs.ErrNotFound),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		p.pass(t, 59*time.Minute)
		if err := q.Sweep(t.Context()); err != nil || get(t, q, a).ID != a {
			t.Error("a job was deleted before its time", err)
		}
		p.pass(t, 2*time.Minute)
		if err := q.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := q.Get(t.Context(), a); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("Get after the retention: %v", err)
		}
		enqueue(t, q, "acme", "hi") // its tenant was deleted too
		step(t, q, paris)
	})
}

// is returns nil if err is want, else an error that says what it is.
func is(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("error %w, want %w", err, want)
}

// Other users of the machine cannot read the file, nor what SQLite writes beside it: neither
// what it writes from now on, nor what is there from another program.
func TestFileIsPrivate(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, p *place){
		"new": func(*testing.T, *place) {},
		"empty": func(t *testing.T, p *place) {
			if err := os.WriteFile(p.file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"in use": func(t *testing.T, p *place) { // until p.db is closed, -wal and -shm stay
			p.exec(t, "PRAGMA journal_mode = WAL")
			p.exec(t, "CREATE TABLE orders (id TEXT)")
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.Chmod(p.file+suffix, 0o664); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		p := inFile(t)
		before(t, p)
		q := p.open(t, jobs.Config{})
		private := func(when string) {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				info, err := os.Stat(p.file + suffix)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s, %s: %s: %v, error %v; want mode 0600", name, when, suffix, info, err)
				}
			}
		}
		private("opened")
		enqueue(t, q, "acme", "hi")
		private("used")
	}
}

func TestConfigNamesEveryWrongField(t *testing.T) {
	_, err := jobs.Open(t.Context(), jobs.Config{File: "a?b", Lease: time.Millisecond, Poll: -1, Workers: -1, MaxAttempts: -1, Rate: -1, MaxBackoff: time.Second, Rates: map[string]float64{"x": -1}})
	for _, want := range []string{`Config.File is "a?b"`, "Config.Lease is 1ms; must be at least 100ms, or 0 for 30s", "Config.Poll", "Config.Workers", "Config.MaxAttempts", "Config.Rate is", "Config.MaxBackoff", `Config.Rates["x"]`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	for _, config := range []jobs.Config{{}, {File: "nodriver.db", Driver: "nothing"}, {File: t.TempDir()}, {File: "/nowhere/jobs.db"}} {
		if config.Driver != "" {
			config.File = t.TempDir() + "/" + config.File
		}
		if q, err := jobs.Open(t.Context(), config); err == nil || !strings.HasPrefix(err.Error(), "jobs: ") {
			t.Errorf("%+v: error %v", config.File, err)
			_ = q.Close()
		}
	}
	q := inFile(t).open(t, jobs.Config{})
	for _, r := range []jobs.Request{{}, {LLM: &model.LLMRequest{}}, {LLM: say("hi"), Delay: -1}} {
		if _, err := q.Enqueue(t.Context(), r); err == nil {
			t.Errorf("%+v was queued", r)
		}
	}
}
