package fallbacktest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// TestClientSees plays each step to a real genai client, unary and streamed, and
// checks what the client makes of it and how the server recorded the end.
func TestClientSees(t *testing.T) {
	const stop = genai.FinishReasonStop
	sunny := ft.Text("It is sunny today") // four events
	whole := seen{Events: 1, Text: "It is sunny today", Finish: stop, Usage: "3+4=7"}
	streamed := func(change func(*seen)) seen {
		s := seen{Events: 4, Text: "It is sunny today", Finish: stop, Usage: "3+4=7"}
		if change != nil {
			change(&s)
		}
		return s
	}
	failed := func(err string) seen { return seen{Err: err} }
	// part is what is seen of the first two events, when then err comes.
	part := func(err string) seen { return seen{Events: 2, Text: "It is ", Usage: "3+2=5", Err: err} }
	late := func(s seen, first, took time.Duration) seen {
		s.First, s.Took = first, took
		return s
	}
	sec := time.Second

	for _, tc := range []struct {
		name          string
		step          ft.Step
		unary, stream seen
		unaryOutcome  ft.Outcome // the zero value means the same as outcome
		outcome       ft.Outcome // the zero value means Completed
	}{
		{name: "text", step: sunny, unary: whole, stream: streamed(nil)},
		{name: "chunks", step: ft.Chunks("It is sunny", " today"), unary: whole,
			stream: streamed(func(s *seen) { s.Events = 2 })},
		{name: "usage", step: sunny.Usage(40, 8),
			unary:  seen{Events: 1, Text: whole.Text, Finish: stop, Usage: "40+8=48"},
			stream: streamed(func(s *seen) { s.Usage = "40+8=48" })},
		{name: "safety", step: sunny.Finish(genai.FinishReasonSafety),
			unary:  seen{Events: 1, Text: whole.Text, Finish: genai.FinishReasonSafety, Usage: whole.Usage},
			stream: streamed(func(s *seen) { s.Finish = genai.FinishReasonSafety })},
		{name: "missing finish reason", step: sunny.NoFinish(),
			unary:  seen{Events: 1, Text: whole.Text, Usage: whole.Usage},
			stream: streamed(func(s *seen) { s.Finish = "" })},
		{name: "metadata first", step: sunny.MetadataFirst(), unary: whole,
			stream: streamed(func(s *seen) { s.Events = 5 })},
		{name: "thoughts only", step: ft.Thoughts("let me think"),
			unary:  seen{Events: 1, Thought: "let me think", Finish: stop, Usage: "3+3=6"},
			stream: seen{Events: 3, Thought: "let me think", Finish: stop, Usage: "3+3=6"}},
		{name: "tool call", step: ft.ToolCall("weather", map[string]any{"city": "Paris"}).Signature([]byte("sig")),
			unary:  seen{Events: 1, Calls: []string{`weather{"city":"Paris"}sig`}, Finish: stop, Usage: "3+1=4"},
			stream: seen{Events: 1, Calls: []string{`weather{"city":"Paris"}sig`}, Finish: stop, Usage: "3+1=4"}},
		{name: "text beside two calls", step: ft.Parts(
			&genai.Part{Text: "Looking. "}, nil,
			&genai.Part{FunctionCall: &genai.FunctionCall{Name: "a"}},
			&genai.Part{FunctionCall: &genai.FunctionCall{Name: "b"}}).Signature([]byte("!")),
			unary:  seen{Events: 1, Text: "Looking. ", Calls: []string{"anull!", "bnull"}, Finish: stop, Usage: "3+3=6"},
			stream: seen{Events: 3, Text: "Looking. ", Calls: []string{"anull!", "bnull"}, Finish: stop, Usage: "3+3=6"}},
		{name: "thought before text", step: ft.Parts(&genai.Part{Text: "Hm. ", Thought: true}, &genai.Part{Text: "Hi."}),
			unary:  seen{Events: 1, Thought: "Hm. ", Text: "Hi.", Finish: stop, Usage: "3+2=5"},
			stream: seen{Events: 2, Thought: "Hm. ", Text: "Hi.", Finish: stop, Usage: "3+2=5"}},
		{name: "signature on text", step: ft.Parts(&genai.Part{Text: "a", ThoughtSignature: []byte("1")}, &genai.Part{Text: "b"}, &genai.Part{Text: "c"}).Signature([]byte("2")),
			unary:  seen{Events: 1, Text: "a<1>bc<2>", Finish: stop, Usage: "3+3=6"},
			stream: seen{Events: 3, Text: "a<1>bc<2>", Finish: stop, Usage: "3+3=6"}},
		{name: "empty", step: ft.Empty(),
			unary:  seen{Events: 1, Finish: stop, Usage: "3+0=3"},
			stream: seen{Events: 1, Finish: stop, Usage: "3+0=3"}},
		{name: "no candidates", step: ft.NoCandidates(),
			unary:  seen{Events: 1, Usage: "3+0=3"},
			stream: seen{Events: 1, Usage: "3+0=3"}},
		{name: "blocked prompt", step: ft.Blocked(genai.BlockedReasonProhibitedContent),
			unary:  seen{Events: 1, Blocked: genai.BlockedReasonProhibitedContent, Usage: "3+0=3"},
			stream: seen{Events: 1, Blocked: genai.BlockedReasonProhibitedContent, Usage: "3+0=3"}},

		{name: "daily quota", step: ft.DailyQuota(), unary: failed("429 RESOURCE_EXHAUSTED"), stream: failed("429 RESOURCE_EXHAUSTED")},
		{name: "minute quota", step: ft.MinuteQuota(2 * sec), unary: failed("429 RESOURCE_EXHAUSTED"), stream: failed("429 RESOURCE_EXHAUSTED")},
		{name: "exhausted", step: ft.Exhausted(), unary: failed("429 RESOURCE_EXHAUSTED"), stream: failed("429 RESOURCE_EXHAUSTED")},
		{name: "overloaded", step: ft.Overloaded(), unary: failed("503 UNAVAILABLE"), stream: failed("503 UNAVAILABLE")},
		{name: "capacity", step: ft.Capacity(), unary: failed("503 UNAVAILABLE"), stream: failed("503 UNAVAILABLE")},
		{name: "internal", step: ft.Internal(), unary: failed("500 INTERNAL"), stream: failed("500 INTERNAL")},
		{name: "deadline", step: ft.Deadline(), unary: failed("504 DEADLINE_EXCEEDED"), stream: failed("504 DEADLINE_EXCEEDED")},
		{name: "context length", step: ft.ContextLength(), unary: failed("400 INVALID_ARGUMENT"), stream: failed("400 INVALID_ARGUMENT")},
		{name: "invalid key", step: ft.InvalidKey(), unary: failed("400 INVALID_ARGUMENT"), stream: failed("400 INVALID_ARGUMENT")},
		{name: "not found", step: ft.NotFound(), unary: failed("404 NOT_FOUND"), stream: failed("404 NOT_FOUND")},
		{name: "location", step: ft.Location(), unary: failed("400 FAILED_PRECONDITION"), stream: failed("400 FAILED_PRECONDITION")},
		{name: "html status", step: ft.Status(502, "<html>Bad Gateway</html>"), unary: failed("502 502 Bad Gateway"), stream: failed("502 502 Bad Gateway")},

		{name: "reset", step: ft.Reset(), unary: failed("reset"), stream: failed("reset"), outcome: ft.Broken},
		{name: "silence", step: ft.Silence(), outcome: ft.ClientGone,
			unary: late(failed("deadline"), 0, patience), stream: late(failed("deadline"), 0, patience)},
		{name: "delay before headers", step: sunny.After(20 * sec),
			unary: late(whole, 20*sec, 20*sec), stream: late(streamed(nil), 20*sec, 20*sec)},
		{name: "delay before an error", step: ft.Overloaded().After(20 * sec),
			unary: late(failed("503 UNAVAILABLE"), 0, 20*sec), stream: late(failed("503 UNAVAILABLE"), 0, 20*sec)},
		{name: "delay beyond the client's patience", step: sunny.After(2 * patience), outcome: ft.ClientGone,
			unary: late(failed("deadline"), 0, patience), stream: late(failed("deadline"), 0, patience)},
		{name: "slow first token", step: sunny.FirstAfter(20 * sec),
			unary: late(whole, 20*sec, 20*sec), stream: late(streamed(nil), 20*sec, 20*sec)},
		{name: "slow but moving", step: sunny.Pace(2 * sec), unary: whole, stream: late(streamed(nil), 0, 6*sec)},

		{name: "cut", step: sunny.CutAfter(2), unary: failed("bad JSON"), stream: part(""), outcome: ft.Broken},
		{name: "cut with a given usage", step: sunny.Usage(40, 8).CutAfter(2), unary: failed("bad JSON"), outcome: ft.Broken,
			stream: seen{Events: 2, Text: "It is ", Usage: "40+4=44"}},
		{name: "cut before the first event", step: sunny.CutAfter(0), unary: failed("bad JSON"), stream: seen{}, outcome: ft.Broken},
		{name: "cut at the end", step: sunny.CutAfter(4), unary: whole, stream: streamed(nil)},
		{name: "cut in bytes", step: sunny.CutAfterBytes(40), unary: failed("bad JSON"), stream: failed("bad JSON"), outcome: ft.Broken},
		{name: "abort", step: sunny.AbortAfter(2), unary: failed("unexpected EOF"), stream: part("unexpected EOF"), outcome: ft.Broken},
		{name: "abort at the end", step: sunny.AbortAfter(9), unary: failed("unexpected EOF"),
			stream: streamed(func(s *seen) { s.Err = "unexpected EOF" }), outcome: ft.Broken},
		{name: "abort in bytes", step: sunny.AbortAfterBytes(40), unary: failed("unexpected EOF"), stream: failed("bad JSON"), outcome: ft.Broken},
		{name: "abort of an error", step: ft.Overloaded().AbortAfter(0), unary: failed("unexpected EOF"), stream: failed("unexpected EOF"), outcome: ft.Broken},
		{name: "stall", step: sunny.StallAfter(2), outcome: ft.ClientGone,
			unary: late(failed("deadline"), 0, patience), stream: late(part("deadline"), 0, patience)},
		{name: "malformed", step: sunny.MalformedAt(3), unary: failed("bad JSON"), stream: part("bad JSON"),
			unaryOutcome: ft.Completed, outcome: ft.ClientGone},
		{name: "malformed after the end", step: sunny.MalformedAt(9), unary: failed("bad JSON"),
			stream: streamed(func(s *seen) { s.Err = "bad JSON" })},
		{name: "error in the stream", step: sunny.ErrorAt(3, ft.Overloaded()),
			unary: failed("503 UNAVAILABLE"), stream: part("503 UNAVAILABLE")},
		{name: "error in the stream at once", step: sunny.ErrorAt(1, ft.DailyQuota()),
			unary: failed("429 RESOURCE_EXHAUSTED"), stream: failed("429 RESOURCE_EXHAUSTED")},
		{name: "error in the stream over several lines", step: sunny.ErrorAt(3, ft.Status(500, "{\n\n\"error\": {\"code\": 500, \"status\": \"INTERNAL\"}}")),
			unary: failed("500 INTERNAL"), stream: part("500 INTERNAL")},
		{name: "error in the stream that is none", step: sunny.ErrorAt(3, ft.Silence()),
			unary: failed("500 INTERNAL"), stream: part("500 INTERNAL")},
	} {
		check := func(stream bool, want seen, outcome ft.Outcome) func(*testing.T) {
			return func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *ft.Server) {
					srv.Script(flash, tc.step)
					got := ask(t, srv.ClientConfig(), flash, stream)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("client saw (-want +got):\n%s", diff)
					}
					srv.Close()
					if got := srv.Requests()[0].Outcome; got != outcome {
						t.Errorf("outcome = %q, want %q", got, outcome)
					}
				})
			}
		}
		outcome := tc.outcome
		if outcome == ft.InFlight {
			outcome = ft.Completed
		}
		unaryOutcome := tc.unaryOutcome
		if unaryOutcome == ft.InFlight {
			unaryOutcome = outcome
		}
		t.Run(tc.name+"/unary", check(false, tc.unary, unaryOutcome))
		t.Run(tc.name+"/stream", check(true, tc.stream, outcome))
	}
}

func TestModelVersion(t *testing.T) {
	for want, step := range map[string]ft.Step{
		flash:                    ft.Text("hi"),
		"gemini-2.5-flash-09-25": ft.Text("hi").Version("gemini-2.5-flash-09-25"),
	} {
		inBubble(t, func(t *testing.T, srv *ft.Server) {
			srv.Script(flash, step)
			client, err := genai.NewClient(t.Context(), srv.ClientConfig())
			if err != nil {
				t.Fatal(err)
			}
			for resp, err := range client.Models.GenerateContentStream(t.Context(), flash, genai.Text("hi"), nil) {
				if err != nil || resp.ModelVersion != want {
					t.Errorf("version = %q, err = %v, want %q", resp.ModelVersion, err, want)
				}
			}
		})
	}
}
