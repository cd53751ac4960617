package middleware_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// trains is a schema of Gemini's kind, trainsJSON the same as JSON Schema.
var (
	trains = &genai.Schema{
		Type: genai.TypeObject, Required: []string{"train", "platform"},
		Properties: map[string]*genai.Schema{
			"train":    {Type: genai.TypeString},
			"platform": {Type: genai.TypeInteger, Minimum: genai.Ptr(1.0)},
			"via":      {Type: genai.TypeString, Nullable: genai.Ptr(true)},
		},
	}
	trainsJSON = map[string]any{
		"type": "object", "required": []any{"train", "platform"},
		"properties": map[string]any{
			"train":    map[string]any{"type": "string"},
			"platform": map[string]any{"type": "integer", "minimum": 1},
			"via":      map[string]any{"type": []any{"string", "null"}},
		},
	}
)

// asking returns a question with a configuration.
func asking(config *genai.GenerateContentConfig) *model.LLMRequest {
	return &model.LLMRequest{Contents: genai.Text("hi"), Config: config}
}

// responses makes one call and returns what comes.
func responses(ctx context.Context, m model.LLM, req *model.LLMRequest, streamed bool) (all []*model.LLMResponse, err error) {
	for resp, e := range m.GenerateContent(ctx, req, streamed) {
		if e != nil {
			return all, e
		}
		all = append(all, resp)
	}
	return all, nil
}

func textsOf(all []*model.LLMResponse) (texts []string) {
	for _, resp := range all {
		texts = append(texts, llmtest.TextOf(resp.Content))
	}
	return texts
}

// An answer in several final responses is judged as a whole.
func TestValidateAnAnswerInSeveralResponses(t *testing.T) {
	said := func(text string) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	}
	m := middleware.MustValidate(middleware.ValidateConfig{Pattern: regexp.MustCompile("^one two$")})(llmtest.NewModel("flash", llmtest.Send(said("one "), said("two"))))
	if all, err := responses(t.Context(), m, asking(nil), true); err != nil || len(all) != 2 {
		t.Errorf("%d responses (%v), want both", len(all), err)
	}
}

// The zero config accepts what the request's schema does, of both kinds, and any
// answer to a request without one.
func TestValidateByTheSchemaOfTheRequest(t *testing.T) {
	plain := (*genai.GenerateContentConfig)(nil)
	of := map[string]*genai.GenerateContentConfig{
		"ResponseSchema":                   {ResponseSchema: trains},
		"ResponseJsonSchema":               {ResponseJsonSchema: trainsJSON},
		"ResponseJsonSchema as jsonschema": {ResponseJsonSchema: &jsonschema.Schema{Type: "object", Required: []string{"train", "platform"}, Properties: map[string]*jsonschema.Schema{"platform": {Type: "integer", Minimum: jsonschema.Ptr(1.0)}, "via": {Types: []string{"string", "null"}}}}},
	}
	answers := map[string]bool{
		`{"train": "IC 5", "platform": 7}`:              true,
		`{"train": "IC 5", "platform": 7, "via": null}`: true,
		`{"train": "IC 5"}`:                             false, // a required property is missing
		`{"train": "IC 5", "platform": "7"}`:            false,
		`{"train": "IC 5", "platform": 0}`:              false,
		`{"train": "IC 5", "platform": 7, "via": 1}`:    false,
		`["IC 5", 7]`:                                              false,
		`The IC 5 leaves from platform 7.`:                         false,
		`{"train": "IC 5", "platform": 7`:                          false, // cut
		`{"train": "IC 5", "platform": 7} Anything else?`:          false,
		"```json\n" + `{"train": "IC 5", "platform": 7}` + "\n```": false,
	}
	for name, config := range of {
		for answer, accepted := range answers {
			for _, streamed := range []bool{false, true} {
				m := middleware.MustValidate(middleware.ValidateConfig{})(llmtest.NewModel("flash", llmtest.Text(answer)))
				_, err := responses(t.Context(), m, asking(config), streamed)
				if (err == nil) != accepted {
					t.Errorf("%s, streamed %v: %s: error %v, want accepted %v", name, streamed, answer, err, accepted)
				}
				if _, err := responses(t.Context(), m, asking(plain), streamed); err != nil {
					t.Errorf("%s without a schema: %v", answer, err)
				}
			}
		}
	}
}

func TestValidateRules(t *testing.T) {
	sorry := errors.New("it says sorry")
	noExcuse := func(_ context.Context, _ *model.LLMRequest, resp *model.LLMResponse) error {
		if strings.Contains(llmtest.TextOf(resp.Content), "sorry") {
			return sorry
		}
		return nil
	}
	for name, test := range map[string]struct {
		config middleware.ValidateConfig
		answer string
		reason string // empty for an answer that is accepted
	}{
		"pattern matches":         {middleware.ValidateConfig{Pattern: regexp.MustCompile(`platform \d+`)}, "It leaves from platform 7.", ""},
		"pattern does not":        {middleware.ValidateConfig{Pattern: regexp.MustCompile(`platform \d+`)}, "It leaves soon.", "it does not match the pattern"},
		"long enough":             {middleware.ValidateConfig{MinLength: 5}, "Zürich", ""},
		"exactly":                 {middleware.ValidateConfig{MinLength: 6}, "Zürich", ""},
		"too short in characters": {middleware.ValidateConfig{MinLength: 7}, "Zürich", "it has 6 characters, fewer than 7"}, // 7 bytes
		"white space is no text":  {middleware.ValidateConfig{MinLength: 7}, "  Zürich  \n", "it has 6 characters, fewer than 7"},
		"function accepts":        {middleware.ValidateConfig{Func: noExcuse}, "platform 7", ""},
		"function does not":       {middleware.ValidateConfig{Func: noExcuse}, "I am sorry.", "the function does not accept it"},
		"the first rule decides":  {middleware.ValidateConfig{MinLength: 100, Func: noExcuse}, "I am sorry.", "it has 11 characters, fewer than 100"},
	} {
		for _, streamed := range []bool{false, true} {
			m := middleware.MustValidate(test.config)(llmtest.NewModel("flash", llmtest.Text(test.answer)))
			got, err := responses(t.Context(), m, asking(nil), streamed)
			rejected, ok := errors.AsType[*middleware.RejectedError](err)
			switch {
			case test.reason == "" && (err != nil || got[len(got)-1].Partial):
				t.Errorf("%s, streamed %v: error %v, want the answer", name, streamed, err)
			case test.reason == "":
			case !ok || rejected.Reason != test.reason || rejected.Model != "flash" || len(got) > 0:
				t.Errorf("%s, streamed %v: error %v after %d responses, want flash rejected: %s", name, streamed, err, len(got), test.reason)
			case rejected.Reason == "the function does not accept it" && !errors.Is(err, sorry):
				t.Errorf("%s: %v does not wrap the function's error", name, err)
			}
		}
	}
}

// A request's schema is judged beside the other rules, unless it is skipped.
func TestValidateSkipsTheSchema(t *testing.T) {
	for skip, accepted := range map[bool]bool{false: false, true: true} {
		m := middleware.MustValidate(middleware.ValidateConfig{SkipSchema: skip, MinLength: 3})(llmtest.NewModel("flash", llmtest.Text("no JSON")))
		if _, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseSchema: trains}), false); (err == nil) != accepted {
			t.Errorf("SkipSchema %v: error %v, want accepted %v", skip, err, accepted)
		}
	}
}

// What is not the final answer of a model is not judged.
func TestValidateJudgesFinalAnswersOnly(t *testing.T) {
	strict := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1000})
	aside := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
				{Text: "Let me look."}, {FunctionCall: &genai.FunctionCall{ID: "c1", Name: "timetable"}},
			}},
			FinishReason: genai.FinishReasonStop,
		}
	})
	template := degrade.Template("Please try later.")
	for name, m := range map[string]model.LLM{
		"function call":           llmtest.NewModel("flash", llmtest.Call("c1", "timetable", "", nil)),
		"function call with text": llmtest.NewModel("flash", aside),
		"answer of last resort":   template,
		"last resort of a router": router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), template),
	} {
		for _, streamed := range []bool{false, true} {
			if got, err := responses(t.Context(), strict(m), asking(nil), streamed); err != nil || len(got) == 0 {
				t.Errorf("%s, streamed %v: %d responses, error %v, want it passed on", name, streamed, len(got), err)
			}
		}
	}
}

// Thoughts are no part of the text that is judged.
func TestValidateIgnoresThoughts(t *testing.T) {
	answer := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
				{Text: "The user wants a train.", Thought: true}, {Text: `{"train": "IC 5", `}, {Text: `"platform": 7}`},
			}},
			FinishReason: genai.FinishReasonStop,
		}
	})
	m := middleware.MustValidate(middleware.ValidateConfig{})(llmtest.NewModel("flash", answer))
	if _, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseSchema: trains}), false); err != nil {
		t.Error(err)
	}
}

// A streamed answer is shown once it is accepted, not before, and then as it came.
func TestValidateHoldsAStreamBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := middleware.MustValidate(middleware.ValidateConfig{MinLength: 3})(llmtest.NewModel("flash", words(4, time.Second)))
		started := time.Now()
		var texts []string
		for resp, err := range m.GenerateContent(t.Context(), hello(), true) {
			if err != nil {
				t.Fatal(err)
			}
			if time.Since(started) < 4*time.Second {
				t.Fatalf("%q is shown after %v, want nothing before the whole answer", llmtest.TextOf(resp.Content), time.Since(started))
			}
			texts = append(texts, llmtest.TextOf(resp.Content))
		}
		if got, want := strings.Join(texts, "|"), "word |word |word |word |word word word word "; got != want {
			t.Errorf("shown: %s, want %s", got, want)
		}
	})
}

// Where no rule applies, a stream is not held back.
func TestValidateWithoutARuleShowsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := middleware.MustValidate(middleware.ValidateConfig{})(llmtest.NewModel("flash", words(4, time.Second)))
		started := time.Now()
		for range m.GenerateContent(t.Context(), hello(), true) {
			if got := time.Since(started); got != time.Second {
				t.Errorf("the first word is shown after %v, want 1s", got)
			}
			break
		}
	})
}

// A rejected answer moves on to the next target: the consumer sees nothing of it,
// and the record says why.
func TestRejectedAnswerFallsBack(t *testing.T) {
	validate := middleware.MustValidate(middleware.ValidateConfig{})
	const good = `{"train": "IC 5", "platform": 7}`
	for _, streamed := range []bool{false, true} {
		backup := llmtest.NewModel("pro", llmtest.Text(good))
		m := router.MustFallback(router.Config{},
			middleware.Chain(llmtest.NewModel("flash", llmtest.Text("my secret is 4711")), middleware.MustRetry(middleware.RetryConfig{}), validate, middleware.MustBreaker(middleware.BreakerConfig{})),
			middleware.Chain(backup, validate))
		got, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseSchema: trains}), streamed)
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(textsOf(got), ""); strings.Contains(all, "secret") || !strings.HasSuffix(all, good) {
			t.Errorf("streamed %v: shown %q, want the second target's answer alone", streamed, all)
		}
		md, ok := call.ReadResponse(got[len(got)-1])
		if !ok || !md.Triggered || md.ModelName != "pro" || md.FallbackModel != "pro" || len(md.Attempts) != 2 {
			t.Fatalf("metadata %+v, want pro after two attempts", md)
		}
		first := md.Attempts[0]
		if first.Model != "flash" || first.Outcome != call.Failed || first.Kind != string(failure.KindRejected) ||
			first.Reason != "it does not match the response schema" || md.ErrorCode != "rejected" {
			t.Errorf("first attempt %+v, code %s, want flash rejected by the schema", first, md.ErrorCode)
		}
		if strings.Contains(first.Message+first.Reason, "4711") {
			t.Errorf("the record quotes the answer: %+v", first)
		}
	}
}

// A function's reason is on record, what a schema says of an answer is not: it quotes
// that.
func TestRecordOfARejectedAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		config  middleware.ValidateConfig
		message string
	}{
		"function": {middleware.ValidateConfig{SkipSchema: true, Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error {
			return errors.New("names no platform")
		}}, "names no platform"},
		"schema": {middleware.ValidateConfig{}, ""},
	} {
		m := router.MustFallback(router.Config{},
			middleware.MustValidate(test.config)(llmtest.NewModel("flash", llmtest.Text(`{"train": "IC 5", "platform": "4711"}`))), llmtest.NewModel("pro", llmtest.Text("hi")))
		got, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseSchema: trains}), false)
		if err != nil {
			t.Fatal(err)
		}
		if md, _ := call.ReadResponse(got[0]); md.Attempts[0].Message != test.message {
			t.Errorf("%s: message %q, want %q", name, md.Attempts[0].Message, test.message)
		}
	}
}

// A layer keeps a bounded number of schemas, and judges by the right one whatever
// it keeps.
func TestValidateByManySchemas(t *testing.T) {
	m := middleware.MustValidate(middleware.ValidateConfig{})(llmtest.NewModel("flash", llmtest.Text("7")))
	for range 2 {
		for i := range 200 {
			_, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseJsonSchema: map[string]any{"type": "integer", "minimum": i}}), false)
			if accepted := i <= 7; (err == nil) != accepted {
				t.Fatalf("minimum %d: error %v, want accepted %v", i, err, accepted)
			}
		}
	}
}

// The error of a call whose answers are all rejected tells the targets and the
// rules, and does not quote the answers.
func TestErrorOfRejectedAnswers(t *testing.T) {
	validate := middleware.MustValidate(middleware.ValidateConfig{})
	m := router.MustFallback(router.Config{},
		validate(llmtest.NewModel("flash", llmtest.Text(`{"train": "secret", "platform": "4711"}`))), validate(llmtest.NewModel("pro", llmtest.Text("secret 4711"))))
	_, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseSchema: trains}), false)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"flash", "pro", "it does not match the response schema"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%q quotes the answer", err)
	}
}

// B78: a rejected answer has been paid for, wherever the budget stands.
func TestRejectedAnswerIsCharged(t *testing.T) {
	validate := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1000})
	for name, layers := range map[string]func(*middleware.Budget) []middleware.Middleware{
		"budget inside": func(b *middleware.Budget) []middleware.Middleware {
			return []middleware.Middleware{validate, b.Middleware()}
		},
		"budget outside": func(b *middleware.Budget) []middleware.Middleware {
			return []middleware.Middleware{b.Middleware(), validate}
		},
	} {
		for _, streamed := range []bool{false, true} {
			budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 100, Price: price(10), Cost: perToken})
			m := middleware.Chain(llmtest.NewModel("flash", counted("too short", 3)), layers(budget)...)
			if _, err := responses(t.Context(), m, hello(), streamed); err == nil {
				t.Fatalf("%s: no error", name)
			}
			wantSpent(t, budget, 3)
			wantNothingReserved(t, budget)
		}
	}
}

// The model is not asked again for a rejected answer, and its breaker does not open:
// the target is up.
func TestRejectedAnswerIsNoOutage(t *testing.T) {
	breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
	validate := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1000})
	for name, layers := range map[string][]middleware.Middleware{
		"breaker inside":  {middleware.MustRetry(middleware.RetryConfig{MaxRetries: 3}), validate, breaker},
		"breaker outside": {middleware.MustRetry(middleware.RetryConfig{MaxRetries: 3}), breaker, validate},
	} {
		flash := llmtest.NewModel("flash", llmtest.Text("too short"))
		m := middleware.Chain(flash, layers...)
		for range 3 {
			_, err := responses(t.Context(), m, hello(), false)
			if _, rejected := errors.AsType[*middleware.RejectedError](err); !rejected {
				t.Fatalf("%s: error %v, want a rejected answer", name, err)
			}
		}
		if got := len(flash.Requests()); got != 3 {
			t.Errorf("%s: asked %d times in 3 calls, want once in each", name, got)
		}
	}
}

// B80
func TestValidateFuncThatPanics(t *testing.T) {
	var none *failure.TimeoutError // its methods panic
	for name, f := range map[string]func() error{"itself": func() error { panic("4711") }, "its error": func() error { return none }} {
		panics := middleware.MustValidate(middleware.ValidateConfig{
			Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return f() },
		})
		for _, streamed := range []bool{false, true} {
			budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 100, Price: price(10), Cost: perToken})
			m := router.MustFallback(router.Config{},
				middleware.Chain(llmtest.NewModel("flash", counted("hi", 3)), middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1}), panics, budget.Middleware()),
				llmtest.NewModel("pro", llmtest.Text("from pro")))
			for range 2 { // the second call finds the place free
				got, err := responses(t.Context(), m, hello(), streamed)
				if err != nil || llmtest.TextOf(got[len(got)-1].Content) != "from pro" {
					t.Errorf("%s, streamed %v: %v, error %v, want the next target's answer", name, streamed, textsOf(got), err)
				}
			}
			wantSpent(t, budget, 6)
			wantNothingReserved(t, budget)
		}
	}
}

// Func sees the request as the caller made it and the whole answer.
func TestValidateFuncSeesRequestAndAnswer(t *testing.T) {
	req := asking(&genai.GenerateContentConfig{Labels: map[string]string{"team": "rail"}})
	called := false
	m := middleware.MustValidate(middleware.ValidateConfig{
		Func: func(_ context.Context, got *model.LLMRequest, resp *model.LLMResponse) error {
			called = got == req && llmtest.TextOf(resp.Content) == "one two" && !resp.Partial
			return nil
		},
	})(llmtest.NewModel("flash", llmtest.Text("one two")))
	if _, err := responses(t.Context(), m, req, true); err != nil || !called {
		t.Errorf("error %v, called with request and answer %v", err, called)
	}
}

// A caller that gives up while its answer is judged hears so, and the model's record
// stays clean.
func TestValidateForACancelledCaller(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		backup := llmtest.NewModel("pro", llmtest.Text("from pro"))
		m := router.MustFallback(router.Config{}, middleware.MustValidate(middleware.ValidateConfig{
			Func: func(ctx context.Context, _ *model.LLMRequest, _ *model.LLMResponse) error {
				cancel()
				return ctx.Err()
			},
		})(llmtest.NewModel("flash", llmtest.Text("hi"))), backup)
		got, err := responses(ctx, m, hello(), streamed)
		if !errors.Is(err, context.Canceled) || len(got) > 0 || len(backup.Requests()) > 0 {
			t.Errorf("streamed %v: error %v, %d responses, backup asked %d times, want the cancellation alone", streamed, err, len(got), len(backup.Requests()))
		}
		if _, rejected := errors.AsType[*middleware.RejectedError](err); rejected {
			t.Errorf("%v says that the answer was rejected", err)
		}
	}
}

// A model that fails in the middle of a held answer has shown nothing: the same
// target can be asked again.
func TestValidateHidesAFailureMidStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable, "half ", "an "), llmtest.Text("whole answer"))
		m := middleware.Chain(flash, middleware.MustRetry(middleware.RetryConfig{}), middleware.MustValidate(middleware.ValidateConfig{MinLength: 5}))
		got, err := responses(t.Context(), m, hello(), true)
		if err != nil || strings.Join(textsOf(got), "|") != "whole |answer|whole answer" {
			t.Errorf("%q, error %v, want the second answer alone", textsOf(got), err)
		}
	})
}

// A router within that begins again has shown nothing outside of the layer.
func TestValidateAroundARouterThatRestarts(t *testing.T) {
	m := middleware.MustValidate(middleware.ValidateConfig{MinLength: 5})(router.MustFallback(router.Config{},
		llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable, "half ", "an ")), llmtest.NewModel("pro", llmtest.Text("whole answer"))))
	got, err := responses(t.Context(), m, hello(), true)
	if err != nil || strings.Join(textsOf(got), "|") != "whole |answer|whole answer" {
		t.Errorf("%q, error %v, want the second model's answer alone", textsOf(got), err)
	}
}

// Those within that count answers hear of a rejected one.
func TestValidateTellsThoseWithin(t *testing.T) {
	told := 0
	within := &listener{llmtest.NewModel("flash", llmtest.Text("short")), func() { told++ }}
	_, _ = responses(t.Context(), middleware.MustValidate(middleware.ValidateConfig{MinLength: 1000})(within), hello(), false)
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
	_, _ = responses(t.Context(), middleware.MustValidate(middleware.ValidateConfig{MinLength: 1})(within), hello(), false)
	if told != 1 {
		t.Errorf("told of an accepted answer")
	}
}

type listener struct {
	*llmtest.Model
	rejected func()
}

func (l *listener) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	review.Of(ctx).OnReject(l.rejected)
	return stream.Of(l.Model).Do(ctx, req, streamed, out)
}

// An answer beyond the bounds is rejected, and its stream cut off there.
func TestValidateIsBounded(t *testing.T) {
	const piece = 1 << 20
	sent := 0
	endless := func(_ context.Context, _ *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		chunk := genai.NewContentFromText(strings.Repeat("x", piece), genai.RoleModel)
		for sent = 1; sent <= 100 && streamed; sent++ {
			if !yield(&model.LLMResponse{Content: chunk, Partial: true}, nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText(strings.Repeat("x", 100*piece), genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}
	for _, streamed := range []bool{false, true} {
		m := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1})(llmtest.NewModel("flash", endless))
		got, err := responses(t.Context(), m, hello(), streamed)
		rejected, ok := errors.AsType[*middleware.RejectedError](err)
		if !ok || !strings.Contains(rejected.Reason, "longer") || len(got) > 0 {
			t.Errorf("streamed %v: %d responses, error %v, want it rejected as too long", streamed, len(got), err)
		}
		if want := middleware.MaxValidatedBytes/piece + 1; streamed && sent != want {
			t.Errorf("%d pieces were taken, want %d", sent, want)
		}
	}
}

// A schema that cannot be judged by does not take the model down.
func TestValidateWithAnUnusableSchema(t *testing.T) {
	for name, schema := range map[string]any{
		"elsewhere": map[string]any{"$ref": "https://example.com/schema.json"},
		"invalid":   map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"pattern": "("}}},
		"panics":    panickingSchema{},
	} {
		m := middleware.MustValidate(middleware.ValidateConfig{})(llmtest.NewModel("flash", llmtest.Text("hi")))
		if _, err := responses(t.Context(), m, asking(&genai.GenerateContentConfig{ResponseJsonSchema: schema}), false); err != nil {
			t.Errorf("%s: %v, want the answer", name, err)
		}
	}
}

type panickingSchema struct{}

func (panickingSchema) MarshalJSON() ([]byte, error) { panic("schema") }

func TestValidateConfigIsChecked(t *testing.T) {
	_, err := middleware.NewValidate(middleware.ValidateConfig{SkipSchema: true})
	if err == nil || !strings.Contains(err.Error(), "no rule is set") {
		t.Errorf("no rule: error %v", err)
	}
	_, err = middleware.NewValidate(middleware.ValidateConfig{MinLength: -1})
	if err == nil || !strings.Contains(err.Error(), "ValidateConfig.MinLength: -1") {
		t.Errorf("negative length: error %v", err)
	}
}

// What the layer adds to a call with a schema.
func BenchmarkValidate(b *testing.B) {
	flash := llmtest.NewModel("flash", llmtest.Text(`{"train": "IC 5", "platform": 7}`))
	req := asking(&genai.GenerateContentConfig{ResponseSchema: trains})
	for name, m := range map[string]model.LLM{
		"without": middleware.Attempt(middleware.AttemptConfig{})(flash),
		"schema":  middleware.MustValidate(middleware.ValidateConfig{})(flash),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := responses(b.Context(), m, req, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
