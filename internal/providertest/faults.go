package providertest

import (
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// ruling is the part of a verdict that must not depend on the protocol. The zero
// ruling is an answer.
type ruling struct {
	action failure.Action
	kind   failure.Kind
}

var (
	answered  = ruling{}
	nothing   = ruling{failure.Retry, failure.KindEmpty}
	truncated = ruling{failure.Retry, failure.KindTruncated}
	network   = ruling{failure.Retry, failure.KindNetwork}
	server    = ruling{failure.Retry, failure.KindServer}
	malformed = ruling{failure.Retry, failure.KindMalformed}
	blocked   = ruling{failure.Fail, failure.KindContent}
	unknown   = ruling{failure.Fallback, failure.KindEmpty}
)

// fault is a step that breaks, and what that means.
type fault struct {
	name  string
	step  fallbacktest.Step
	rules map[rule]ruling
}

// rule says where a ruling holds; without a protocol it holds for all that have
// none of their own.
type rule struct {
	Protocol
	stream bool
}

func breaks(name string, step fallbacktest.Step, unary, streamed ruling) fault {
	return fault{name, step, map[rule]ruling{{stream: false}: unary, {stream: true}: streamed}}
}

// but is a difference of one protocol. The reason stands beside each.
func (f fault) but(p Protocol, unary, streamed ruling) fault {
	f.rules[rule{p, false}], f.rules[rule{p, true}] = unary, streamed
	return f
}

func (f fault) rulingFor(c *contract) ruling {
	if own, ok := f.rules[rule{c.Protocol, c.stream}]; ok {
		return own
	}
	return f.rules[rule{stream: c.stream}]
}

const sentence = "one two three four "

const page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"

// connectionFaults are faults between a server and its client. B54, B58.
func connectionFaults() []fault {
	text := fallbacktest.Text(sentence)
	html := func(code int) fallbacktest.Step {
		return fallbacktest.Status(code, page).Header("Content-Type", "text/html")
	}
	return []fault{
		breaks("reset", fallbacktest.Reset(), network, network),
		// A document is cut in its middle where its stream would be cut between events.
		breaks("cut before the first event", text.CutAfter(0), truncated, nothing),
		breaks("cut after an event", text.CutAfter(1), truncated, truncated),
		breaks("cut before the last event", text.CutAfter(3), truncated, truncated),
		// To genai a body without a byte is an answer without candidates, and ADK's
		// error for that says nothing else: the layer around it falls back.
		breaks("cut before the first byte", text.CutAfterBytes(0), nothing, nothing).but(ADKGemini, unknown, nothing),
		// genai wants to see "data:" in each line.
		breaks("cut after a byte", text.CutAfterBytes(1), truncated, nothing).but(ADKGemini, truncated, truncated),
		breaks("cut after 100 bytes", text.CutAfterBytes(100), truncated, truncated),
		breaks("abort before the first event", text.AbortAfter(0), network, network),
		breaks("abort after two events", text.AbortAfter(2), network, network),
		breaks("abort before the first byte", text.AbortAfterBytes(0), network, network),
		// genai reads half an event before it looks at the connection's error.
		breaks("abort after 100 bytes", text.AbortAfterBytes(100), network, network).but(ADKGemini, network, truncated),
		// A stream has said that it is done; of a document HTTP says that there is
		// more. ADK's model gives its answer away at the end of the connection only.
		breaks("abort after the answer", text.AbortAfter(4), network, answered).but(ADKGemini, network, network),
		breaks("malformed first event", text.MalformedAt(1), truncated, truncated),
		breaks("malformed second event", text.MalformedAt(2), truncated, truncated),
		breaks("malformed last event", text.MalformedAt(4), truncated, truncated),
		breaks("malformed event after the answer", text.MalformedAt(5), truncated, answered).but(ADKGemini, truncated, truncated),
		breaks("web page with a bad status", html(502), server, server),
		breaks("web page with a good status", html(200), server, server),
		breaks("nothing with a good status", fallbacktest.Status(200, ""), nothing, nothing).but(ADKGemini, unknown, nothing),
	}
}

// answerFaults are whole responses that are no answers. B54, B57.
func answerFaults() []fault {
	text := fallbacktest.Text(sentence)
	call := fallbacktest.ToolCall("weather", map[string]any{"city": "Paris"})
	return []fault{
		breaks("empty", fallbacktest.Empty(), nothing, nothing),
		// ADK's error for an answer without candidates says nothing else, so that the
		// layer around it falls back; in a stream its answer lacks a finish reason.
		breaks("no candidates", fallbacktest.NoCandidates(), nothing, nothing).but(ADKGemini, unknown, truncated),
		breaks("thoughts only", fallbacktest.Thoughts("let me see "), nothing, nothing),
		breaks("blocked", fallbacktest.Blocked(genai.BlockedReasonSafety), blocked, blocked).but(ADKGemini, unknown, blocked),
		// Many servers of chat completions send documents without a finish reason, and
		// a document that is cut is no JSON.
		breaks("no finish reason", text.NoFinish(), truncated, truncated).but(Chat, answered, truncated),
		breaks("finish reason OTHER", text.Finish(genai.FinishReasonOther), malformed, malformed),
		breaks("finish reason SAFETY", text.Finish(genai.FinishReasonSafety), blocked, blocked),
		breaks("finish reason RECITATION", text.Finish(genai.FinishReasonRecitation), blocked, blocked),
		// Anthropic's documents hold arguments as an object: the API repairs what it
		// streams as it comes.
		breaks("arguments that are no JSON", call.Finish(genai.FinishReasonMalformedFunctionCall), malformed, malformed).but(Anthropic, answered, malformed),
	}
}

func (c *contract) faults(t *testing.T) {
	for _, f := range append(connectionFaults(), answerFaults()...) {
		t.Run(f.name, func(t *testing.T) {
			srv, m := c.serve(t, f.step)
			x := c.question(t.Context(), m)
			clean(t, srv)
			x.judge(t, f.rulingFor(c))
			if n := len(srv.Requests()); n != 1 {
				t.Errorf("%d requests for one call, want 1: retries belong to the layers", n)
			}
		})
	}
}

// judge compares the verdict, and looks for what a call that failed must not have
// yielded.
func (x exchange) judge(t *testing.T, want ruling) {
	t.Helper()
	v := x.verdict()
	if got := (ruling{v.Action, v.Kind}); got != want {
		t.Errorf("verdict %v, want %v; error %v (%s)", got, want, x.err, v.Reason)
	}
	if x.err != nil && len(x.finals) > 0 {
		t.Errorf("a final response, and the error %v", x.err)
	}
	if shown := x.shown(); !strings.HasPrefix(sentence, shown) && v.Kind != failure.KindContent {
		t.Errorf("%q was shown of %q", shown, sentence)
	}
	if v.Action != "" && v.Kind != failure.KindContent {
		for _, resp := range x.finals {
			if len(callsIn(resp.Content)) > 0 {
				t.Error("an answer that is none carries calls")
			}
		}
	}
}
