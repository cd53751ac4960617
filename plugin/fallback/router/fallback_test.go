package router_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// seen is what a consumer got of one call: each partial text, "|" for a
// restart, and the final text in brackets.
type seen struct {
	stream string
	final  *model.LLMResponse
	err    error
}

func (s seen) metadata() call.Metadata {
	md, _ := call.ReadResponse(s.final)
	return md
}

func collect(responses iter.Seq2[*model.LLMResponse, error]) (s seen) {
	for resp, err := range responses {
		switch {
		case err != nil:
			s.err = err
		case resp.CustomMetadata[call.KeyRestart] == true:
			s.stream += "|"
		case resp.Partial && resp.Content != nil:
			s.stream += resp.Content.Parts[0].Text
		case !resp.Partial:
			s.final = resp
			text := resp.ErrorCode
			if resp.Content != nil {
				for _, part := range resp.Content.Parts {
					text += part.Text
				}
			}
			s.stream += "[" + text + "]"
		}
	}
	return s
}

func ask(ctx context.Context, m model.LLM, streamed bool) seen {
	req := &model.LLMRequest{Model: "what the flow says", Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	return collect(m.GenerateContent(ctx, req, streamed))
}

// inTurn returns a context of the given invocation.
func inTurn(ctx context.Context, invocation string) context.Context {
	return call.With(ctx, call.Info{Invocation: invocation, Agent: "agent"})
}

var (
	errContext  = genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "The input token count (134123) exceeds the maximum number of tokens allowed (131072)."}
	errLocation = genai.APIError{Code: 400, Status: "FAILED_PRECONDITION", Message: "User location is not supported for the API use."}
	errBilling  = genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Your billing account has exceeded its monthly spending cap"}
	errBadKey   = genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "API key not valid. Please pass a valid API key."}
)

func chunk(text string) *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true}
}

// send yields responses as they are.
func send(responses ...*model.LLMResponse) suite.Step {
	return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for _, resp := range responses {
			if !yield(resp, nil) {
				return
			}
		}
	}
}

func TestStreams(t *testing.T) {
	usage := &model.LLMResponse{Partial: true, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 3}}
	refusal := suite.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
	})
	for _, test := range []struct {
		name   string
		config router.Config
		first  suite.Step
		want   string
		err    error // of the first model, if the call fails
		backup int   // calls of the second
	}{
		{"healthy", router.Config{}, suite.Text("one two"), "one two[one two]", nil, 0},
		{"B50 failure before content", router.Config{}, suite.Fail(suite.ErrQuota), "from backup[from backup]", nil, 1},
		{"B51 metadata only, then failure", router.Config{}, func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			_ = yield(usage, nil) && yield(nil, suite.ErrQuota)
		}, "from backup[from backup]", nil, 1},
		{"B52 failure after content", router.Config{}, suite.Fail(suite.ErrUnavailable, "one "), "one |from backup[from backup]", nil, 1},
		{"B53 failure after content, fail", router.Config{MidStream: router.FailMidStream}, suite.Fail(suite.ErrUnavailable, "one "), "one ", suite.ErrUnavailable, 0},
		{"B54 cut off after content", router.Config{}, send(chunk("one ")), "one |from backup[from backup]", nil, 1},
		{"B57 nothing at all", router.Config{}, send(), "from backup[from backup]", nil, 1},
		{"B57 neither response nor error", router.Config{}, send(nil), "from backup[from backup]", nil, 1},
		{"B57 nothing in the answer", router.Config{}, send(&model.LLMResponse{}), "from backup[from backup]", nil, 1},
		{"B58 an unusable function call", router.Config{}, send(&model.LLMResponse{ErrorCode: "MALFORMED_FUNCTION_CALL", FinishReason: genai.FinishReasonMalformedFunctionCall}), "from backup[from backup]", nil, 1},
		{"B80 a panic", router.Config{}, func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("boom") }, "from backup[from backup]", nil, 1},
		{"B80 a panic after content", router.Config{}, func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			yield(chunk("one "), nil)
			panic("boom")
		}, "one |from backup[from backup]", nil, 1},
		{"B80 a model that yields after an error", router.Config{}, func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			yield(nil, suite.ErrUnavailable)
			yield(chunk("late"), nil)
		}, "from backup[from backup]", nil, 1},
		{"a bad key", router.Config{}, suite.Fail(errBadKey), "", errBadKey, 0},
		{"a refusal is the answer", router.Config{}, refusal, "[SAFETY]", nil, 0},
		{"a refusal, by policy", router.Config{FallbackOnContentPolicy: true}, refusal, "from backup[from backup]", nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, backup := suite.NewModel("first", test.first), suite.NewModel("backup", suite.Text("from backup"))
			got := ask(t.Context(), router.MustFallback(test.config, first, backup), true)
			if got.stream != test.want {
				t.Errorf("the consumer saw %q, want %q", got.stream, test.want)
			}
			if !errors.Is(got.err, test.err) && !(test.err != nil && got.err != nil && strings.Contains(got.err.Error(), test.err.Error())) {
				t.Errorf("error %v, want %v", got.err, test.err)
			}
			if n := len(backup.Requests()); n != test.backup {
				t.Errorf("%d calls of the backup, want %d", n, test.backup)
			}
		})
	}
}

// B51: held back chunks are passed on once, in front of the content.
func TestMetadataChunksAreShownOnce(t *testing.T) {
	usage := func(n int32) *model.LLMResponse {
		return &model.LLMResponse{Partial: true, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: n}}
	}
	m := router.MustFallback(router.Config{},
		suite.NewModel("first", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			_ = yield(usage(1), nil) && yield(nil, suite.ErrQuota)
		}),
		suite.NewModel("backup", send(usage(2), usage(3), chunk("hi"), usage(4), &model.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel)})))
	var got []int32
	for resp := range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		if resp.UsageMetadata != nil {
			got = append(got, resp.UsageMetadata.PromptTokenCount)
		}
	}
	if diff := cmp.Diff([]int32{2, 3, 4}, got); diff != "" {
		t.Errorf("metadata chunks (-want +got):\n%s", diff)
	}
}

// B56
func TestConsumerStops(t *testing.T) {
	closed := false
	first := suite.NewModel("first", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		defer func() { closed = true }()
		for yield(chunk("word "), nil) {
		}
	})
	backup := suite.NewModel("backup", suite.Text("x"))
	for range router.MustFallback(router.Config{}, first, backup).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		break
	}
	if !closed || len(backup.Requests()) > 0 {
		t.Errorf("closed %v, %d calls of the backup, want the first model closed and nothing tried", closed, len(backup.Requests()))
	}
}

// B56: a panic of the consumer is not taken for the model's.
func TestConsumerPanics(t *testing.T) {
	backup := suite.NewModel("backup", suite.Text("x"))
	defer func() {
		if r := recover(); r != "mine" || len(backup.Requests()) > 0 {
			t.Errorf("recovered %v with %d calls of the backup, want the consumer's panic alone", r, len(backup.Requests()))
		}
	}()
	for range router.MustFallback(router.Config{}, suite.NewModel("first", suite.Text("a b")), backup).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		panic("mine")
	}
}

// B59: what is final has been acted on.
func TestNothingIsTriedAfterAFinalResponse(t *testing.T) {
	first := suite.NewModel("first", func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
		suite.Call("c1", "pay", "", nil)(ctx, req, s, yield)
		yield(nil, suite.ErrUnavailable)
	})
	backup := suite.NewModel("backup", suite.Call("c2", "pay", "", nil))
	calls := 0
	for resp, err := range router.MustFallback(router.Config{}, first, backup).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		if err == nil && resp.Content.Parts[0].FunctionCall != nil {
			calls++
		}
	}
	if calls != 1 || len(backup.Requests()) > 0 {
		t.Errorf("%d function calls delivered and %d calls of the backup, want 1 and none", calls, len(backup.Requests()))
	}
}

func TestMetadata(t *testing.T) {
	first, second := suite.NewModel("first", suite.Fail(suite.ErrQuota), suite.Text("ok")), suite.NewModel("second", suite.Fail(suite.ErrUnavailable))
	third := suite.NewModel("third", suite.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel), ModelVersion: "third-001", CustomMetadata: map[string]any{"trace": "t1"}}
	}))
	m := router.MustFallback(router.Config{}, first, second, third)
	got := ask(t.Context(), m, false)
	md := got.metadata()
	var attempts []string
	for _, a := range md.Attempts {
		attempts = append(attempts, fmt.Sprint(a.Model, " ", a.Outcome, " ", a.HTTPStatus))
	}
	if diff := cmp.Diff([]string{"first failed 429", "second failed 503", "third ok 0"}, attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if md.OriginalModel != "first" || md.FallbackModel != "third" || md.ModelName != "third" || md.ModelVersion != "third-001" ||
		md.Attempt != 2 || md.ErrorCode != "503" || md.CacheStatus != "bypass" || got.final.CustomMetadata["trace"] != "t1" {
		t.Errorf("metadata %+v in %v, want the third model after two failures", md, got.final.CustomMetadata)
	}

	healthy := ask(t.Context(), m, false).final.CustomMetadata
	if diff := cmp.Diff(map[string]any{"model_name": "first", "cache_status": "bypass"}, healthy); diff != "" {
		t.Errorf("metadata of a healthy answer (-want +got):\n%s", diff)
	}
}

// B60, B61, B62
func TestAttemptsAreIsolated(t *testing.T) {
	tool := &struct{ name string }{"live"}
	req := &model.LLMRequest{
		Model: "flow", Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)},
		Config: &genai.GenerateContentConfig{Labels: map[string]string{"team": "a"}}, Tools: map[string]any{"lookup": tool},
	}
	vandal := func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		req.Contents[0].Parts[0].Text = "changed"
		req.Contents = append(req.Contents, genai.NewContentFromText("leak", genai.RoleUser))
		req.Config.Labels["team"] = "changed"
		req.Model = "changed"
		yield(nil, suite.ErrQuota)
	}
	cool := middleware.Attempt(middleware.AttemptConfig{Configure: func(c *genai.GenerateContentConfig) { c.Temperature = genai.Ptr[float32](0) }})
	var second *model.LLMRequest
	m := router.MustFallback(router.Config{},
		cool(suite.NewModel("first", vandal)),
		suite.NewModel("second", func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			second = req
			suite.Text("ok")(ctx, req, s, yield)
		}))
	if got := collect(m.GenerateContent(t.Context(), req, false)); got.err != nil {
		t.Fatal(got.err)
	}
	if second.Model != "second" || second.Contents[0].Parts[0].Text != "hi" || len(second.Contents) != 1 || second.Config.Labels["team"] != "a" || second.Config.Temperature != nil {
		t.Errorf("the second attempt saw %+v, want its name and the caller's request", second)
	}
	if second.Tools["lookup"] != tool {
		t.Error("the second attempt has another tool instance")
	}
	if req.Model != "flow" || req.Contents[0].Parts[0].Text != "hi" || req.Config.Labels["team"] != "a" {
		t.Errorf("the caller's request became %+v", req)
	}
}

// The turn: it stays with what answered, and the next one starts at the root.
func TestTurnStaysWithTheTargetThatAnswered(t *testing.T) {
	first, second := suite.NewModel("first", suite.Fail(suite.ErrQuota), suite.Text("first")), suite.NewModel("second", suite.Text("second"))
	m := router.MustFallback(router.Config{}, first, second)
	var got []string
	for _, turn := range []string{"t1", "t1", "t2", "t1", ""} {
		ctx := t.Context()
		if turn != "" {
			ctx = inTurn(ctx, turn)
		}
		got = append(got, ask(ctx, m, true).metadata().ModelName)
	}
	if diff := cmp.Diff([]string{"second", "second", "first", "second", "first"}, got); diff != "" {
		t.Errorf("answered by (-want +got):\n%s", diff)
	}
}

func TestStickyTargetThatFailsIsFollowedByTheOthers(t *testing.T) {
	first := suite.NewModel("first", suite.Fail(suite.ErrQuota), suite.Text("first again"))
	second := suite.NewModel("second", suite.Text("second"), suite.Fail(suite.ErrQuota))
	third := suite.NewModel("third", suite.Fail(suite.ErrQuota))
	m := router.MustFallback(router.Config{}, first, second, third)
	ctx := inTurn(t.Context(), "t1")
	ask(ctx, m, false)
	if got := ask(ctx, m, false); got.stream != "[first again]" {
		t.Errorf("the consumer saw %q (%v), want the first model after second and third", got.stream, got.err)
	}
}

func TestRememberedTurnsAreBounded(t *testing.T) {
	first, second := suite.NewModel("first", suite.Fail(suite.ErrQuota)), suite.NewModel("second", suite.Text("second"))
	m := router.MustFallback(router.Config{MaxTurns: 2}, first, second)
	for _, turn := range []string{"t1", "t2", "t3"} {
		ask(inTurn(t.Context(), turn), m, false)
	}
	for turn, want := range map[string]int{"t3": 0, "t1": 1} {
		before := len(first.Requests())
		ask(inTurn(t.Context(), turn), m, false)
		if n := len(first.Requests()) - before; n != want {
			t.Errorf("turn %s: %d calls of the first model, want %d", turn, n, want)
		}
	}
}

// B73
func TestAllFailed(t *testing.T) {
	m := router.MustFallback(router.Config{Guards: []router.Guard{func(_ context.Context, _ *model.LLMRequest, target string) error {
		if target == "second" {
			return errors.New("not in this region")
		}
		return nil
	}}},
		suite.NewModel("first", suite.Fail(suite.ErrQuota)), suite.NewModel("second", suite.Text("x")), suite.NewModel("third", suite.Fail(suite.ErrUnavailable)))
	got := ask(t.Context(), m, true)
	var all *router.AllFailedError
	if !errors.As(got.err, &all) || len(all.Causes) != 3 {
		t.Fatalf("error %v, want three causes", got.err)
	}
	var first genai.APIError
	if !errors.As(got.err, &first) || first.Code != 429 {
		t.Errorf("the first cause is %v, want the first model's", first)
	}
	var refused *middleware.RefusedError
	if !errors.As(got.err, &refused) || refused.Model != "second" {
		t.Errorf("error %v does not tell of the second model", got.err)
	}
	text := got.err.Error()
	if a, b, c := strings.Index(text, "first"), strings.Index(text, "not in this region"), strings.Index(text, "overloaded"); a < 0 || a > b || b > c {
		t.Errorf("error %q, want the causes in order", text)
	}
}

// refusing stands for a target whose breaker is open.
func refusing(name string, until time.Time, forced suite.Step) model.LLM {
	return openBreaker(suite.NewModel(name, forced), until)
}

// B73
func TestAllOpenAsksTheOneClosestToRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		m := router.MustFallback(router.Config{},
			refusing("first", now.Add(20*time.Second), suite.Text("first")),
			refusing("second", now.Add(10*time.Second), suite.Text("second")),
			refusing("third", now.Add(30*time.Second), suite.Text("third")))
		if got := ask(t.Context(), m, true); got.stream != "second[second]" {
			t.Errorf("the consumer saw %q (%v), want the second model's answer", got.stream, got.err)
		}
		m = router.MustFallback(router.Config{}, refusing("first", now.Add(time.Second), suite.Text("first")), suite.NewModel("second", suite.Fail(suite.ErrQuota)))
		if got := ask(t.Context(), m, true); got.err == nil {
			t.Error("an open breaker was forced although another target had been asked")
		}
	})
}

// B37, B38, B36
func TestFailuresRuleOutTargetsThatShareTheCause(t *testing.T) {
	for _, test := range []struct {
		name          string
		err           error
		second, third router.Traits
		first         router.Traits
		want          string
	}{
		{"a smaller window", errContext, router.Traits{ContextWindow: 100_000}, router.Traits{ContextWindow: 1_000_000}, router.Traits{ContextWindow: 131_072}, "third"},
		{"an equal window", errContext, router.Traits{ContextWindow: 131_072}, router.Traits{}, router.Traits{ContextWindow: 131_072}, "third"},
		{"unknown windows", errContext, router.Traits{}, router.Traits{}, router.Traits{ContextWindow: 131_072}, "second"},
		{"location of a provider", errLocation, router.Traits{Provider: "google"}, router.Traits{Provider: "openai"}, router.Traits{Provider: "google"}, "third"},
		{"credit of an account", errBilling, router.Traits{Credential: "a"}, router.Traits{Credential: "b"}, router.Traits{Credential: "a"}, "third"},
		{"quota of a model", suite.ErrQuota, router.Traits{Credential: "a", Provider: "google"}, router.Traits{}, router.Traits{Credential: "a", Provider: "google"}, "second"},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := suite.NewModel("first", suite.Fail(test.err))
			m := router.MustFallback(router.Config{},
				router.Describe(first, test.first),
				router.Describe(suite.NewModel("second", suite.Text("second")), test.second),
				router.Describe(suite.NewModel("third", suite.Text("third")), test.third))
			got := ask(t.Context(), m, false)
			if got.metadata().ModelName != test.want || len(first.Requests()) != 1 {
				t.Errorf("%s answered (%v), want %s", got.metadata().ModelName, got.err, test.want)
			}
			if skipped := test.want == "third"; skipped != (got.metadata().Attempts[1].Outcome == call.Skipped) {
				t.Errorf("attempts %+v, want the second one skipped: %v", got.metadata().Attempts, skipped)
			}
		})
	}
}

// B39
func TestCallersCancellationEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	first := suite.NewModel("first", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		cancel()
		yield(nil, suite.ErrUnavailable)
	})
	backup := suite.NewModel("backup", suite.Text("x"))
	got := ask(ctx, router.MustFallback(router.Config{}, first, backup), true)
	if !errors.Is(got.err, context.Canceled) || len(backup.Requests()) > 0 {
		t.Errorf("error %v, %d calls of the backup, want the cancellation alone", got.err, len(backup.Requests()))
	}
}

// B79
func TestGuardsAreAskedForEveryTarget(t *testing.T) {
	var asked []string
	config := router.Config{Guards: []router.Guard{
		func(_ context.Context, _ *model.LLMRequest, target string) error {
			asked = append(asked, target)
			if target == "first" {
				return errors.New("not for this tenant")
			}
			return nil
		},
		func(context.Context, *model.LLMRequest, string) error { return nil },
	}}
	first, second := suite.NewModel("first", suite.Text("x")), suite.NewModel("second", suite.Text("second"))
	got := ask(t.Context(), router.MustFallback(config, first, second), false)
	if diff := cmp.Diff([]string{"first", "second"}, asked); diff != "" || len(first.Requests()) > 0 {
		t.Errorf("%d calls of the first model; guards asked (-want +got):\n%s", len(first.Requests()), diff)
	}
	skipped := got.metadata().Attempts[0]
	if skipped.Outcome != call.Skipped || skipped.Reason != "not for this tenant" {
		t.Errorf("attempt %+v, want it skipped with the reason", skipped)
	}
	panicking := router.Config{Guards: []router.Guard{func(context.Context, *model.LLMRequest, string) error { panic("boom") }}}
	if got := ask(t.Context(), router.MustFallback(panicking, first), false); got.err == nil || len(first.Requests()) > 0 {
		t.Errorf("error %v, want a refusal by the guard that panics", got.err)
	}
}

// B63, B64
func TestSwitchInsideAToolLoop(t *testing.T) {
	first := suite.NewModel("gemini-3-flash", suite.Call("c1", "lookup", "signature of flash", nil), suite.Fail(suite.ErrQuota), suite.Text("flash again"))
	second := suite.NewModel("gemini-3-pro", suite.Call("c2", "lookup", "signature of pro", nil), suite.Text("done"))
	m := router.MustFallback(router.Config{}, first, second)
	ctx := inTurn(t.Context(), "t1")
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	for range 3 {
		got := collect(m.GenerateContent(ctx, req, false))
		if got.err != nil {
			t.Fatal(got.err)
		}
		req.Contents = append(req.Contents, got.final.Content)
		if fc := got.final.Content.Parts[0].FunctionCall; fc != nil {
			req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: fc.ID, Name: fc.Name}}}})
		}
	}
	req.Contents = append(req.Contents, genai.NewContentFromText("next", genai.RoleUser))
	collect(m.GenerateContent(inTurn(t.Context(), "t2"), req, false))

	describe := func(req *model.LLMRequest) string {
		var out []string
		for _, content := range req.Contents {
			for _, part := range content.Parts {
				switch {
				case part.FunctionCall != nil:
					out = append(out, part.FunctionCall.ID+":"+string(part.ThoughtSignature))
				case part.FunctionResponse != nil:
					out = append(out, part.FunctionResponse.ID)
				}
			}
		}
		return strings.Join(out, " ")
	}
	const skip = "skip_thought_signature_validator"
	for i, want := range []string{"c1:" + skip + " c1", "c1:" + skip + " c1 c2:" + skip + " c2"} {
		if got := describe(second.Requests()[i]); got != want {
			t.Errorf("call %d of the second model saw %q, want %q", i, got, want)
		}
	}
	if got, want := describe(first.Requests()[2]), "c1:signature of flash c1 c2: c2"; got != want {
		t.Errorf("the next turn's first model saw %q, want %q", got, want)
	}
}

type google struct{ *suite.Model }

func (google) GetGoogleLLMVariant() genai.Backend { return genai.BackendVertexAI }
func (google) Client() *genai.Client              { return nil }

// B65, B54
func TestOptionalMethodsAreThePrimarys(t *testing.T) {
	plain, rich := suite.NewModel("plain", suite.Text("x")), google{suite.NewModel("rich", send(chunk("cut"), &model.LLMResponse{Content: genai.NewContentFromText("cut", genai.RoleModel)}))}
	for name, m := range map[string]model.LLM{"plain": router.MustFallback(router.Config{}, plain, rich), "rich": router.MustFallback(router.Config{}, rich, plain)} {
		v, hasVariant := m.(interface{ GetGoogleLLMVariant() genai.Backend })
		_, hasClient := m.(interface{ Client() *genai.Client })
		if want := name == "rich"; hasVariant != want || hasClient != want || want && v.GetGoogleLLMVariant() != genai.BackendVertexAI {
			t.Errorf("%s: variant %v, client %v", name, hasVariant, hasClient)
		}
	}
	// Gemini always sends a finish reason.
	if got := ask(t.Context(), router.MustFallback(router.Config{}, rich, plain), true); got.stream != "cut|x[x]" {
		t.Errorf("the consumer saw %q, want the cut answer restarted", got.stream)
	}
}

// B53
func TestResume(t *testing.T) {
	const answer = "one two three four"
	cut := func(step suite.Step) model.LLM { return suite.NewModel("first", step) }
	half := suite.Fail(suite.ErrUnavailable, "one ", "two ")
	rest := suite.Text("three four")
	refusing := func(next suite.Step) suite.Step {
		return func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			if req.Contents[len(req.Contents)-1].Role == genai.RoleModel {
				yield(nil, genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "prefill is not supported"})
				return
			}
			next(ctx, req, s, yield)
		}
	}
	for _, test := range []struct {
		name   string
		first  suite.Step
		second suite.Step
		traits router.Traits
		tools  bool
		want   string
		err    error
	}{
		{"continued by prefill", half, rest, router.Traits{Prefill: true}, false, "one two three four[" + answer + "]", nil},
		{"replayed", half, suite.Text(answer), router.Traits{}, false, "one two three four[" + answer + "]", nil},
		{"replayed because of tools", half, suite.Text(answer), router.Traits{Prefill: true}, true, "one two three four[" + answer + "]", nil},
		{"replayed because prefill is refused", half, refusing(suite.Text(answer)), router.Traits{Prefill: true}, false, "one two three four[" + answer + "]", nil},
		{"another text", half, suite.Text("one other text"), router.Traits{}, false, "one two ", router.ErrDiverged},
		{"a shorter text", half, suite.Text("one"), router.Traits{}, false, "one two ", router.ErrDiverged},
		{"failure before content", suite.Fail(suite.ErrQuota), suite.Text(answer), router.Traits{}, false, "one two three four[" + answer + "]", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := router.MustFallback(router.Config{MidStream: router.Resume}, cut(test.first), router.Describe(suite.NewModel("second", test.second), test.traits))
			req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("count", genai.RoleUser)}}
			if test.tools {
				req.Tools = map[string]any{"lookup": nil}
			}
			got := collect(m.GenerateContent(t.Context(), req, true))
			if got.stream != test.want || !errors.Is(got.err, test.err) {
				t.Errorf("the consumer saw %q with error %v, want %q with %v", got.stream, got.err, test.want, test.err)
			}
		})
	}
}

// B53: the third continues where the second was cut off too.
func TestResumeTwice(t *testing.T) {
	m := router.MustFallback(router.Config{MidStream: router.Resume},
		suite.NewModel("first", suite.Fail(suite.ErrUnavailable, "one ")),
		suite.NewModel("second", suite.Fail(suite.ErrUnavailable, "one ", "two ")),
		suite.NewModel("third", suite.Text("one two three")))
	if got := ask(t.Context(), m, true); got.stream != "one two three[one two three]" {
		t.Errorf("the consumer saw %q (%v), want one whole answer", got.stream, got.err)
	}
}

// B13, B04: routers nest, and tell one story.
func TestNestedRouters(t *testing.T) {
	inner := router.MustFallback(router.Config{}, suite.NewModel("a", suite.Fail(suite.ErrQuota)), suite.NewModel("b", suite.Fail(suite.ErrUnavailable)))
	got := ask(t.Context(), router.MustFallback(router.Config{}, inner, suite.NewModel("c", suite.Text("c"))), true)
	md := got.metadata()
	if md.OriginalModel != "a" || md.ModelName != "c" || len(md.Attempts) != 3 {
		t.Errorf("metadata %+v, want a, b and c", md)
	}
}

func TestConfigNamesEveryWrongField(t *testing.T) {
	var none *suite.Model
	a, b := suite.NewModel("a", suite.Text("x")), suite.NewModel("a", suite.Text("x"))
	_, err := router.NewFallback(router.Config{MidStream: "stop", MaxTurns: -1, Guards: []router.Guard{nil}}, a, nil, none, b, suite.NewModel("", suite.Text("x")))
	for _, want := range []string{"Config.MidStream", "Config.MaxTurns", "Config.Guards[0]", "models[1] is nil", "models[2] is nil", `models[3] is called "a" like models[0]`, "models[4] has an empty name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %s", err, want)
		}
	}
	if _, err := router.NewFallback(router.Config{}); err == nil {
		t.Error("no targets are accepted")
	}
}

// A verdict is passed on as it is, so that layers outside judge the same.
func TestFailureKeepsItsVerdict(t *testing.T) {
	got := ask(t.Context(), router.MustFallback(router.Config{}, suite.NewModel("a", suite.Fail(errBadKey)), suite.NewModel("b", suite.Text("x"))), false)
	if v := failure.Classify(got.err); v.Action != failure.Fail || v.Kind != failure.KindAuth {
		t.Errorf("verdict %+v, want a failure of the key", v)
	}
}

func ExampleNewFallback() {
	flash := suite.NewModel("flash", suite.Fail(suite.ErrQuota))
	pro := suite.NewModel("pro", suite.Text("Hello from pro."))
	m, err := router.NewFallback(router.Config{}, flash, pro)
	if err != nil {
		log.Fatal(err)
	}
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{}, false) {
		if err != nil {
			log.Fatal(err)
		}
		md, _ := call.ReadResponse(resp)
		fmt.Println(resp.Content.Parts[0].Text, "instead of", md.OriginalModel, "after", md.ErrorCode)
	}
	// Output: Hello from pro. instead of flash after 429
}
