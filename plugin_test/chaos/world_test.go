package chaos_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/functiontool"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// world is the application of a plan in front of a strict server, in virtual time.
type world struct {
	*fallbacktest.Server
	plan
	actors []*actor
	runner *runner.Runner
	told   *told
	closes []func()

	mu      sync.Mutex
	tickets map[string]int // guarded by mu; how often the tool has run with each
}

const (
	question = "PROMPTMARK: what is it like in Berlin, and who is alice.promptmark@example.com?"
	toolName = "lookup"
)

// newWorld builds the world of a plan. It must be closed in the same bubble.
func newWorld(t testing.TB, p plan) *world {
	t.Helper()
	w := &world{Server: fallbacktest.NewPipeServer(), plan: p, told: newTold(), tickets: map[string]int{}}
	w.Strict()
	for i := range w.Targets {
		target := &w.Targets[i]
		w.actors = append(w.actors, &actor{LLM: target.client(t, wire{target, w.Client().Transport}), target: target})
		w.Script(target.Name, fallbacktest.Func(func(r fallbacktest.Request) fallbacktest.Step { return w.step(target, r) }))
	}
	m, plugins := entryPoints[p.Entry](t, w)
	w.start(t, m, plugins)
	return w
}

func (w *world) close() {
	for _, f := range w.closes {
		f()
	}
	w.Close()
}

// step is what the server does with a request.
func (w *world) step(t *target, r fallbacktest.Request) fallbacktest.Step {
	n, _ := strconv.Atoi(r.Header.Get(actHeader))
	answer := fallbacktest.Text(w.text(t.Name, n))
	if w.Tools && r.FunctionResponse("") == nil {
		answer = fallbacktest.ToolCall(toolName, map[string]any{"ticket": ticket(t.Name, n)})
	}
	does := t.on(n)
	answer = answer.Usage(inputTokens, outputTokens)
	if f := faults[does.Fault]; f.step != nil {
		return f.step(does, answer)
	}
	return answer
}

// Each answer says that it has so many tokens.
const inputTokens, outputTokens = 1000, 100

// text is the whole answer of a model to its n-th call. No two are alike, unless the plan
// resumes answers.
func (p *plan) text(name string, n int) string {
	who := fmt.Sprintf("%s#%d", name, n)
	if p.sameText() {
		who, n = "same", 0
	}
	r := rand.New(rand.NewPCG(p.Seed, uint64(n)))
	out := []string{"ANSWERMARK", who}
	for i := range 1 + r.IntN(20) {
		out = append(out, fmt.Sprintf("%s.%d", who, i), pick(r, words...))
	}
	return strings.Join(out, " ")
}

// words are hard to carry: marks of the protocols, quotes, other scripts.
var words = []string{"24 °C", "東京", "🙂🙃", `"quoted"`, `back\slash`, "\n\ndata: [DONE]\n\n", "event: error", "<b>&amp;</b>", "line\u2028separator", `{"error":{"code":429}}`, "e\u0301", "plain", "data:"}

func ticket(name string, n int) string { return fmt.Sprintf("%s#%d", name, n) }

// start builds the agent and its runner.
func (w *world) start(t testing.TB, m model.LLM, plugins []*plugin.Plugin) {
	t.Helper()
	config := llmagent.Config{Name: "assistant", Model: m, Instruction: "Answer in one sentence."}
	if w.Tools {
		lookup, err := functiontool.New(functiontool.Config{Name: toolName, Description: "looks something up"}, w.lookup)
		if err != nil {
			t.Fatal(err)
		}
		config.Tools = []tool.Tool{lookup}
	}
	root, err := llmagent.New(config)
	if err != nil {
		t.Fatal(err)
	}
	w.runner, err = runner.New(runner.Config{
		AppName: "app", Agent: root, SessionService: session.InMemoryService(), AutoCreateSession: true,
		PluginConfig: runner.PluginConfig{Plugins: plugins},
	})
	if err != nil {
		t.Fatal(err)
	}
}

type lookupArgs struct {
	Ticket string `json:"ticket"`
}

func (w *world) lookup(_ agent.Context, args lookupArgs) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tickets[args.Ticket]++
	return map[string]string{"found": "it"}, nil
}

// calls is how often the models were called.
func (w *world) calls() (n int) {
	for _, a := range w.actors {
		n += int(a.calls.Load())
	}
	return n
}

// began reports the acts that have begun, by the text that each may say.
func (w *world) began() map[string]string {
	texts := map[string]string{}
	for _, a := range w.actors {
		for n := range int(a.calls.Load()) {
			texts[w.text(a.target.Name, n)] = ticket(a.target.Name, n)
		}
	}
	return texts
}

// logger returns a logger that is listened to.
func (w *world) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(w.told, nil)) }
