package cascade_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// cut returns text in pieces of size bytes.
func cut(text string, size int) (all []string) {
	for ; len(text) > size; text = text[size:] {
		all = append(all, text[:size])
	}
	return append(all, text)
}

// stating is a cascade by stated confidence.
func stating(hold bool, cheap llmtest.Step) model.LLM {
	return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence)}, Hold: hold},
		llmtest.NewModel("flash", cheap), llmtest.NewModel("pro", llmtest.Text("strong")))
}

// The statement never reaches the user and is not stored, however the stream is cut.
func TestStatedConfidenceIsRemoved(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"at the end":        {"Paris.\nIn France.\n\nCONFIDENCE: 0.92", "Paris.\nIn France."},
		"a line break":      {"Paris.\nCONFIDENCE: 0.92\n", "Paris."},
		"in bold":           {"Paris.\n**CONFIDENCE: 0.92**", "Paris."},
		"on the same line":  {"Paris. CONFIDENCE: 0.92", "Paris."},
		"at the beginning":  {"CONFIDENCE: 0.92\n\nParis.", "Paris."},
		"in the middle":     {"Paris.\nCONFIDENCE: 0.92\nIn France.", "Paris.\nIn France."},
		"twice":             {"Paris.\nCONFIDENCE: 0.2\nCONFIDENCE: 0.92", "Paris."},
		"letters like it":   {"CONcrete. A CONFIDENCE trick.\nCONFIDENCE: 0.92", "CONcrete. A CONFIDENCE trick."},
		"letters of others": {"¿Qué?\nÇa va\nCONFIDENCE: 92%", "¿Qué?\nÇa va"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, hold := range []bool{false, true} {
				for size := 1; size <= len(test.text); size++ {
					got := llmtest.Ask(t.Context(), stating(hold, llmtest.Pieces(test.text, cut(test.text, size)...)), true)
					if want := test.want + "[" + test.want + "]"; got.Stream != want || got.Err != nil {
						t.Fatalf("hold %t, pieces of %d bytes: the consumer saw %q (%v), want %q", hold, size, got.Stream, got.Err, want)
					}
				}
			}
			if got := llmtest.Ask(t.Context(), stating(false, llmtest.Text(test.text)), false); got.Stream != "["+test.want+"]" {
				t.Errorf("unary, the consumer saw %q (%v), want %q", got.Stream, got.Err, test.want)
			}
		})
	}
}

// A rejected statement is not shown either, and neither is one in an answer that stands.
func TestStatedConfidenceIsRemovedFromRejectedAnswers(t *testing.T) {
	text := "Paris.\nCONFIDENCE: 0.1"
	for size := 1; size <= len(text); size++ {
		if got := llmtest.Ask(t.Context(), stating(false, llmtest.Pieces(text, cut(text, size)...)), true); got.Stream != "Paris.|strong[strong]" {
			t.Errorf("pieces of %d bytes: the consumer saw %q (%v)", size, got.Stream, got.Err)
		}
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated("")}},
			llmtest.NewModel("flash", llmtest.Pieces(text, cut(text, size)...)), llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota)))
		if got := llmtest.Ask(t.Context(), m, true); got.Stream != "Paris.|[Paris.]" {
			t.Errorf("pieces of %d bytes: the consumer saw %q (%v)", size, got.Stream, got.Err)
		}
	}
}

// The beginning of a statement that the answer ends with is text, and is not lost.
func TestTextLikeAStatementIsNotLost(t *testing.T) {
	for _, text := range []string{
		"Paris. CONF", "Paris. CONFIDENCE", "Paris. CONFIDENCE:", "Paris.\nCONFIDENCE", "Paris.\n**CONFIDENCE", "Paris. \n", "C", " C", "Paris. CONFIDENCE: 0.9 percent",
	} {
		for size := 1; size <= len(text); size++ {
			for _, hold := range []bool{false, true} {
				m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated("")}, Hold: hold},
					llmtest.NewModel("flash", llmtest.Pieces(text, cut(text, size)...)), llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota)))
				got := llmtest.Ask(t.Context(), m, true)
				want := text + "|[" + text + "]"
				if hold {
					want = text + "[" + text + "]"
				}
				if got.Stream != want || got.Metadata().Degraded != "flash" {
					t.Fatalf("hold %t, pieces of %d bytes: the consumer saw %q (%v), want %q", hold, size, got.Stream, got.Err, want)
				}
			}
		}
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated("")}},
			llmtest.NewModel("flash", llmtest.Text(text)), llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota)))
		if got := llmtest.Ask(t.Context(), m, false); got.Stream != "["+text+"]" {
			t.Errorf("unary, the consumer saw %q (%v), want %q", got.Stream, got.Err, text)
		}
	}
}

// What looks like a statement stays behind the parts that precede it, in the last text.
func TestTextLikeAStatementStaysInItsPart(t *testing.T) {
	image := &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("x")}}
	answer := llmtest.Send(&model.LLMResponse{FinishReason: genai.FinishReasonStop, Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
		{Text: "Paris. "}, {Text: "a thought", Thought: true}, image, {Text: "CONF"}, nil, image,
	}}})
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated("")}, Tenants: map[string]cascade.Settings{"": {Use: cascade.UseCheap}}},
		llmtest.NewModel("flash", answer), llmtest.NewModel("pro", llmtest.Text("strong")))
	for resp, err := range m.GenerateContent(t.Context(), llmtest.UserSays("hi"), false) {
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, p := range resp.Content.Parts {
			if p != nil {
				texts = append(texts, p.Text)
			}
		}
		if diff := cmp.Diff([]string{"Paris.", "a thought", "", " CONF", ""}, texts); diff != "" {
			t.Errorf("texts of the parts (-want +got):\n%s", diff)
		}
	}
}

func TestStatedConfidence(t *testing.T) {
	part := func(parts ...*genai.Part) llmtest.Step {
		return llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: parts}, FinishReason: genai.FinishReasonStop}
		})
	}
	thought := &genai.Part{Text: "CONFIDENCE: 0.1", Thought: true}
	for name, test := range map[string]struct {
		step         llmtest.Step
		want, reason string
	}{
		"none":                {llmtest.Text("Paris."), "strong", "judge: the answer states no confidence"},
		"no number":           {llmtest.Text("Paris.\nCONFIDENCE: high"), "strong", "judge: the answer states no confidence"},
		"NaN":                 {llmtest.Text("Paris.\nCONFIDENCE: NaN"), "strong", "judge: the answer states no confidence"},
		"more than 1":         {llmtest.Text("Paris.\nCONFIDENCE: 62"), "strong", "judge: confidence 62 is not from 0 to 1"},
		"nothing else":        {llmtest.Text("CONFIDENCE: 1"), "strong", "judge: it states a confidence and nothing else"},
		"nothing but thought": {part(thought, &genai.Part{Text: "CONFIDENCE: 1"}), "strong", "judge: it states a confidence and nothing else"},
		"in a thought":        {part(thought, &genai.Part{Text: "Paris.\nCONFIDENCE: 0.9"}), "CONFIDENCE: 0.1Paris.", ""},
		"in two parts":        {part(&genai.Part{Text: "Paris.\nCONFI"}, &genai.Part{Text: "DENCE: 0.9"}), "Paris.", ""},
		"beside data":         {part(&genai.Part{Text: "See:\n"}, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("x")}}, &genai.Part{Text: "CONFIDENCE: 0.9"}), "See:", ""},
		"beside a call":       {part(&genai.Part{Text: "I look.\nCONFIDENCE: 0.1"}, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "look"}}), "I look.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := llmtest.Ask(t.Context(), stating(false, test.step), false)
			if got.Stream != "["+test.want+"]" || got.Metadata().Reason != test.reason {
				t.Errorf("the consumer saw %q (%v) because of %q, want %q because of %q", got.Stream, got.Err, got.Metadata().Reason, test.want, test.reason)
			}
		})
	}
}

// An answer in JSON, or one word of a list, has no room for a statement, so it is rejected.
func TestOnlyPlainTextIsAskedForAConfidence(t *testing.T) {
	for name, config := range map[string]*genai.GenerateContentConfig{
		"a type":        {ResponseMIMEType: "application/json"},
		"a schema":      {ResponseSchema: &genai.Schema{Type: genai.TypeObject}},
		"a JSON schema": {ResponseJsonSchema: map[string]any{"type": "object"}},
		"an enum":       {ResponseMIMEType: "text/x.enum"},
		"plain text":    {ResponseMIMEType: "text/plain"},
	} {
		cheap := llmtest.NewModel("flash", llmtest.Text("{}"))
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence)}}, cheap, llmtest.NewModel("pro", llmtest.Text("{}")))
		req := llmtest.UserSays("hi")
		req.Config = config
		got := llmtest.Collect(m.GenerateContent(t.Context(), req, false))
		if asked := cheap.Requests()[0].Config.SystemInstruction != nil; asked != (name == "plain text") {
			t.Errorf("%s: asked for a confidence: %v", name, asked)
		}
		if md := got.Metadata(); md.Reason != "judge: the answer states no confidence" || md.FallbackModel != "pro" {
			t.Errorf("%s: %+v, want an answer of the strong model", name, md)
		}
	}
}

// A cached prefix excludes a system instruction: the question for a confidence stands
// beside the user's.
func TestConfidenceIsAskedForBesideACachedPrefix(t *testing.T) {
	cheap := llmtest.NewModel("flash", llmtest.Text("Paris.\nCONFIDENCE: 1"))
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence)}}, cheap, llmtest.NewModel("pro", llmtest.Text("strong")))
	req := llmtest.UserSays("hi")
	req.Config = &genai.GenerateContentConfig{CachedContent: "cachedContents/1"}
	got := llmtest.Collect(m.GenerateContent(t.Context(), req, false))
	asked := cheap.Requests()[0]
	if got.Stream != "[Paris.]" || asked.Config.SystemInstruction != nil || llmtest.TextOf(asked.Contents[0]) != "hi"+cascade.AskConfidence || len(req.Contents[0].Parts) != 1 {
		t.Errorf("the consumer saw %q (%v); the model was asked %q", got.Stream, got.Err, llmtest.TextOf(asked.Contents[0]))
	}
}

// Text is shown while it arrives, unless the answer is held back.
func TestCascadeShowsTextAtOnce(t *testing.T) {
	for _, hold := range []bool{false, true} {
		var seen strings.Builder
		judge := cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
			fmt.Fprint(&seen, "<judged>")
			return 1, nil
		})
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{judge}, Hold: hold}, llmtest.NewModel("flash", llmtest.Text("one two")), llmtest.NewModel("pro", llmtest.Text("strong")))
		for resp := range m.GenerateContent(t.Context(), llmtest.UserSays("hi"), true) {
			fmt.Fprint(&seen, llmtest.TextOf(resp.Content), ";")
		}
		want := map[bool]string{false: "one ;two;<judged>one two;", true: "<judged>one ;two;one two;"}[hold]
		if seen.String() != want {
			t.Errorf("hold %t: %q, want %q", hold, seen.String(), want)
		}
	}
}

// B56: a consumer that stops is not judged, and no other model is called.
func TestConsumerOfACascadeStops(t *testing.T) {
	strong := llmtest.NewModel("pro", llmtest.Text("strong"))
	for _, stopAt := range []int{1, 2} {
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{never(t)}}, llmtest.NewModel("flash", llmtest.Text("one two three")), strong)
		n := 0
		for range m.GenerateContent(t.Context(), llmtest.UserSays("hi"), true) {
			if n++; n == stopAt {
				break
			}
		}
	}
	if len(strong.Requests()) > 0 {
		t.Error("the strong model is called")
	}
}

// What is held back is bounded, as for a Validate.
func TestHeldAnswerIsBounded(t *testing.T) {
	endless := func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		text := strings.Repeat("x", 1<<16)
		for n := 0; ; n++ {
			if !yield(llmtest.Chunk(text), nil) {
				return
			}
			if n > 2*middleware.MaxValidatedBytes>>16 {
				t.Error("the model is not stopped")
				return
			}
		}
	}
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{never(t)}, Hold: true}, llmtest.NewModel("flash", endless), llmtest.NewModel("pro", llmtest.Text("strong")))
	got := llmtest.Ask(t.Context(), m, true)
	if got.Stream != "strong[strong]" || got.Metadata().Reason != "judge: it is longer than 4 MiB or 262144 chunks" {
		t.Errorf("the consumer saw %.40q (%v) because of %q", got.Stream, got.Err, got.Metadata().Reason)
	}
}

// What was shown before a router within restarts is no part of the answer.
func TestCascadeAroundARouterThatRestarts(t *testing.T) {
	for hold, want := range map[bool]string{false: "half|Paris.[Paris.]", true: "Paris.[Paris.]"} {
		inner := router.MustFallback(router.Config{}, llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable, "half ", "CONFIDENCE: ")),
			llmtest.NewModel("flash", llmtest.Text("Paris.\nCONFIDENCE: 0.9")))
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated("")}, Hold: hold}, inner, llmtest.NewModel("pro", llmtest.Text("strong")))
		if got := llmtest.Ask(t.Context(), m, true); got.Stream != want || got.Err != nil {
			t.Errorf("hold %t: the consumer saw %q (%v), want %q", hold, got.Stream, got.Err, want)
		}
	}
}
