package plugin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/functiontool"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B64, B100, B101, B103, B104, B105: a conversation with parallel tools,
// thoughts, an image, a schema and every setting, begun at one family, goes on at
// any other and comes back; no strict server has anything to refuse.
func TestEveryPairOfFamilies(t *testing.T) {
	for first, firsts := range families {
		for second, seconds := range families {
			if first == second {
				continue
			}
			for _, one := range firsts {
				for _, other := range seconds {
					for _, mode := range []agent.StreamingMode{agent.StreamingModeNone, agent.StreamingModeSSE} {
						t.Run(fmt.Sprintf("%s %s to %s %s and back, streaming %v", first, one, second, other, mode), func(t *testing.T) {
							t.Parallel()
							newConversation(t, newFamily(t, first, one), newFamily(t, second, other), mode).play(t)
						})
					}
				}
			}
		}
	}
}

// conversation is a session with an agent, most often one whose model is a router
// over two families.
type conversation struct {
	first, second *family
	runner        *runner.Runner
	sessions      session.Service
	mode          agent.StreamingMode
	tools         atomic.Int32 // how many tool calls ran; the calls of one answer run at once
}

func newConversation(t *testing.T, first, second *family, mode agent.StreamingMode) *conversation {
	t.Helper()
	c := newConversationWith(t, router.MustFallback(router.Config{}, first.llm, second.llm), session.InMemoryService(), mode)
	c.first, c.second = first, second
	return c
}

// newConversationWith returns a conversation of an agent with that model.
func newConversationWith(t *testing.T, llm model.LLM, sessions session.Service, mode agent.StreamingMode) *conversation {
	t.Helper()
	c := &conversation{sessions: sessions, mode: mode}
	var tools []tool.Tool
	for _, name := range []string{"weather", "clock"} {
		one, err := functiontool.New(functiontool.Config{Name: name, Description: "tells about a city"},
			func(_ agent.Context, args struct {
				City string `json:"city"`
			}) (map[string]any, error) {
				c.tools.Add(1)
				return map[string]any{"of": args.City, "tells": name}, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		tools = append(tools, one)
	}
	a, err := llmagent.New(llmagent.Config{
		Name: "assistant", Model: llm,
		Instruction: "Answer with a report.", Tools: tools, GenerateContentConfig: everySetting(),
		OutputSchema: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{
			"report": {Type: genai.TypeString, Nullable: genai.Ptr(true)},
		}, Required: []string{"report"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.runner, err = runner.New(runner.Config{AppName: "app", Agent: a, SessionService: c.sessions, AutoCreateSession: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// play plays eight turns: one at the first family, six at the second, one at the
// first again.
func (c *conversation) play(t *testing.T) {
	for turn := 1; turn <= 8; turn++ {
		at := c.first
		c.first.srv.Script(c.first.model, answering())
		c.second.srv.Script(c.second.model, answering())
		if turn > 1 && turn < 8 {
			at = c.second
			c.first.srv.Script(c.first.model, fallbacktest.DailyQuota())
		}
		before := c.history(t)
		tools := c.tools.Load()
		text, md := c.turn(t, turn)
		if want := fmt.Sprintf("report %d", turn); !strings.Contains(text, want) {
			t.Fatalf("turn %d: the answer is %q, want %q in it", turn, text, want)
		}
		if md.ModelName != at.model {
			t.Errorf("turn %d: %s answered, want %s", turn, md.ModelName, at.model)
		}
		if ran := c.tools.Load() - tools; turn%2 == 1 && ran != 2 {
			t.Errorf("turn %d: %d tool calls ran, want 2", turn, ran)
		}
		if diff := cmp.Diff(before, c.history(t)[:len(before):len(before)]); len(before) > 0 && diff != "" {
			t.Fatalf("turn %d: the history changed (-before +after):\n%s", turn, diff)
		}
	}
	for _, f := range []*family{c.first, c.second} {
		for _, violation := range f.srv.Violations() {
			t.Errorf("the server of %s refused: %s", f.name, violation)
		}
	}
}

// turn asks the agent: odd turns need tools, turn 4 shows an image.
func (c *conversation) turn(t *testing.T, turn int) (text string, md call.Metadata) {
	t.Helper()
	question := genai.NewContentFromText(fmt.Sprintf("question %d", turn), genai.RoleUser)
	if turn == 4 {
		question.Parts = append(question.Parts, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")}})
	}
	for ev, err := range c.runner.Run(t.Context(), "user", "session", question, agent.RunConfig{StreamingMode: c.mode}) {
		if err != nil {
			t.Fatalf("turn %d: %v", turn, err)
		}
		if ev.Partial || ev.Content == nil {
			continue
		}
		if told, ok := call.ReadEvent(ev); ok {
			md = told
		}
		for _, part := range ev.Content.Parts {
			if part.Text != "" && !part.Thought {
				text = part.Text
			}
		}
	}
	return text, md
}

// history returns the stored events as JSON.
func (c *conversation) history(t *testing.T) []string {
	t.Helper()
	got, err := c.sessions.Get(t.Context(), &session.GetRequest{AppName: "app", UserID: "user", SessionID: "session"})
	if err != nil {
		return nil // before the first turn
	}
	var events []string
	for ev := range got.Session.Events().All() {
		text, err := json.Marshal(ev)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(text))
	}
	return events
}

// answering is the step of a healthy model: it calls both tools when an odd turn
// begins, and answers in the form that the request asks for.
func answering() fallbacktest.Step {
	return fallbacktest.Func(func(req fallbacktest.Request) fallbacktest.Step {
		turn := lastQuestion(req)
		thought := &genai.Part{Text: "let me think about it", Thought: true}
		if turn%2 == 1 && req.FunctionResponse("") == nil {
			return fallbacktest.Parts(thought,
				&genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": "Paris"}}},
				&genai.Part{FunctionCall: &genai.FunctionCall{Name: "clock", Args: map[string]any{"city": "Rome"}}})
		}
		report := map[string]any{"report": fmt.Sprintf("report %d", turn)}
		if offers(req, "set_model_response") {
			if req.FunctionResponse("set_model_response") != nil {
				return fallbacktest.Text("done")
			}
			return fallbacktest.Parts(thought, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "set_model_response", Args: report}})
		}
		text, _ := json.Marshal(report)
		return fallbacktest.Parts(thought, &genai.Part{Text: string(text)})
	})
}

// lastQuestion returns the number of the latest question in req.
func lastQuestion(req fallbacktest.Request) (turn int) {
	for _, content := range req.Contents {
		for _, part := range content.Parts {
			_, _ = fmt.Sscanf(part.Text, "question %d", &turn)
		}
	}
	return turn
}

func offers(req fallbacktest.Request, function string) bool {
	for _, tool := range req.Tools {
		for _, f := range tool.FunctionDeclarations {
			if f.Name == function {
				return true
			}
		}
	}
	return false
}
