package plugin_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// B59, B64, B72, B75, B87, B100, B113, B143: in a conversation of 14 turns with tools,
// every tier of the ladder goes down, one a turn, and they come back one by one. Every
// turn is answered by the first tier that is up, no tool runs twice for a call, the
// history suits every model, the breakers close, and what was deferred comes once.
//
//	TIERS_SEEDS=60 go test -run TestEveryTier ./plugin_test
func TestEveryTierGoesDownAndComesBack(t *testing.T) {
	t.Parallel()
	inOrder := plan{kills: []int{0, 1, 2, 3, 4, 5, 6}, revives: []int{6, 5, 4, 3, 2, 1, 0}, sessions: 1}
	midLoop, twoSessions := inOrder, inOrder
	midLoop.midLoop, twoSessions.sessions = true, 2
	rootFirst := inOrder
	rootFirst.revives = inOrder.kills
	plans := map[string]plan{
		"in order": inOrder, "in the middle of tool loops": midLoop, "two sessions at once": twoSessions, "the root comes back first": rootFirst,
	}
	seeds := uint64(2)
	if many, err := strconv.ParseUint(os.Getenv("TIERS_SEEDS"), 10, 64); err == nil {
		seeds = many
	}
	for seed := range seeds {
		plans[fmt.Sprint("seed ", seed)] = plan{seed: seed, random: true, midLoop: seed%2 == 1, sessions: 1 + int(seed)%3}
	}
	for name, p := range plans {
		for _, mode := range []agent.StreamingMode{agent.StreamingModeNone, agent.StreamingModeSSE} {
			t.Run(fmt.Sprintf("%s, streaming %v", name, mode), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { newLadder(t, mode, p.seed).play(t, p) })
			})
		}
	}
}

// plan says in which order tiers go down and come back.
type plan struct {
	kills, revives []int
	seed           uint64
	random         bool // orders and breakages are drawn
	midLoop        bool // a model goes down after it has called tools
	sessions       int  // conversations that are held at the same time
}

// passes is the time between two turns; a breaker is open for less.
const passes = 97 * time.Second

// play holds the conversation and checks it.
func (l *ladder) play(t *testing.T, p plan) {
	ways := breakages()
	if p.random {
		p.kills, p.revives = l.random.Perm(templateTier), l.random.Perm(templateTier)
		l.random.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
	}
	for turn := 1; turn <= 2*templateTier; turn++ {
		q := question{n: turn, kind: []string{"parallel", "chained", "plain"}[turn%3], sessions: p.sessions}
		dying := -1
		if turn <= templateTier {
			tier := p.kills[turn-1]
			// A call of a tool is not cached, and what comes after it depends on the caller's thoughts.
			if p.midLoop && tier == l.firstUp() && tier < len(l.remotes) && l.upAfter(tier) != cachedTier {
				dying, q.kind, q.midLoop = tier, []string{"parallel", "chained"}[turn%2], true
			}
			l.kill(tier, ways[tier], dying >= 0)
		} else {
			time.Sleep(passes + l.revive(p.revives[turn-templateTier-1]))
		}
		synctest.Wait()
		q.tier = l.firstUp()
		if q.tier == cachedTier {
			q.kind = "plain"
		}
		l.hold(t, q)
		if dying >= 0 {
			l.kill(dying, ways[dying], false)
		}
		if t.Failed() {
			t.Fatalf("turn %d, killed in the order %v, revived in the order %v", turn, p.kills, p.revives)
		}
	}
	l.recovered(t)
	l.deliveredOnce(t, p.sessions)
	for s := range p.sessions { // with everything that has come since in its history
		l.ask(t, question{n: 2*templateTier + 1, kind: "chained", sessions: 1}, sessionName(s))
	}
	l.historyIsClean(t, p.sessions)
}

// question is one turn.
type question struct {
	n        int
	kind     string // "plain", "parallel" or "chained"
	tier     int    // that answers
	midLoop  bool   // another one has called tools before
	sessions int
}

func (q question) in(sessionID string) string {
	return fmt.Sprintf("question %d %s in %s", q.n, q.kind, sessionID)
}

func sessionName(s int) string { return fmt.Sprintf("session-%d.", s) }

// hold asks the question in all sessions at once.
func (l *ladder) hold(t *testing.T, q question) {
	t.Helper()
	if q.tier == cachedTier {
		for s := range q.sessions {
			l.remember(t, sessionName(s), q.in(sessionName(s)))
		}
	}
	var asking sync.WaitGroup
	for s := range q.sessions {
		asking.Go(func() { l.ask(t, q, sessionName(s)) })
	}
	asking.Wait()
}

// ask asks in one session, and checks what comes.
func (l *ladder) ask(t *testing.T, q question, sessionID string) {
	var got outcome
	for ev, err := range l.runner.Run(t.Context(), "user", sessionID, message(q.in(sessionID)), agent.RunConfig{StreamingMode: l.mode}) {
		if err != nil {
			t.Errorf("turn %d (%s): %v", q.n, l.names[q.tier], err)
			return
		}
		got.add(withoutThoughts(ev))
	}
	if got.final == nil || got.final.ErrorCode != "" {
		t.Errorf("turn %d: the final event is %+v", q.n, got.final)
		return
	}
	md, _ := call.ReadEvent(got.final)
	tier := slices.Index(l.names[:], md.ModelName)
	// While one session's call is the probe of a breaker, others pass by.
	if tier < q.tier || tier > q.tier && q.sessions == 1 {
		t.Errorf("turn %d: %q answered, want %s; attempts %+v", q.n, md.ModelName, l.names[q.tier], md.Attempts)
		return
	}
	l.checkMetadata(t, q, tier, md)
	if want := l.says(tier, q.n); !strings.HasPrefix(got.text, want) || l.mode == agent.StreamingModeSSE && got.screen != got.text {
		t.Errorf("turn %d: %q answered, and %q was shown; want %q", q.n, got.text, got.screen, want)
	}
	if tier == deferredTier {
		job, _ := got.final.CustomMetadata[jobs.KeyJob].(string)
		l.mu.Lock()
		l.deferred = append(l.deferred, job)
		l.mu.Unlock()
	}
	l.checkTools(t, q, tier, sessionID+"/"+got.final.InvocationID, got.calls)
}

// withoutThoughts returns a copy of ev as a screen shows it.
func withoutThoughts(ev *session.Event) *session.Event {
	if ev.Content == nil {
		return ev
	}
	shown := *ev
	shown.Content = &genai.Content{Role: ev.Content.Role}
	for _, part := range ev.Content.Parts {
		if !part.Thought {
			shown.Content.Parts = append(shown.Content.Parts, part)
		}
	}
	return &shown
}

// says returns how a tier's answer begins.
func (l *ladder) says(tier, turn int) string {
	own := fmt.Sprintf("this is answer %d.", turn)
	switch tier {
	case cachedTier:
		return degrade.DefaultPrefix + own
	case retrievalTier:
		return degrade.DefaultIntro + "\n\n> " + passage
	case deferredTier:
		return laterText
	case templateTier:
		return sorryText
	}
	return own
}
