package chaos_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

var everyByte = flag.Bool("chaos.every", false, "TestCutAtEveryByte cuts at each byte, not at about one in 7 (in 35 under the race detector), and it and TestEveryStatus play every model, not one of each protocol")

// shorts are short answers to cut, of each kind.
var shorts = map[string]fallbacktest.Step{
	"text":     fallbacktest.Text("It is 24 °C."),
	"call":     fallbacktest.ToolCall(toolName, map[string]any{"ticket": "one"}),
	"thinking": fallbacktest.Parts(&genai.Part{Text: "let me see ", Thought: true}, &genai.Part{Text: "It is 24 °C."}),
}

// B150: an answer that ends at any byte, properly or with the connection, is never given
// for a whole one, and never spliced with the next model's.
func TestCutAtEveryByte(t *testing.T) {
	for _, m := range played() {
		for _, stream := range []bool{false, true} {
			for name, step := range shorts {
				t.Run(fmt.Sprintf("%s/%s, stream %v", m.Name, name, stream), func(t *testing.T) {
					cuts := 0
					synctest.Test(t, func(t *testing.T) { cuts = cutEverywhere(t, m, step, stream) })
					t.Logf("%d cuts", cuts)
				})
			}
		}
	}
}

// cutEverywhere plays an answer with each of its cuts in front of a model that is well.
func cutEverywhere(t *testing.T, m maker, step fallbacktest.Step, stream bool) (cuts int) {
	srv := fallbacktest.NewPipeServer()
	defer srv.Close()
	other := makers[0]
	if m == other {
		other = makers[1]
	}
	srv.Script(other.Name, fallbacktest.Text("from the other"))
	tree := router.MustFallback(router.Config{}, m.client(t, srv.Client().Transport), other.client(t, srv.Client().Transport))
	srv.Script(m.Name, step)
	whole := consume(t.Context(), tree, stream)
	if whole.err != nil || whole.from != m.Name {
		t.Fatalf("uncut: %+v", whole)
	}
	var at atomic.Int64
	for _, way := range []func(int) fallbacktest.Step{step.CutAfterBytes, step.AbortAfterBytes} {
		srv.Script(m.Name, fallbacktest.Func(func(fallbacktest.Request) fallbacktest.Step { return way(int(at.Load())) }))
		// Beyond its end the answer is whole; no short one has so many bytes.
		for n := 0; n < longest[m.Protocol]; n += stride(n) {
			at.Store(int64(n))
			cuts++
			got := consume(t.Context(), tree, stream)
			want := whole
			if got.from != m.Name {
				want = eaten{text: "from the other", from: other.Name}
			}
			if got.err != nil || got.text != want.text || got.calls != want.calls || stream && got.calls == "" && got.screen != got.text {
				t.Fatalf("cut at byte %d: got %+v, want %+v", n, got, want)
			}
		}
	}
	return cuts
}

// longest bounds the streams of short answers, in bytes.
var longest = map[string]int{"gemini": 1200, "chat": 1600, "responses": 5500, "anthropic": 1800}

func stride(n int) int {
	if *everyByte {
		return 1
	}
	return race.Every(5 + n%6)
}

// played returns one model of each protocol, or all of them.
func played() (some []maker) {
	for i, m := range makers {
		if *everyByte || i%2 == 0 {
			some = append(some, m)
		}
	}
	return some
}

// eaten is what a call has come to.
type eaten struct {
	text, screen, calls, from string
	err                       error
}

func consume(ctx context.Context, m model.LLM, stream bool) (got eaten) {
	finals := 0
	for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{
		Contents: genai.Text(question), Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: toolName, Description: "looks something up"}}}}},
	}, stream) {
		if err != nil {
			got.err = err
			continue
		}
		text, calls, _, _ := read(resp.Content)
		switch {
		case resp.CustomMetadata[call.KeyRestart] == true:
			got.screen = ""
		case resp.Partial:
			got.screen += text
		default:
			finals++
			got.text = text
			for _, c := range calls {
				got.calls += fmt.Sprint(c.Name, c.Args)
			}
			md, _ := call.ReadResponse(resp)
			got.from = md.ModelName
		}
	}
	if finals != 1 && got.err == nil {
		got.err = errors.New(strconv.Itoa(finals) + " final responses")
	}
	return got
}
