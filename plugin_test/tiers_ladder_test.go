package plugin_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/memory"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/functiontool"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The tiers after the models, by their place in the ladder.
const (
	cachedTier = iota + 4
	retrievalTier
	deferredTier
	templateTier
	tiers
)

const (
	passage   = "The handbook: measure twice, cut once."
	laterText = "Not now. The full answer will follow."
	sorryText = "Nobody can answer. Call the help desk."
)

// ladder is an application whose model has eight tiers, each of which can be taken down
// but the last.
type ladder struct {
	remotes  []*remote
	cache    *cache.Cache
	queue    *jobs.Queue
	sessions session.Service
	runner   *runner.Runner
	mode     agent.StreamingMode
	healthy  *remote        // at another replica, which is never down and shares the cache
	replica  *runner.Runner // with that model
	names    [tiers]string
	random   *rand.Rand

	down  [tiers]atomic.Bool
	wakes sync.WaitGroup

	mu        sync.Mutex
	ran       map[string]map[string]int // by session and invocation: how often a call's tool ran; guarded by mu
	delivered map[string]int            // by job; guarded by mu
	deferred  []string                  // jobs that users were told of; guarded by mu
	twins     int
}

// newLadder builds Gemini → chat completions → Anthropic → local → cached answer →
// retrieval → deferred → template, in a synctest bubble.
func newLadder(t *testing.T, mode agent.StreamingMode, seed uint64) *ladder {
	t.Helper()
	l := &ladder{
		sessions: session.InMemoryService(), mode: mode, random: rand.New(rand.NewPCG(seed, 0)),
		ran: map[string]map[string]int{}, delivered: map[string]int{},
	}
	l.cache = cache.MustNew(cache.Config{LookupOnly: true, LookupAge: 1000 * time.Hour, Scope: func(context.Context) []string {
		if l.down[cachedTier].Load() {
			return nil
		}
		return []string{}
	}})
	var err error
	l.queue, err = jobs.Open(t.Context(), jobs.Config{
		File: filepath.Join(t.TempDir(), "jobs.db"), Codec: l, Sessions: l.sessions, Deliver: l.deliver,
		Poll: time.Hour, Expiry: 1000 * time.Hour, MaxAttempts: 1000, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.remotes = newRemotes(t, func() { l.wakes.Go(func() { _ = l.queue.Wake(context.Background()) }) })
	l.healthy = newRemote(t, l.remotes[0].name, func() {}, geminiAt(t))
	var targets []model.LLM
	for _, r := range l.remotes {
		targets = append(targets, r.llm)
	}
	targets = append(targets, degrade.CachedAnswer(l.cache), degrade.Retrieval(l),
		degrade.MustDeferred(degrade.DeferredConfig{Queue: l.queue, Text: laterText}), degrade.Template(sorryText))
	for i, target := range targets {
		l.names[i] = target.Name()
	}
	// A bad key ends a call, unless a judge says otherwise.
	judge := func(v failure.Verdict) failure.Verdict {
		if v.Kind == failure.KindAuth {
			v.Action = failure.Fallback
		}
		return v
	}
	tree := middleware.Chain(router.MustFallback(router.Config{Judge: judge}, targets...), l.cache.Middleware())
	l.runner = l.newRunner(t, tree)
	l.replica = l.newRunner(t, middleware.Chain(router.MustFallback(router.Config{}, l.healthy.llm), l.cache.Middleware()))

	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { _ = l.queue.Run(ctx, tree) })
	t.Cleanup(func() {
		stop()
		working.Wait()
		l.wakes.Wait()
		_ = l.queue.Close()
		_ = l.cache.Close()
	})
	return l
}

func (l *ladder) newRunner(t *testing.T, m model.LLM) *runner.Runner {
	t.Helper()
	var tools []tool.Tool
	for _, name := range []string{"weather", "clock"} {
		one, err := functiontool.New(functiontool.Config{Name: name, Description: "tells about a city"},
			func(ctx agent.Context, args struct {
				City string `json:"city"`
			}) (map[string]any, error) {
				l.runs(ctx.SessionID()+"/"+ctx.InvocationID(), ctx.FunctionCallID())
				return map[string]any{"of": args.City, "tells": name}, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		tools = append(tools, one)
	}
	// The mode is the default one; ADK v2.2.0 writes a default, unguarded, in the first runs.
	a, err := llmagent.New(llmagent.Config{Name: "assistant", Mode: llmagent.ModeChat, Model: m, Instruction: "Be brief.", Tools: tools})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{AppName: "app", Agent: a, SessionService: l.sessions, AutoCreateSession: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// runs counts that the tool of a call ran.
func (l *ladder) runs(turn, call string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ran[turn] == nil {
		l.ran[turn] = map[string]int{}
	}
	l.ran[turn][call]++
}

// deliver counts the answers that came later.
func (l *ladder) deliver(_ context.Context, _ jobs.Tx, d jobs.Delivery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delivered[d.Job.ID]++
	return nil
}

// Seal implements jobs.Codec. While it fails, no call can be deferred.
func (l *ladder) Seal(plain []byte) ([]byte, error) {
	if l.down[deferredTier].Load() {
		return nil, errors.New("the key service is down")
	}
	return plain, nil
}

// Open implements jobs.Codec.
func (l *ladder) Open(sealed []byte) ([]byte, error) { return sealed, nil }

// SearchMemory implements memory.Service.
func (l *ladder) SearchMemory(context.Context, *memory.SearchRequest) (*memory.SearchResponse, error) {
	if l.down[retrievalTier].Load() {
		return nil, errors.New("the index is down")
	}
	return &memory.SearchResponse{Memories: []memory.Entry{{Author: "handbook", Content: genai.NewContentFromText(passage, genai.RoleUser)}}}, nil
}

// AddSessionToMemory implements memory.Service.
func (*ladder) AddSessionToMemory(context.Context, session.Session) error { return nil }

// kill takes a tier down.
func (l *ladder) kill(i int, how breakage, afterTools bool) {
	l.down[i].Store(true)
	if i < len(l.remotes) {
		l.remotes[i].breaks(how, afterTools)
	}
}

// revive brings a tier back, and returns how long it may still be skipped.
func (l *ladder) revive(i int) time.Duration {
	l.down[i].Store(false)
	if i < len(l.remotes) {
		return l.remotes[i].mends()
	}
	return 0
}

// firstUp returns the tier that has to answer.
func (l *ladder) firstUp() int { return l.upAfter(-1) }

// upAfter returns the first tier after the given one that is up.
func (l *ladder) upAfter(tier int) int {
	for i := tier + 1; i < templateTier; i++ {
		if !l.down[i].Load() {
			return i
		}
	}
	return templateTier
}

// remember lets the replica answer the question in a copy of the session, so that the
// cache has an answer to it.
func (l *ladder) remember(t *testing.T, sessionID, question string) {
	t.Helper()
	l.mu.Lock()
	l.twins++
	twin := sessionID + "-twin-" + string(rune('a'+l.twins))
	l.mu.Unlock()
	created, err := l.sessions.Create(t.Context(), &session.CreateRequest{AppName: "app", UserID: "user", SessionID: twin})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range l.events(t, sessionID) {
		if err := l.sessions.AppendEvent(t.Context(), created.Session, ev); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range l.replica.Run(t.Context(), "user", twin, message(question), agent.RunConfig{StreamingMode: l.mode}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// events returns copies of the stored events of a session, none before its first turn.
func (l *ladder) events(t *testing.T, sessionID string) (events []*session.Event) {
	t.Helper()
	got, err := l.sessions.Get(t.Context(), &session.GetRequest{AppName: "app", UserID: "user", SessionID: sessionID})
	if err != nil {
		return nil
	}
	for ev := range got.Session.Events().All() {
		own := *ev
		events = append(events, &own)
	}
	return events
}
