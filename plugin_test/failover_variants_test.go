package plugin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// What the sixteen scenarios leave open, played in the same way.
func TestFailoverVariants(t *testing.T) {
	steps := func(s ...fallbacktest.Step) []fallbacktest.Step { return s }
	for _, s := range []scenario{
		{ // B27
			name:    "429 with RetryInfo 2 s",
			primary: steps(fallbacktest.MinuteQuota(2*time.Second), whole), backup: standIn,
			asked: []string{primary, primary},
			check: waits(2*time.Second, 3*time.Second),
		},
		{ // B50
			name:    "429 inside the stream before any content",
			primary: steps(whole.ErrorAt(1, fallbacktest.MinuteQuota(2*time.Second)), whole), backup: standIn,
			asked: []string{primary, primary},
			check: waits(2*time.Second, 3*time.Second),
		},
		{ // B50: a quota of a day is not waited for
			name:    "daily quota inside the stream before any content",
			primary: steps(whole.ErrorAt(1, fallbacktest.DailyQuota())), backup: standIn,
			asked: []string{primary, backup},
			check: waits(0, 0),
		},
		{ // B51
			name:    "cut after a chunk of metadata",
			primary: steps(whole.MetadataFirst().AbortAfter(1), whole), backup: standIn,
			asked: []string{primary, primary},
		},
		{ // B54
			name:    "ended in proper HTTP after 40 of 60 words",
			primary: steps(whole.CutAfter(40)), backup: standIn,
			asked: []string{primary, backup}, restarts: 1,
		},
		{ // B54
			name:    "closed after the finish reason, without terminator",
			primary: steps(whole.AbortAfter(60)), backup: standIn,
			asked: []string{primary, backup}, restarts: 1,
		},
		{ // B55
			name:    "slow but moving",
			primary: steps(whole.Pace(2 * time.Second)), backup: standIn,
			asked: []string{primary},
		},
		{ // B57
			name:    "an answer without parts, once",
			primary: steps(fallbacktest.Empty(), whole), backup: standIn,
			asked: []string{primary, primary},
		},
		{ // B57
			name:    "a stream without candidates, once",
			primary: steps(fallbacktest.NoCandidates(), whole), backup: standIn,
			asked: []string{primary, primary},
		},
		{ // B52: a second cut is one more restart, and still no splice
			name:    "both cut, the backup in its second half",
			primary: steps(whole.AbortAfter(40)), backup: steps(fallbacktest.Text(fromOther).AbortAfter(30)),
			build: newTreeOfThree, want: "the third answers",
			asked: []string{primary, backup, "gemini-2.5-flash-lite"}, restarts: 2,
		},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, &row{}) })
	}
}

// newTreeOfThree has a third target, which is healthy.
func newTreeOfThree(t *testing.T, w *world) model.LLM {
	const lite = "gemini-2.5-flash-lite"
	w.Script(lite, fallbacktest.Text("the third answers"))
	return router.MustFallback(router.Config{}, guarded(w.gemini(t, primary)), guarded(w.gemini(t, backup)), guarded(w.gemini(t, lite)))
}

// B53
func TestCutEndsTheTurnWhereConfigured(t *testing.T) {
	build := func(t *testing.T, w *world) model.LLM {
		return router.MustFallback(router.Config{MidStream: router.FailMidStream}, guarded(w.gemini(t, primary)), guarded(w.gemini(t, backup)))
	}
	inWorld(t, build, func(t *testing.T, w *world) {
		w.Script(primary, whole.AbortAfter(40))
		w.Script(backup, standIn...)
		got := w.ask(t.Context(), "a question")
		if got.err == nil || got.final != nil || got.restarts != 0 {
			t.Errorf("final %q, %d restarts, err %v, want the error alone", got.text, got.restarts, got.err)
		}
		if diff := cmp.Diff([]string{primary}, asked(w.Requests())); diff != "" {
			t.Errorf("the provider was asked (-want +got):\n%s", diff)
		}
	})
}

// B56
func TestCallerWhoLeavesEndsTheAttempt(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.Script(primary, whole.StallAfter(20))
		w.Script(backup, standIn...)
		shown := 0
		for range w.runner.Run(t.Context(), "user", "session", message("a question"), agent.RunConfig{StreamingMode: agent.StreamingModeSSE}) {
			if shown++; shown == 10 {
				break
			}
		}
		time.Sleep(time.Minute) // for whatever might still be tried
		requests := w.Requests()
		if len(requests) != 1 || requests[0].Outcome != fallbacktest.ClientGone {
			t.Errorf("requests = %+v, want one that its client has left", requests)
		}
	})
}

// B59, B64. The turn changes models between a call and its result.
func TestToolLoopChangesModelsBetweenCallAndResult(t *testing.T) {
	inWorld(t, withTool, func(t *testing.T, w *world) {
		w.Script(primary, fallbacktest.ToolCall("lookup", nil).Signature([]byte("of the primary")), fallbacktest.Times(3, fallbacktest.Overloaded()), whole)
		w.Script(backup, standIn...)
		got := w.ask(t.Context(), "a question")
		if got.err != nil || got.text != fromOther || w.lookups != 1 {
			t.Fatalf("%q after %d lookups, err %v", got.text, w.lookups, got.err)
		}
		paired(t, w.RequestsFor(backup)[0])

		// And back: the next turn starts at the primary, which reads the whole of it.
		if got := w.ask(t.Context(), "another question"); got.err != nil || got.text != answer {
			t.Fatalf("%q, err %v", got.text, got.err)
		}
		requests := w.Requests()
		paired(t, requests[len(requests)-1])
	})
}

// B59, B64. A turn that has fallen back stays where it is answered.
func TestToolLoopStaysWithTheModelThatCalled(t *testing.T) {
	inWorld(t, withTool, func(t *testing.T, w *world) {
		w.Script(primary, fallbacktest.Times(3, fallbacktest.Overloaded()), whole)
		w.Script(backup, fallbacktest.ToolCall("lookup", nil), standIn[0])
		got := w.ask(t.Context(), "a question")
		if got.err != nil || got.text != fromOther || w.lookups != 1 || got.calls != 1 {
			t.Fatalf("%q after %d lookups, err %v", got.text, w.lookups, got.err)
		}
		w.ask(t.Context(), "another question")
		want := []string{primary, primary, primary, backup, backup, primary}
		if diff := cmp.Diff(want, asked(w.Requests())); diff != "" {
			t.Errorf("the provider was asked (-want +got):\n%s", diff)
		}
		paired(t, w.RequestsFor(backup)[1])
		paired(t, w.RequestsFor(primary)[3])
	})
}

// B59
func TestRestartRunsNoToolTwice(t *testing.T) {
	inWorld(t, withTool, func(t *testing.T, w *world) {
		lookup := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "lookup"}}
		cut := fallbacktest.Parts(genai.NewPartFromText("Let me look. "), lookup, genai.NewPartFromText("Wait.")).AbortAfter(2)
		w.Script(primary, cut)
		w.Script(backup, fallbacktest.ToolCall("lookup", nil), standIn[0])
		got := w.ask(t.Context(), "a question")
		if got.err != nil || got.text != fromOther || got.restarts != 1 {
			t.Errorf("%q after %d restarts, err %v", got.text, got.restarts, got.err)
		}
		if w.lookups != 1 || got.calls != 1 {
			t.Errorf("the tool ran %d times for %d calls, want once", w.lookups, got.calls)
		}
	})
}

// withTool is newTree for an agent with a tool.
func withTool(t *testing.T, w *world) model.LLM {
	w.withTool = true
	return newTree(t, w)
}

// paired checks that a request has one call of the tool, followed by its result.
func paired(t *testing.T, r fallbacktest.Request) {
	t.Helper()
	var turns []string
	for _, content := range r.Contents {
		for _, part := range content.Parts {
			switch {
			case part.FunctionCall != nil:
				turns = append(turns, "call "+part.FunctionCall.Name+" "+part.FunctionCall.ID)
			case part.FunctionResponse != nil:
				turns = append(turns, "result "+part.FunctionResponse.Name+" "+part.FunctionResponse.ID)
			}
		}
	}
	if diff := cmp.Diff([]string{"call lookup call_0", "result lookup call_0"}, turns); diff != "" {
		t.Errorf("calls and results in a request to %s (-want +got):\n%s", r.Model, diff)
	}
}
