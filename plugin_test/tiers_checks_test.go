package plugin_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// checkMetadata checks who answered, according to the event, and that it tells of every
// tier before, and of no other.
func (l *ladder) checkMetadata(t *testing.T, q question, tier int, md call.Metadata) {
	t.Helper()
	degraded := ""
	if tier >= cachedTier {
		degraded = l.names[tier]
	}
	if md.Degraded != degraded || md.Triggered != (tier > 0) {
		t.Errorf("turn %d: metadata %+v, want degraded %q by tier %d", q.n, md, degraded, tier)
	}
	if !md.Triggered {
		return
	}
	if md.OriginalModel != l.names[0] || md.FallbackModel != l.names[tier] || md.ErrorCode == "" || md.Reason == "" || md.Attempt < 1 {
		t.Errorf("turn %d: metadata %+v, want a fallback from %s to %s with its cause", q.n, md, l.names[0], l.names[tier])
	}
	failed := map[string]bool{}
	for _, a := range md.Attempts[:len(md.Attempts)-1] {
		failed[a.Model] = true
		if at := slices.Index(l.names[:], a.Model); a.Outcome == call.OK && !q.midLoop || at > tier || at < 0 {
			t.Errorf("turn %d: an attempt before that of %s is %+v", q.n, l.names[tier], a)
		}
	}
	if last := md.Attempts[len(md.Attempts)-1]; last.Model != l.names[tier] || last.Outcome != call.OK {
		t.Errorf("turn %d: the last attempt is %+v, want the answer of %s", q.n, last, l.names[tier])
	}
	if len(failed) < tier && q.kind == "plain" { // in a tool loop the later calls begin at the fallback
		t.Errorf("turn %d: attempts %+v, want all tiers before %s", q.n, md.Attempts, l.names[tier])
	}
}

// checkTools checks that the tool of each call of a turn ran once.
func (l *ladder) checkTools(t *testing.T, q question, tier int, turn string, calls int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	ran := l.ran[turn]
	for id, times := range ran {
		if times != 1 || id == "" {
			t.Errorf("turn %d: the tool of call %q ran %d times", q.n, id, times)
		}
	}
	want := 2
	switch {
	case q.kind == "plain", tier >= cachedTier && !q.midLoop,
		tier >= cachedTier && q.sessions > 1 && calls == 0: // another session's calls have opened the breaker before
		want = 0
	case tier >= cachedTier && q.kind == "chained":
		want = 1
	}
	if len(ran) != calls || len(ran) != want {
		t.Errorf("turn %d %s: %d tools ran for %d calls, want %d; the answer is of %s", q.n, q.kind, len(ran), calls, want, l.names[tier])
	}
}

// recovered checks that each breaker that has opened closes once its model is called.
func (l *ladder) recovered(t *testing.T) {
	t.Helper()
	time.Sleep(25 * time.Hour)
	for _, r := range l.remotes {
		for range r.llm.GenerateContent(t.Context(), textRequest(), false) {
		}
		r.mu.Lock()
		if r.breaker != middleware.BreakerClosed {
			t.Errorf("the breaker of %s, which opened %d times, is %s", r.name, r.opened, r.breaker)
		}
		r.mu.Unlock()
	}
}

// deliveredOnce checks that each deferred answer has come once, to the application and
// into its session.
func (l *ladder) deliveredOnce(t *testing.T, sessions int) {
	t.Helper()
	time.Sleep(time.Hour)
	synctest.Wait()
	events := map[string]int{}
	for s := range sessions {
		for _, ev := range l.events(t, sessionName(s)) {
			if id, ok := ev.CustomMetadata[jobs.KeyAnswer].(string); ok {
				events[id]++
				if md, _ := call.ReadEvent(ev); md.Degraded != "" || !strings.HasPrefix(request.Text(ev.Content), "this is answer ") {
					t.Errorf("the full answer is %q by %+v", request.Text(ev.Content), md)
				}
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range l.deferred {
		if l.delivered[id] != 1 || events[id] != 1 {
			job, _ := l.queue.Get(t.Context(), id)
			t.Errorf("job %s was delivered %d times, with %d events: %+v", id, l.delivered[id], events[id], job)
		}
	}
	if len(l.delivered) != len(l.deferred) {
		t.Errorf("%d answers were delivered of %d deferred", len(l.delivered), len(l.deferred))
	}
}

// historyIsClean checks every request that a server has seen.
func (l *ladder) historyIsClean(t *testing.T, sessions int) {
	t.Helper()
	for _, r := range append(l.remotes, l.healthy) {
		for _, violation := range r.srv.Violations() {
			t.Errorf("the server of %s refused: %s", r.name, violation)
		}
		for _, req := range r.srv.Requests() {
			for _, text := range []string{passage, laterText, sorryText} {
				if strings.Contains(string(req.Body), text) {
					t.Errorf("a request to %s has %q", r.name, text)
				}
			}
			pairedCalls(t, req.Contents)
		}
	}
	l.neutralLines(t, sessions)
}

// neutralLines checks that the root's last turn has a neutral line for each placeholder
// of its session.
func (l *ladder) neutralLines(t *testing.T, sessions int) {
	t.Helper()
	for s := range sessions {
		placeholders := 0
		for _, ev := range l.events(t, sessionName(s)) {
			if ev.CustomMetadata[call.KeyUnanswered] == true {
				placeholders++
			}
		}
		lines := -1
		for _, req := range l.remotes[0].srv.Requests() {
			if n, _, _ := lastAsked(req); n > 2*templateTier && strings.Contains(string(req.Body), sessionName(s)) {
				lines = max(lines, strings.Count(string(req.Body), request.Neutral))
			}
		}
		if lines < placeholders {
			t.Errorf("the root's history has %d neutral lines for %d placeholders", lines, placeholders)
		}
	}
}

// pairedCalls checks that each call has one response.
func pairedCalls(t *testing.T, contents []*genai.Content) {
	t.Helper()
	calls, responses := 0, 0
	for _, content := range contents {
		for _, part := range content.Parts {
			if part.FunctionCall != nil {
				calls++
			}
			if part.FunctionResponse != nil {
				responses++
			}
		}
	}
	if calls != responses {
		t.Errorf("a request has %d calls and %d responses", calls, responses)
	}
}
