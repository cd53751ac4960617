package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B144: the headers and the first chunk of a stream name the model also if its first content is not sent.
func TestHeadersOfAStreamThatBeginsWithCode(t *testing.T) {
	code := &genai.Part{ExecutableCode: &genai.ExecutableCode{Code: "print(2)", Language: genai.LanguagePython}}
	two := llmtest.NewModel("two", llmtest.Send(
		&model.LLMResponse{Content: genai.NewContentFromParts([]*genai.Part{code}, genai.RoleModel), Partial: true}, llmtest.Chunk("2"),
		&model.LLMResponse{Content: genai.NewContentFromParts([]*genai.Part{code, {Text: "2"}}, genai.RoleModel), FinishReason: genai.FinishReasonStop},
	))
	g := newGateway(t, live(t, "primary: one\nfallbacks: [{name: two}]", handsIn(llmtest.NewModel("one", llmtest.Fail(errors.New("no answer"))), two)))
	w := posted(g, chatCompletions, `{"model": "main", "stream": true, `+helloChat)
	first, _, _ := strings.Cut(w.Body.String(), "\n\n")
	if h := w.Header(); w.Code != http.StatusOK || !strings.Contains(first, `"model":"two"`) || h.Get("X-Fallback-Model") != "two" || h.Get("X-Fallback-Original-Model") != "one" || h.Get("X-Fallback-Attempts") != "2" {
		t.Errorf("%d: %v: %s; want the model and why it answers", w.Code, h, w.Body)
	}
}

// B144: the headers of a stream have the values that are known before its first content. They equal
// those of an answer that is not streamed, unless a later target continues the text.
func TestHeadersOfAStream(t *testing.T) {
	fails := errors.New("no answer")
	for name, c := range map[string]struct {
		policy string
		one    []llmtest.Step
		want   map[string]string // of the second of two equal calls
		alone  bool              // the answer that is not streamed has other headers
	}{
		"the primary answers": {"primary: one", []llmtest.Step{llmtest.Text("fine")}, map[string]string{"Model": "one"}, false},
		"a fallback answers": {
			"primary: one\nfallbacks: [{name: two}]", []llmtest.Step{llmtest.Fail(fails)},
			map[string]string{"Model": "two", "Original-Model": "one", "Attempts": "2", "Reason": failure.Classify(fails).Reason, "Error-Code": "unknown"}, false,
		},
		"a fallback continues the text": {
			"primary: one\nfallbacks: [{name: two}]", []llmtest.Step{llmtest.Fail(fails, "fi")}, map[string]string{"Model": "one"}, true,
		},
		"the cache has the answer": {"primary: one\ncache: {}", []llmtest.Step{llmtest.Text("fine")}, map[string]string{"Model": "one", "Cache": "hit"}, false},
		"a last resort answers": {
			"primary: one\nfallbacks: [{name: template-response}]", []llmtest.Step{llmtest.Fail(fails)},
			map[string]string{"Model": "template-response", "Original-Model": "one", "Attempts": "2", "Reason": failure.Classify(fails).Reason, "Error-Code": "unknown", "Degraded": "template-response"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, live(t, c.policy, handsIn(llmtest.NewModel("one", c.one...), llmtest.NewModel("two", llmtest.Text("fine")))))
			for _, streamed := range []string{"true", "false"} {
				if c.alone && streamed == "false" {
					continue
				}
				body := `{"model": "main", "stream": ` + streamed + `, ` + helloChat
				posted(g, chatCompletions, body)
				w := posted(g, chatCompletions, body)
				if w.Code != http.StatusOK {
					t.Errorf("streamed %s: %d: %s", streamed, w.Code, w.Body)
				}
				got := map[string]string{}
				for header := range w.Header() {
					if key, ok := strings.CutPrefix(header, "X-Fallback-"); ok {
						got[key] = w.Header().Get(header)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("streamed %s: headers (-want +got):\n%s", streamed, diff)
				}
			}
		})
	}
}
