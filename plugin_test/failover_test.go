package plugin_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// scenario is one way for a provider to fail, and what has to come of it.
type scenario struct {
	name            string
	primary, backup []fallbacktest.Step
	build           func(*testing.T, *world) model.LLM // nil means newTree
	asked           []string                           // the models that the provider has to see, in order
	restarts        int                                // how often the answer begins again before the caller's eyes
	want            string                             // empty means what the model that is asked last has to say
	check           func(*testing.T, *world, outcome)  // what else has to hold; nil means nothing
	play            func(*testing.T, *world) row       // in place of one turn; nil means one turn
}

// row is a line of the scorecard.
type row struct {
	got      string
	attempts int
	took     time.Duration
}

var (
	answer    = words(60)
	whole     = fallbacktest.Text(answer).Pace(20 * time.Millisecond)
	fromOther = words(30) + " from the backup"
	standIn   = []fallbacktest.Step{fallbacktest.Text(fromOther).Pace(20*time.Millisecond).Usage(7, 33)}
)

// The sixteen ways to fail over that gateways and clients are compared by. What
// the provider sees is as much a part of it as what the caller gets: an answer
// at the price of hammering a provider that is down is no success.
func scenarios() []scenario {
	steps := func(s ...fallbacktest.Step) []fallbacktest.Step { return s }
	return []scenario{
		{ // B35
			name:    "429 with Retry-After 2 s, once",
			primary: steps(fallbacktest.Exhausted().Header("Retry-After", "2"), whole), backup: standIn,
			asked: []string{primary, primary},
			check: waits(2*time.Second, 3*time.Second),
		},
		{ // B70
			name:    "persistent 429 without Retry-After",
			primary: steps(fallbacktest.Exhausted()), backup: standIn,
			asked: []string{primary, primary, primary, backup},
		},
		{
			name:    "500 once",
			primary: steps(fallbacktest.Internal(), whole), backup: standIn,
			asked: []string{primary, primary},
		},
		{ // B70
			name:    "persistent 503",
			primary: steps(fallbacktest.Overloaded()), backup: standIn,
			asked: []string{primary, primary, primary, backup},
		},
		{
			name:    "reset before headers, once",
			primary: steps(fallbacktest.Reset(), whole), backup: standIn,
			asked: []string{primary, primary},
		},
		{ // B55
			name:    "total silence",
			primary: steps(fallbacktest.Silence()), backup: standIn,
			asked: []string{primary, backup}, // a silent route stays silent
			check: waits(firstContent, firstContent),
		},
		{ // B55
			name:    "headers at once, first token after 20 s",
			primary: steps(whole.FirstAfter(20 * time.Second)), backup: standIn,
			asked: []string{primary, backup},
			check: waits(firstContent, firstContent),
		},
		{ // B52, B54
			name:    "cut after 40 of 60 words, without terminator",
			primary: steps(whole.AbortAfter(40)), backup: standIn,
			asked: []string{primary, backup}, restarts: 1,
		},
		{ // B55
			name:    "stall after 20 words",
			primary: steps(whole.StallAfter(20)), backup: standIn,
			asked: []string{primary, backup}, restarts: 1,
			// An idle stream is noticed an eighth of the limit late at most.
			check: waits(idle, 20*20*time.Millisecond+idle+idle/8),
		},
		{ // B58
			name:    "malformed tenth event",
			primary: steps(whole.MalformedAt(10)), backup: standIn,
			asked: []string{primary, backup}, restarts: 1,
		},
		{ // B54. Nothing tells a whole answer without its end from one that was cut at
			// the end of a sentence, so it is not passed on as a whole one.
			name:    "complete stream without its closing sentinel",
			primary: steps(whole.NoFinish()), backup: standIn,
			asked: []string{primary, backup}, restarts: 1,
		},
		{ // B37
			name:    "context length exceeded",
			primary: steps(fallbacktest.ContextLength()), backup: standIn,
			asked: []string{primary, backup},
		},
		{
			name:    "rejected by content policy",
			primary: steps(fallbacktest.Blocked(genai.BlockedReasonProhibitedContent)), backup: standIn,
			asked: []string{primary},
			play:  refused,
		},
		{ // B53
			name:    "cut, with a fallback that rejects prefill",
			primary: steps(whole.AbortAfter(40)), backup: steps(fallbacktest.Func(rejectsPrefill)),
			build: newResumingTree, want: answer,
			asked: []string{primary, backup, backup},
			check: wasAskedToContinue,
		},
		{ // B72, B75
			name:    "down for 60 s, a request every 4 s",
			primary: steps(fallbacktest.For(outage, fallbacktest.Overloaded()), whole), backup: standIn,
			play: outlives,
		},
		{
			name:    "persistent 503, model and usage of the answer",
			primary: steps(fallbacktest.Overloaded()), backup: standIn,
			asked: []string{primary, primary, primary, backup},
			check: tellsItsModelAndUsage,
		},
	}
}

// Over HTTP, in ADK's runner, streamed, in virtual time.
func TestFailover(t *testing.T) {
	var card strings.Builder
	table := tabwriter.NewWriter(&card, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\t#\tscenario\tthe caller got\tattempts\ttime\t")
	passed := 0
	all := scenarios()
	for i, s := range all {
		var r row
		mark := "FAIL"
		if t.Run(s.name, func(t *testing.T) { s.run(t, &r) }) {
			mark = "pass"
			passed++
		}
		fmt.Fprintf(table, "\t%d\t%s\t%s\t%d\t%v\t%s\n", i+1, s.name, r.got, r.attempts, r.took.Round(10*time.Millisecond), mark)
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d\n%s", passed, len(all), card.String())
}

// run fills r also if the scenario fails.
func (s *scenario) run(t *testing.T, r *row) {
	inWorld(t, s.build, func(t *testing.T, w *world) {
		w.Script(primary, s.primary...)
		w.Script(backup, s.backup...)
		if s.play != nil {
			*r = s.play(t, w)
		} else {
			*r = s.answered(t, w)
		}
		if s.asked != nil {
			if diff := cmp.Diff(s.asked, asked(w.Requests())); diff != "" {
				t.Errorf("the provider was asked (-want +got):\n%s", diff)
			}
		}
	})
}

// answered plays one turn, at the end of which the caller has one whole answer.
func (s *scenario) answered(t *testing.T, w *world) row {
	// Retry-After reaches the verdict through the capture; the client drops it.
	got := w.ask(failure.WithCapture(t.Context()), "a question")
	requests := w.Requests()
	r := row{got: "error", attempts: len(requests), took: got.took}
	if got.err != nil {
		t.Errorf("the turn failed: %v", got.err)
		return r
	}
	want := s.want
	if want == "" {
		want = saidBy(requests[len(requests)-1].Model)
	}
	r.got = "part of an answer"
	if got.text == want {
		r.got = "the answer"
	}
	if diff := cmp.Diff(want, got.text); diff != "" {
		t.Errorf("final answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got.screen); diff != "" {
		t.Errorf("what was shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a question", want}, w.stored(t)); diff != "" {
		t.Errorf("the session has (-want +got):\n%s", diff)
	}
	if got.restarts != s.restarts {
		t.Errorf("the answer began again %d times, want %d", got.restarts, s.restarts)
	}
	noHammering(t, w, got)
	if s.check != nil {
		s.check(t, w, got)
	}
	return r
}

// saidBy returns the answer of a model that follows the script of the scenarios.
func saidBy(name string) string {
	if name == backup {
		return fromOther
	}
	return answer
}

// noHammering checks the requests of the only turn so far.
func noHammering(t *testing.T, w *world, got outcome) {
	t.Helper()
	requests := w.Requests()
	if len(requests) > maxAttempts {
		t.Errorf("the provider saw %d attempts for one turn, want at most %d", len(requests), maxAttempts)
	}
	if n := len(between(requests, got.began, got.began.Add(3*time.Second))); n > 4 {
		t.Errorf("the provider saw %d attempts within 3 s, want at most 4", n)
	}
}
