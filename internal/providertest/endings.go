package providertest

import (
	"testing"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// endings: why an answer ended is told in genai's words.
func (c *contract) endings(t *testing.T) {
	call := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": "Paris"}}}
	text := &genai.Part{Text: "I look. "}
	for name, at := range map[string]struct {
		step   fallbacktest.Step
		means  ruling
		finish genai.FinishReason
		text   string
	}{
		"STOP":                     {fallbacktest.Text(sentence), answered, genai.FinishReasonStop, sentence},
		"STOP with a call":         {fallbacktest.Parts(text, call), answered, genai.FinishReasonStop, text.Text},
		"MAX_TOKENS":               {fallbacktest.Text(sentence).Finish(genai.FinishReasonMaxTokens), answered, genai.FinishReasonMaxTokens, sentence},
		"MAX_TOKENS in a call":     {fallbacktest.Parts(text, call).Finish(genai.FinishReasonMaxTokens), answered, genai.FinishReasonMaxTokens, text.Text},
		"MAX_TOKENS in a thought":  {fallbacktest.Thoughts("let me see ").Finish(genai.FinishReasonMaxTokens), ruling{failure.Fallback, failure.KindEmpty}, genai.FinishReasonMaxTokens, ""},
		"SAFETY before the answer": {fallbacktest.Empty().Finish(genai.FinishReasonSafety), blocked, genai.FinishReasonSafety, ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv, m := c.serve(t, at.step)
			x := c.ask(t.Context(), m, &genai.GenerateContentConfig{Tools: tools(weatherTool())}, genai.NewContentFromText("a question", genai.RoleUser))
			clean(t, srv)
			v := x.verdict()
			if got := (ruling{v.Action, v.Kind}); got != at.means {
				t.Errorf("verdict %v, want %v; error %v", got, at.means, x.err)
			}
			if x.err != nil && at.means.action == failure.Fallback {
				return // a layer around has made it an error; a refusal is the user's to see
			}
			if len(x.finals) != 1 {
				t.Fatalf("%d final responses and error %v, want one", len(x.finals), x.err)
			}
			got := x.finals[0]
			if got.FinishReason != at.finish || said(got.Content) != at.text {
				t.Errorf("%q with finish reason %s, want %q with %s", said(got.Content), got.FinishReason, at.text, at.finish)
			}
			for _, call := range callsIn(got.Content) { // one that was cut off must not be here
				if call.Args["city"] != "Paris" {
					t.Errorf("a call with arguments %v", call.Args)
				}
			}
			if v.Kind == failure.KindContent && got.ErrorCode == "" {
				t.Error("a refusal without an error code")
			}
		})
	}
}

// usage: thoughts are counted apart from the answer, and nothing twice: prices rely
// on it.
func (c *contract) usage(t *testing.T) {
	srv, m := c.serve(t, fallbacktest.Parts(&genai.Part{Text: "let me think ", Thought: true}, &genai.Part{Text: "an answer"}).Usage(12, 5))
	answer := c.question(t.Context(), m).final(t)
	clean(t, srv)
	u := answer.UsageMetadata
	if u == nil {
		t.Fatal("no usage")
	}
	if out := u.CandidatesTokenCount + u.ThoughtsTokenCount; u.PromptTokenCount != 12 || out != 5 || u.TotalTokenCount != 17 {
		t.Errorf("%d + %d tokens, %d in all; want 12 + 5, 17 in all", u.PromptTokenCount, out, u.TotalTokenCount)
	}
	// fallbacktest's Gemini does not tell thoughts apart.
	if gemini := c.Protocol == Gemini || c.Protocol == ADKGemini; !gemini && u.ThoughtsTokenCount != 3 {
		t.Errorf("%d tokens of thoughts, want 3", u.ThoughtsTokenCount)
	}
}

// beforeContent: what a stream opens with is no content. A response for it would
// stop the limit on the first content, and commit the call to this model. B108.
func (c *contract) beforeContent(t *testing.T) {
	if !c.stream {
		t.Skip("a document has nothing before its content")
	}
	text := fallbacktest.Text(sentence)
	steps := map[string]fallbacktest.Step{"a role": text, "metadata": text.MetadataFirst()}
	if c.Protocol != ADKGemini { // genai takes a comment for a broken event; Gemini sends none
		steps["keep-alives"] = text.KeepAlive(3)
		steps["keep-alives and metadata"] = text.MetadataFirst().KeepAlive(3)
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			srv, m := c.serve(t, step)
			x := c.question(t.Context(), m)
			clean(t, srv)
			if got := said(x.final(t).Content); got != sentence || x.shown() != sentence {
				t.Errorf("the answer is %q, of which %q was shown; want %q", got, x.shown(), sentence)
			}
			// The layers hold what ADK's model yields before the first content, and
			// count it as nothing.
			if len(x.partials) != 4 && c.Protocol != ADKGemini {
				t.Errorf("%d partial responses of four events", len(x.partials))
			}
		})
	}
}
