package chaos_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// turn is what one caller got of one turn.
type turn struct {
	caller, n    int
	began, ended time.Time
	events       int
	calls        int      // of models that ended with a call of the tool, or with thoughts
	thoughts     int      // the latter
	attempts     int      // of models, by all callers
	screen       string   // the partial text since the last marker
	screens      []string // each screen that was not of one answer
	finals       []final
	tickets      []string // of the calls of the tool
	errs         []error
	late         bool // something came after the end
	stopped      bool // by the consumer
	log          strings.Builder
}

// final is a response that ends a turn.
type final struct {
	text, code, screen string
	degraded           string
}

// play runs a plan and returns what it breaks, and what happened.
func play(t *testing.T, p plan) (broken []violation, story string) {
	defer func() {
		if r := recover(); r != nil {
			// The bubble cannot end: something waits for ever.
			broken = append(broken, violation{ruleLeak, fmt.Sprint(r)})
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		turns := w.turns(t)
		time.Sleep(10 * time.Minute) // for whatever might still go on
		w.close()
		synctest.Wait()
		broken = w.judge(turns, w.told.end(t))
		for _, turn := range turns {
			story += turn.log.String()
		}
		for _, r := range w.Requests() {
			story += fmt.Sprintf("  server: %s act %s at %v, %s\n", r.Model, r.Header.Get(actHeader), r.Time.Sub(turns[0].began), r.Outcome)
		}
	})
	return broken, story
}

// turns lets all callers take their turns.
func (w *world) turns(t *testing.T) (all []*turn) {
	var callers sync.WaitGroup
	var mu sync.Mutex
	for caller := range w.Callers {
		callers.Go(func() {
			time.Sleep(time.Duration(caller) * 700 * time.Millisecond)
			for n := range w.Turns {
				one := w.take(t.Context(), caller, n)
				mu.Lock()
				all = append(all, one)
				mu.Unlock()
				time.Sleep(w.Gap)
			}
		})
	}
	callers.Wait()
	return all
}

// take takes one turn.
func (w *world) take(ctx context.Context, caller, n int) *turn {
	got := &turn{caller: caller, n: n, began: time.Now()}
	ctx = call.With(ctx, call.Info{Tenant: "tenant", DataClass: "pii"})
	ctx, cancel := context.WithTimeout(ctx, w.Deadline)
	defer cancel()
	if w.CancelAfter > 0 {
		defer time.AfterFunc(w.CancelAfter, cancel).Stop()
	}
	before := w.calls()
	config := agent.RunConfig{}
	if w.Stream {
		config.StreamingMode = agent.StreamingModeSSE
	}
	message := genai.NewContentFromText(question, genai.RoleUser)
	for ev, err := range w.runner.Run(ctx, "user", fmt.Sprint("session ", caller), message, config) {
		got.add(w, ev, err)
		// ADK 2.2 asks a model that has only thought again and again.
		if got.events == w.StopAfter || got.thoughts == 20 {
			got.stopped = true
			break
		}
		time.Sleep(w.Dawdle)
	}
	got.ended = time.Now()
	got.attempts = w.calls() - before
	fmt.Fprintf(&got.log, "  caller %d, turn %d: ended after %v, %d attempts\n", caller, n, got.ended.Sub(got.began), got.attempts)
	return got
}

// add takes an event or an error.
func (g *turn) add(w *world, ev *session.Event, err error) {
	g.events++
	if err != nil && len(g.finals) > 0 && time.Since(g.began) >= w.limit() {
		return // ADK 2.2 has an error of its own if the deadline passes while its consumer holds the answer
	}
	g.late = g.late || len(g.errs)+len(g.finals) > 0
	at := time.Since(g.began)
	if err != nil {
		fmt.Fprintf(&g.log, "  caller %d, turn %d, %v: error %v\n", g.caller, g.n, at, err)
		w.told.look("error", fmt.Sprintf("%v %+v %+v", err, err, failure.Classify(err)))
		g.errs = append(g.errs, err)
		return
	}
	w.told.look("event", fmt.Sprint(ev.CustomMetadata, ev.ErrorCode, ev.ErrorMessage))
	text, calls, results, thoughts := read(ev.Content)
	fmt.Fprintf(&g.log, "  caller %d, turn %d, %v: partial %v, %d calls, %d results, code %q, text %.60q %v\n", g.caller, g.n, at, ev.Partial, len(calls), results, ev.ErrorCode, text, ev.CustomMetadata)
	switch {
	case ev.CustomMetadata[call.KeyRestart] == true:
		g.screen = ""
	case ev.Partial:
		g.screen += text
		if g.screen != "" && !w.isBeginning(g.screen) {
			g.screens = append(g.screens, g.screen)
		}
	case results > 0:
		g.late = false
	case len(calls) > 0:
		g.calls++
		g.screen = ""
		for _, c := range calls {
			id, _ := c.Args["ticket"].(string)
			g.tickets = append(g.tickets, id)
		}
	case text == "" && thoughts:
		g.calls++
		g.thoughts++
	default:
		degraded, _ := ev.CustomMetadata[call.KeyDegraded].(string)
		g.finals = append(g.finals, final{text: text, code: ev.ErrorCode, screen: g.screen, degraded: degraded})
	}
}

// isBeginning reports whether text is how an answer begins that a model was to give.
func (w *world) isBeginning(text string) bool {
	for whole := range w.began() {
		if strings.HasPrefix(whole, text) {
			return true
		}
	}
	return false
}

func read(c *genai.Content) (text string, calls []*genai.FunctionCall, results int, thoughts bool) {
	if c == nil {
		return "", nil, 0, false
	}
	for _, p := range c.Parts {
		switch {
		case p.FunctionCall != nil:
			calls = append(calls, p.FunctionCall)
		case p.FunctionResponse != nil:
			results++
		case p.Thought:
			thoughts = true
		default:
			text += p.Text
		}
	}
	return text, calls, results, thoughts
}
