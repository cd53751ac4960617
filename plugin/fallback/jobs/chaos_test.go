package jobs_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// childEnv makes the test binary a worker; its value is a workplace as JSON.
const childEnv = "JOBS_TEST_CHILD"

// workplace is what a worker process needs to know.
type workplace struct {
	File, DSN string // of the queue
	Sessions  string // SQLite file of ADK's sessions
	Lease     time.Duration
}

// storm says how hard workers are hit.
type storm struct {
	jobs, kills, stops int
	lease              time.Duration
}

// B143: workers that are killed and frozen at random moments lose no job and deliver none
// twice, neither to a table of the application nor to an ADK session.
//
// By default a small storm. JOBS_CHAOS=1 makes it a long one of 1,000 jobs, 50 kills and 20
// stops; JOBS_SEED=n repeats the random choices of a failed one (the moments of processes
// differ all the same):
//
//	JOBS_CHAOS=1 go test -run TestChaos -v -timeout 20m ./plugin/fallback/jobs
func TestChaos(t *testing.T) {
	s := storm{jobs: 120, kills: 6, stops: 3, lease: 300 * time.Millisecond}
	if os.Getenv("JOBS_CHAOS") != "" {
		s = storm{jobs: 1000, kills: 50, stops: 20, lease: time.Second}
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("JOBS_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("JOBS_SEED=%d", seed)
	onBoth(t, func(t *testing.T, p *place) { chaos(t, p, s, rand.New(rand.NewPCG(seed, 1))) })
}

func chaos(t *testing.T, p *place, s storm, random *rand.Rand) {
	started := time.Now()
	w := workplace{File: p.file, DSN: p.dsn, Sessions: filepath.Join(t.TempDir(), "sessions.db"), Lease: s.lease}
	sessions := sessionsIn(t, w.Sessions)
	const users = 10
	for i := range users {
		if _, err := sessions.Create(t.Context(), &session.CreateRequest{AppName: "shop", UserID: "ada", SessionID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	q := p.open(t, jobs.Config{Lease: s.lease})
	p.exec(t, "CREATE TABLE deliveries (job TEXT, text TEXT)")
	workers := []*worker{newWorker(t, w), newWorker(t, w)}

	var ids []string
	add := func(n int) {
		for range min(n, s.jobs-len(ids)) {
			info := call.Info{App: "shop", User: "ada", Session: fmt.Sprint(len(ids) % users), Agent: "clerk", Tenant: fmt.Sprint("t", len(ids)%3)}
			ids = append(ids, persist(t, q, info, fmt.Sprintf("job %d", len(ids))))
		}
	}
	blows := make([]bool, s.kills+s.stops) // true: a stop
	for i := range s.stops {
		blows[i] = true
	}
	random.Shuffle(len(blows), func(i, j int) { blows[i], blows[j] = blows[j], blows[i] })
	for i, stop := range blows {
		add(s.jobs/len(blows) + 1)
		victim := workers[random.IntN(len(workers))]
		time.Sleep(time.Duration(random.IntN(250)) * time.Millisecond) // the random moment
		if !stop {
			victim.kill()
			victim.start()
			continue
		}
		if i%2 == 0 {
			victim.awaitDelivery()
		}
		victim.signal(syscall.SIGSTOP)
		time.Sleep(2 * s.lease) // the freeze
		victim.signal(syscall.SIGCONT)
	}
	add(s.jobs)

	open := -1
	for deadline := time.Now().Add(time.Minute); open != 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		before := open
		if err := p.db.QueryRow("SELECT count(*) FROM fallback_jobs WHERE due_at IS NOT NULL").Scan(&open); err != nil {
			open = before
		}
		if open != before { // a busy machine may take its time, as long as it goes on
			deadline = time.Now().Add(time.Minute)
		}
	}
	for _, w := range workers {
		w.kill()
	}
	if open != 0 {
		t.Errorf("%d jobs have not ended", open)
	}
	t.Logf("%d jobs, %d kills, %d stops of which %d inside a delivery, in %v", len(ids), s.kills, s.stops, workers[0].inside+workers[1].inside, time.Since(started).Round(time.Millisecond))
	verify(t, p, q, sessions, users, ids)
}

// persist enqueues as an application does: with a key, again if the database fails.
func persist(t *testing.T, q *jobs.Queue, info call.Info, text string) (id string) {
	t.Helper()
	var err error
	for range 20 {
		if id, err = q.Enqueue(call.With(t.Context(), info), jobs.Request{LLM: say(text), Key: text}); err == nil {
			return id
		}
	}
	t.Fatal(err)
	return ""
}

func verify(t *testing.T, p *place, q *jobs.Queue, sessions session.Service, users int, ids []string) {
	t.Helper()
	told, stored, by := map[string]int{}, map[string]int{}, map[string]string{}
	rows, err := p.db.Query("SELECT job, text FROM deliveries")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			t.Fatal(err)
		}
		told[id]++
		by[id] += text + "; "
	}
	for i := range users {
		got, err := sessions.Get(t.Context(), &session.GetRequest{AppName: "shop", UserID: "ada", SessionID: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		for event := range got.Session.Events().All() {
			stored[fmt.Sprint(event.CustomMetadata[jobs.KeyAnswer])]++
		}
	}
	if p.file != "" {
		var version, state string
		if err := p.db.QueryRow("SELECT sqlite_version()").Scan(&version); err != nil {
			t.Error(err)
		}
		if err := p.db.QueryRow("PRAGMA integrity_check").Scan(&state); err != nil || state != "ok" {
			t.Errorf("SQLite %s: integrity %q, error %v", version, state, err)
		}
		t.Logf("SQLite %s", version)
	}
	attempts := 0
	for i, id := range ids {
		job := get(t, q, id)
		attempts += job.Attempts
		if job.State != jobs.Done || told[id] != 1 || stored[id] != 1 {
			t.Errorf("job %d: %+v; delivered %d times to the table and %d times to the session, want once each; by %s", i, job, told[id], stored[id], by[id])
		}
	}
	if len(told) != len(ids) || len(stored) != len(ids) {
		t.Errorf("answers of %d jobs in the table and %d in the sessions, want %d", len(told), len(stored), len(ids))
	}
	t.Logf("%d calls of the model", attempts)
}

// worker is a process that runs jobs.
type worker struct {
	t          *testing.T
	place      string
	cmd        *exec.Cmd
	output     chan struct{} // closed when the process has ended
	delivering atomic.Pointer[chan struct{}]
	inside     int // stops inside a delivery
}

func newWorker(t *testing.T, w workplace) *worker {
	t.Helper()
	place, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	p := &worker{t: t, place: string(place)}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (w *worker) start() {
	w.t.Helper()
	w.cmd = exec.Command(os.Args[0])
	w.cmd.Env = append(os.Environ(), childEnv+"="+w.place)
	w.cmd.Stderr = os.Stderr
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.output = make(chan struct{})
	go w.read(out, w.output) // ends with the process
}

// read follows the process, which writes a line at the start of each delivery.
func (w *worker) read(out io.Reader, ended chan struct{}) {
	defer close(ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if waiting := w.delivering.Swap(nil); waiting != nil {
			close(*waiting)
		}
	}
}

// awaitDelivery waits until the process is inside a delivery.
func (w *worker) awaitDelivery() {
	began := make(chan struct{})
	w.delivering.Store(&began)
	select {
	case <-began:
		w.inside++
	case <-time.After(2 * time.Second): // nothing to deliver
	}
}

func (w *worker) signal(s syscall.Signal) { _ = w.cmd.Process.Signal(s) }

func (w *worker) kill() {
	if w.cmd == nil {
		return
	}
	_ = w.cmd.Process.Kill()
	<-w.output
	_ = w.cmd.Wait()
	w.cmd = nil
}

// child is the main function of a worker process.
func child() {
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func work() error {
	var w workplace
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &w); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", w.Sessions+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return err
	}
	config := jobs.Config{File: w.File, Lease: w.Lease, Backoff: 20 * time.Millisecond, Poll: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}
	if config.Sessions, err = newSessions(db); err != nil {
		return err
	}
	if w.DSN != "" {
		config.Wait = wait
		if config.DB, err = sql.Open("pgx", w.DSN); err != nil {
			return err
		}
	}
	config.Deliver = func(ctx context.Context, tx jobs.Tx, d jobs.Delivery) error {
		fmt.Println("delivering") // one write
		by := fmt.Sprintf("process %d at %v, due %v", os.Getpid(), time.Now(), d.Job.Due)
		if _, err := tx.ExecContext(ctx, "INSERT INTO deliveries VALUES ('"+d.Job.ID+"', '"+by+"')"); err != nil {
			return err
		}
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		return nil
	}
	ctx := context.Background()
	q, err := jobs.Open(ctx, config)
	for range 20 { // the file is locked while another worker is frozen
		if err == nil {
			break
		}
		q, err = jobs.Open(ctx, config)
	}
	if err != nil {
		return err
	}
	return q.Run(ctx, llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		if rand.IntN(20) == 0 {
			yield(nil, errors.New("now and then it fails"))
			return
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText("answer to "+lastText(req), genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}))
}
