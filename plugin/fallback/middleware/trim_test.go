package middleware_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// history is a conversation of so many turns, about 100 tokens each, the latest of which
// is in a tool loop.
func history(turns int) *model.LLMRequest {
	words := strings.Repeat("word ", 40)
	req := &model.LLMRequest{Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("Be brief.", "")}}
	for i := range turns {
		req.Contents = append(req.Contents, genai.NewContentFromText(fmt.Sprint("question ", i, " ", words), genai.RoleUser))
		if i < turns-1 {
			req.Contents = append(req.Contents, genai.NewContentFromText(fmt.Sprint("answer ", i, " ", words), genai.RoleModel))
		}
	}
	call := genai.NewContentFromFunctionCall("search", map[string]any{"q": "x"}, genai.RoleModel)
	call.Parts[0].ThoughtSignature = []byte("signature")
	req.Contents = append(req.Contents, call, genai.NewContentFromFunctionResponse("search", map[string]any{"hit": "y"}, genai.RoleUser))
	return req
}

// counting is a model that counts factor tokens for each that is estimated, and refuses
// requests of more than window.
func counting(name string, window int, factor float64) *llmtest.Model {
	return llmtest.NewModel(name, func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		counted := int(float64(tokens.Estimate(req)) * factor)
		if counted > window {
			yield(nil, genai.APIError{Code: 400, Status: "INVALID_ARGUMENT",
				Message: fmt.Sprintf("The input token count (%d) exceeds the maximum number of tokens allowed (%d).", counted, window)})
			return
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText("ok", genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: int32(counted), CandidatesTokenCount: 1}}, nil)
	})
}

// sendOnce makes one call and returns the metadata of the answer.
func sendOnce(t testing.TB, m model.LLM, req *model.LLMRequest) (md call.Metadata, err error) {
	t.Helper()
	for resp, e := range m.GenerateContent(context.Background(), req, false) {
		if e != nil {
			return md, e
		}
		md, _ = call.ReadResponse(resp)
	}
	return md, nil
}

// B64: what is sent fits, and both ends are as they were, signatures included.
func TestTrimMakesAHistoryFit(t *testing.T) {
	flash := counting("flash", 1000, 1)
	m := middleware.MustTrim(middleware.TrimConfig{Window: 1000})(flash)
	req := history(30)
	before := clone.Request(req)
	if _, err := sendOnce(t, m, req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, req); diff != "" {
		t.Errorf("the caller's request has changed:\n%s", diff)
	}
	sent := flash.Requests()[0]
	if n := tokens.Estimate(sent); n > 1000 || n < 700 {
		t.Errorf("%d tokens were sent, want nearly 1000", n)
	}
	if len(sent.Contents) < 4 || request.Text(sent.Contents[1]) != middleware.TrimMark {
		t.Fatalf("%d contents, without a mark at its place", len(sent.Contents))
	}
	if diff := cmp.Diff(before.Contents[:1], sent.Contents[:1]); diff != "" {
		t.Errorf("the beginning:\n%s", diff)
	}
	tail := len(sent.Contents) - 2
	if diff := cmp.Diff(before.Contents[len(before.Contents)-tail:], sent.Contents[2:]); diff != "" {
		t.Errorf("the end:\n%s", diff)
	}
	if diff := cmp.Diff(before.Config.SystemInstruction, sent.Config.SystemInstruction); diff != "" {
		t.Errorf("the system instruction:\n%s", diff)
	}
}

func TestTrimLeavesAloneWhatFits(t *testing.T) {
	flash := counting("flash", 1000, 1)
	m := middleware.MustTrim(middleware.TrimConfig{Window: 1000})(flash)
	req := history(5)
	if _, err := sendOnce(t, m, req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(req.Contents, flash.Requests()[0].Contents); diff != "" {
		t.Errorf("the contents have changed:\n%s", diff)
	}
}

func TestTrimRefusesWhatCannotFit(t *testing.T) {
	instruction := history(3)
	instruction.Config.SystemInstruction = genai.NewContentFromText(strings.Repeat("rule ", 1000), "")
	for name, req := range map[string]*model.LLMRequest{
		"a long message":     {Contents: []*genai.Content{genai.NewContentFromText(strings.Repeat("word ", 1000), genai.RoleUser)}},
		"a long instruction": instruction,
	} {
		flash := counting("flash", 1000, 1)
		_, err := sendOnce(t, middleware.MustTrim(middleware.TrimConfig{Window: 1000})(flash), req)
		if refused := refusedBy(err, "trim"); refused == nil || refused.Model != "flash" || failure.Classify(err).Action != failure.Fallback {
			t.Errorf("%s: error %v, want a refusal of flash", name, err)
		}
		if n := len(flash.Requests()); n != 0 {
			t.Errorf("%s: %d calls, want none", name, n)
		}
	}
}

// A model that counts more tokens than are estimated is given shorter requests, from
// what it has said of earlier ones.
func TestTrimLearnsTheModelsOwnCount(t *testing.T) {
	for name, factor := range map[string]float64{"more": 1.6, "fewer": 0.5} {
		t.Run(name, func(t *testing.T) {
			flash := counting("flash", 1000, factor)
			m := middleware.MustTrim(middleware.TrimConfig{Window: 1000})(flash)
			for range 30 {
				if _, err := sendOnce(t, m, history(5)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := sendOnce(t, m, history(50)); err != nil {
				t.Fatalf("the first long request: %v", err)
			}
			requests := flash.Requests()
			if n := float64(tokens.Estimate(requests[len(requests)-1])) * factor; n > 1000 || n < 650 {
				t.Errorf("%.0f tokens were sent, want nearly 1000", n)
			}
		})
	}
}

// A refusal for its length teaches too: the next call is shorter.
func TestTrimLearnsFromARefusal(t *testing.T) {
	flash := counting("flash", 1000, 1.2)
	m := middleware.MustTrim(middleware.TrimConfig{Window: 1000})(flash)
	failures := 0
	for range 6 {
		if _, err := sendOnce(t, m, history(50)); err != nil {
			if failure.Classify(err).Kind != failure.KindContextLength {
				t.Fatal(err)
			}
			failures++
		}
	}
	if failures == 0 || failures > 3 {
		t.Errorf("%d calls have failed, want one to three", failures)
	}
}

// Only a refusal for its length teaches, and only one by the model itself.
func TestTrimLearnsNothingFromOtherFailures(t *testing.T) {
	req := history(9) // about 900 by the estimate
	large := counting("large", 1000, 1)
	trimmed := middleware.MustTrim(middleware.TrimConfig{Window: 1000})
	m := router.MustFallback(router.Config{}, counting("small", 500, 1), trimmed(large))
	if _, err := sendOnce(t, m, req); err != nil || isTrimmed(large.Requests()[0]) {
		t.Errorf("error %v; want an answer to the whole request, which was too long for another model", err)
	}
	flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
	m = trimmed(flash)
	for range 2 {
		_, err := sendOnce(t, m, req)
		if sent := flash.Requests(); err == nil || isTrimmed(sent[len(sent)-1]) {
			t.Errorf("error %v; want the whole request to fail, after %d", err, len(sent)-1)
		}
	}
}

// A larger window comes first; only what fits none is trimmed.
func TestLargerWindowComesBeforeTrimming(t *testing.T) {
	for name, test := range map[string]struct {
		turns    int
		down     bool // the large model is down
		attempts string
		trimmed  bool
	}{
		"fits the first": {turns: 5, attempts: "small:ok"},
		"fits the large": {turns: 20, attempts: "small:skipped large:ok"},
		"fits none":      {turns: 60, attempts: "small:skipped large:skipped small:ok", trimmed: true},
		"large is down":  {turns: 20, down: true, attempts: "small:skipped large:failed small:ok", trimmed: true},
		"not needed":     {turns: 5, down: true, attempts: "small:ok"},
	} {
		t.Run(name, func(t *testing.T) {
			small, large := counting("small", 1000, 1), counting("large", 4000, 1)
			if test.down {
				large = llmtest.NewModel("large", llmtest.Fail(llmtest.ErrUnavailable))
			}
			var attempts []string
			config := router.Config{
				Guards: []guard.Guard{guard.ContextWindow},
				Hooks:  call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { attempts = append(attempts, a.Model+":"+string(a.Outcome)) }},
			}
			m := router.MustFallback(config,
				router.Describe(small, router.Traits{ContextWindow: 1000}), router.Describe(large, router.Traits{ContextWindow: 4000}),
				middleware.MustTrim(middleware.TrimConfig{Window: 1000, OnlyOverflow: true})(small))
			_, err := sendOnce(t, m, history(test.turns))
			if got := strings.Join(attempts, " "); err != nil || got != test.attempts {
				t.Errorf("error %v, attempts %q, want %q", err, got, test.attempts)
			}
			if sent := small.Requests(); test.trimmed && (len(sent) != 1 || !isTrimmed(sent[0])) {
				t.Errorf("the small model was sent %d requests, none trimmed", len(sent))
			}
		})
	}
}

func isTrimmed(req *model.LLMRequest) bool {
	return len(req.Contents) > 1 && request.Text(req.Contents[1]) == middleware.TrimMark
}

// B101
func TestTrimIsInTheMetadata(t *testing.T) {
	large := counting("large", 1000, 1)
	m := router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)),
		middleware.MustTrim(middleware.TrimConfig{Window: 1000})(large))
	for _, turns := range []int{30, 5} {
		md, err := sendOnce(t, m, history(turns))
		var want []string
		if turns == 30 {
			want = []string{"history"}
		}
		if diff := cmp.Diff(want, md.Adapted); err != nil || diff != "" {
			t.Errorf("%d turns: error %v, adapted (-want +got):\n%s", turns, err, diff)
		}
	}
}

func TestTrimIsNotInTheMetadataOfAnotherTarget(t *testing.T) {
	small := llmtest.NewModel("small", llmtest.Fail(llmtest.ErrUnavailable))
	m := router.MustFallback(router.Config{}, middleware.MustTrim(middleware.TrimConfig{Window: 1000})(small), counting("large", 4000, 1))
	if md, err := sendOnce(t, m, history(30)); err != nil || !isTrimmed(small.Requests()[0]) || md.Adapted != nil {
		t.Errorf("error %v, adapted %q; want the answer of large to the whole request", err, md.Adapted)
	}
}

// A target behind itself is not called again for what trimming does not change.
func TestOnlyOverflowRefusesWhatFits(t *testing.T) {
	flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
	trimmed := middleware.MustTrim(middleware.TrimConfig{Window: 1000, OnlyOverflow: true})
	if _, err := sendOnce(t, router.MustFallback(router.Config{}, flash, trimmed(flash)), history(5)); err == nil {
		t.Fatal("no error")
	}
	if n := len(flash.Requests()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// A request that the model has refused for its length in this call is trimmed, though by
// the estimate it fits.
func TestRefusedLengthIsTrimmedInTheSameCall(t *testing.T) {
	flash := counting("flash", 1000, 1.3)
	trimmed := middleware.MustTrim(middleware.TrimConfig{Window: 1000, OnlyOverflow: true})
	req := history(9) // about 900 by the estimate
	_, err := sendOnce(t, router.MustFallback(router.Config{}, flash, trimmed(flash)), req)
	if sent := flash.Requests(); err != nil || len(sent) != 2 || isTrimmed(sent[0]) || !isTrimmed(sent[1]) {
		t.Errorf("error %v after %d calls, want an answer to the second, trimmed; estimated %d", err, len(sent), tokens.Estimate(req))
	}
}

func TestTrimNeedsAWindow(t *testing.T) {
	if _, err := middleware.NewTrim(middleware.TrimConfig{}); err == nil || !strings.Contains(err.Error(), "TrimConfig.Window is 0; must be 1 or more") {
		t.Errorf("error %v", err)
	}
}

// A long conversation goes to the model with the larger window. When that is down, the
// small model answers, without the middle of the conversation.
func ExampleNewTrim() {
	small := llmtest.NewModel("small", llmtest.Text("Hello."))
	large := llmtest.NewModel("large", llmtest.Text("Hello."), llmtest.Fail(llmtest.ErrUnavailable))
	trimmed, err := middleware.NewTrim(middleware.TrimConfig{Window: 1000, OnlyOverflow: true})
	if err != nil {
		log.Fatal(err)
	}
	m, err := router.NewFallback(router.Config{Guards: []guard.Guard{guard.ContextWindow}},
		router.Describe(small, router.Traits{ContextWindow: 1000}),
		router.Describe(large, router.Traits{ContextWindow: 100_000}),
		trimmed(small),
	)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		for resp, err := range m.GenerateContent(context.Background(), history(30), false) {
			if err != nil {
				log.Fatal(err)
			}
			md, _ := call.ReadResponse(resp)
			fmt.Println(md.ModelName)
		}
	}
	fmt.Println(len(history(30).Contents), "messages, of which", len(small.Requests()[0].Contents), "were sent")
	// Output:
	// large
	// small
	// 61 messages, of which 19 were sent
}

// A request that is trimmed leaves room for its answer. One that fits, but not together with
// its answer, is not trimmed until the model has refused it.
func TestTrimLeavesRoomForTheAnswer(t *testing.T) {
	for _, output := range []int{-400, 0, 400, 5000} {
		flash := counting("flash", 1000, 1)
		m := middleware.MustTrim(middleware.TrimConfig{Window: 1000, Output: func(*model.LLMRequest) int { return output }})(flash)
		if _, err := sendOnce(t, m, history(60)); err != nil {
			t.Fatal(err)
		}
		if length, most := tokens.Estimate(flash.Requests()[0]), 1000-min(max(output, 0), 500); length > most || length < most/2 {
			t.Errorf("an answer of %d tokens leaves %d for the input; want up to %d", output, length, most)
		}
	}
	fits := history(8)
	if length := tokens.Estimate(fits); length < 600 || length > 1000 {
		t.Fatalf("%d tokens; want some that fit without the answer", length)
	}
	m := middleware.MustTrim(middleware.TrimConfig{Window: 1000, OnlyOverflow: true, Output: func(*model.LLMRequest) int { return 500 }})(counting("flash", 1000, 1))
	if _, err := sendOnce(t, m, fits); err == nil || !strings.Contains(err.Error(), "fits without trimming") {
		t.Errorf("error %v", err)
	}
}
