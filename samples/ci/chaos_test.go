package ci_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// runs is the number of seeds of TestChaos. The first seed is CHAOS_SEED (default: 1).
const runs = 50

// The bounds of a turn: what the policy file allows.
const (
	longest  = 46 * time.Second // timeouts.total, and the template
	requests = 4                // two attempts at each model
)

// TestChaos plays random faults of both models in virtual time. Under all of them, the user
// gets a whole answer or the template, in time, with a bounded number of requests.
//
//	CHAOS_SEED=7 go test -run TestChaos .   # repeats a failure of seed 7
func TestChaos(t *testing.T) {
	first := uint64(1)
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CHAOS_SEED is %q; it must be a whole number", text)
		}
	}
	for seed := first; seed < first+runs; seed++ {
		synctest.Test(t, func(t *testing.T) { play(t, seed) })
	}
}

// play asks ten questions under the faults of a seed.
func play(t *testing.T, seed uint64) {
	draw := rand.New(rand.NewPCG(seed, 0))
	server := fallbacktest.NewPipeServer()
	defer server.Close()
	for i, name := range []string{primary, fallback} {
		var asked atomic.Uint64
		server.Script(name, fallbacktest.Func(func(fallbacktest.Request) fallbacktest.Step {
			return fault(rand.New(rand.NewPCG(seed, 2*asked.Add(1)+uint64(i))), answer(name))
		}))
	}
	r := newAgent(t, newModel(t, server))
	for i := range 10 {
		mode := agent.StreamingModeSSE
		if draw.IntN(2) == 0 {
			mode = agent.StreamingModeNone
		}
		asked, begin := len(server.Requests()), time.Now()
		got := ask(t, r, fmt.Sprint("session ", i), mode)
		switch {
		case got.err != nil:
			t.Errorf("seed %d, turn %d: %v; want an answer or the template", seed, i, got.err)
		case got.text != template && got.text != answer(got.model):
			t.Errorf("seed %d, turn %d: %q by %q; want a whole answer or the template", seed, i, got.text, got.model)
		}
		if took := time.Since(begin); took > longest {
			t.Errorf("seed %d, turn %d: it took %v; want at most %v", seed, i, took, longest)
		}
		if n := len(server.Requests()) - asked; n > requests {
			t.Errorf("seed %d, turn %d: %d requests; want at most %d", seed, i, n, requests)
		}
	}
}

// answer is the whole answer of a model.
func answer(model string) string {
	return "The weather, according to " + model + ", is sunny with a light wind."
}

// fault returns how a model responds to a request. About a third of the requests get an answer.
func fault(draw *rand.Rand, text string) fallbacktest.Step {
	whole := fallbacktest.Text(text)
	all := []fallbacktest.Step{
		whole, whole.FirstAfter(time.Duration(draw.IntN(12)) * time.Second), whole.Pace(time.Duration(draw.IntN(3000)) * time.Millisecond), whole, whole,
		fallbacktest.Overloaded(), fallbacktest.Internal(), fallbacktest.Capacity(), fallbacktest.DailyQuota(), fallbacktest.MinuteQuota(20 * time.Second),
		fallbacktest.Reset(), fallbacktest.Silence(), fallbacktest.Empty(), fallbacktest.Status(502, "<html>Bad Gateway</html>"),
		whole.AbortAfter(1 + draw.IntN(6)), whole.CutAfter(1 + draw.IntN(6)), whole.StallAfter(1 + draw.IntN(6)), whole.MalformedAt(1 + draw.IntN(6)),
	}
	return all[draw.IntN(len(all))]
}
