package providertest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// history: a conversation of many turns that others have answered is understood
// from its first word on, and unchanged by it. B100, B104.
func (c *contract) history(t *testing.T, turns int) {
	d := c.begin(t, &genai.GenerateContentConfig{Tools: tools(weatherTool())})
	d.contents = append(d.contents,
		genai.NewContentFromText("Remember the word heron.", genai.RoleUser), genai.NewContentFromText("I shall.", genai.RoleModel))
	for turn := range turns - 1 {
		d.contents = append(d.contents, pastTurn(turn)...)
	}
	before := asJSON(t, d.contents)
	mentions(t, d.sayText(t, "Which word were you to remember? Answer in one word, without a tool."), "heron")
	if diff := cmp.Diff(before, asJSON(t, d.contents[:len(d.contents)-2])); diff != "" {
		t.Errorf("the history changed (-before +after):\n%s", diff)
	}
}

func (c *contract) longHistory(t *testing.T) { c.history(t, 200) }

// pastTurn is a turn of another vendor's model: every third one has a tool loop,
// and every fifth one a thought.
func pastTurn(turn int) (contents []*genai.Content) {
	contents = append(contents, genai.NewContentFromText(fmt.Sprintf("How is the sky, for the %dth time?", turn), genai.RoleUser))
	answer := genai.NewContentFromText("It is sunny.", genai.RoleModel)
	if turn%5 == 0 {
		thought := &genai.Part{Text: "a thought of another", Thought: true, ThoughtSignature: request.Seal("another", []byte("signature"))}
		answer.Parts = append([]*genai.Part{thought}, answer.Parts...)
	}
	if turn%3 == 0 {
		id := fmt.Sprintf("an id of another vendor, longer than most APIs take and with characters that they refuse: %d", turn)
		contents = append(contents,
			&genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: id, Name: "weather", Args: map[string]any{"city": "Paris"}}}}},
			&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: id, Name: "weather", Response: map[string]any{"sky": "sunny"}}}}})
	}
	return append(contents, answer)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// thoughts: those of the turn under way go back in the form that the server made
// them, and are no text of the answer. B104.
func (c *contract) thoughts(t *testing.T) {
	const thought = "let me think about the sky "
	srv, m := c.serve(t,
		fallbacktest.Parts(&genai.Part{Text: thought, Thought: true},
			&genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": "Paris"}}}),
		fallbacktest.Text("It is sunny."))
	d := &dialogue{contract: c, model: m, config: &genai.GenerateContentConfig{
		Tools: tools(weatherTool()), ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true},
	}}
	answer := d.sayText(t, "What is the sky of Paris like?")
	if first := answer.Content.Parts[0]; !first.Thought || first.Text != thought {
		t.Errorf("the answer begins with %+v, want the thought", first)
	}
	d.checkCalls(t, answer, "Paris")
	if shown := d.last.shown(); shown != "" {
		t.Errorf("%q was shown as text", shown)
	}
	mentions(t, d.say(t, results(answer, weather)), "sunny")
	clean(t, srv)
	for _, content := range srv.Requests()[1].Contents {
		for _, part := range content.Parts {
			if part.Text == thought && !part.Thought {
				t.Error("the thought went back as text")
			}
		}
	}
}
