package router_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func TestStreams(t *testing.T) {
	usage := &model.LLMResponse{Partial: true, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 3}}
	refusal := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
	})
	for _, test := range []struct {
		name   string
		config router.Config
		first  llmtest.Step
		want   string
		err    error // of the first model, if the call fails
		backup int   // calls of the second
	}{
		{"healthy", router.Config{}, llmtest.Text("one two"), "one two[one two]", nil, 0},
		{"B50 failure before content", router.Config{}, llmtest.Fail(llmtest.ErrQuota), "from backup[from backup]", nil, 1},
		{"B51 metadata only, then failure", router.Config{}, func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			_ = yield(usage, nil) && yield(nil, llmtest.ErrQuota)
		}, "from backup[from backup]", nil, 1},
		{"B52 failure after content", router.Config{}, llmtest.Fail(llmtest.ErrUnavailable, "one "), "one |from backup[from backup]", nil, 1},
		{"B53 failure after content, fail", router.Config{MidStream: router.FailMidStream}, llmtest.Fail(llmtest.ErrUnavailable, "one "), "one ", llmtest.ErrUnavailable, 0},
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
			yield(nil, llmtest.ErrUnavailable)
			yield(chunk("late"), nil)
		}, "from backup[from backup]", nil, 1},
		{"a bad key", router.Config{}, llmtest.Fail(errBadKey), "", errBadKey, 0},
		{"a bad key, by policy of refusals", router.Config{FallbackOnContentPolicy: true}, llmtest.Fail(errBadKey), "", errBadKey, 0},
		{"a refusal is the answer", router.Config{}, refusal, "[SAFETY]", nil, 0},
		{"a refusal, by policy", router.Config{FallbackOnContentPolicy: true}, refusal, "from backup[from backup]", nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, backup := llmtest.NewModel("first", test.first), llmtest.NewModel("backup", llmtest.Text("from backup"))
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

// A version that only the parts of a stream have is the answer's, too.
func TestModelVersionOfTheParts(t *testing.T) {
	versioned := chunk("hel")
	versioned.ModelVersion = "flash-001"
	m := fallback(llmtest.NewModel("flash", send(versioned, chunk("lo"), &model.LLMResponse{Content: genai.NewContentFromText("hello", genai.RoleModel), FinishReason: genai.FinishReasonStop})))
	if got := ask(t.Context(), m, true).metadata().ModelVersion; got != "flash-001" {
		t.Errorf("model version %q, want that of the first part", got)
	}
}

// B51: held back chunks are passed on once, in front of the content.
func TestMetadataChunksAreShownOnce(t *testing.T) {
	usage := func(n int32) *model.LLMResponse {
		return &model.LLMResponse{Partial: true, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: n}}
	}
	m := router.MustFallback(router.Config{},
		llmtest.NewModel("first", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			_ = yield(usage(1), nil) && yield(nil, llmtest.ErrQuota)
		}),
		llmtest.NewModel("backup", send(usage(2), usage(3), chunk("hi"), usage(4), &model.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel)})))
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
	first := llmtest.NewModel("first", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		defer func() { closed = true }()
		for yield(chunk("word "), nil) {
		}
	})
	backup := llmtest.NewModel("backup", llmtest.Text("x"))
	for range router.MustFallback(router.Config{}, first, backup).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		break
	}
	if !closed || len(backup.Requests()) > 0 {
		t.Errorf("closed %v, %d calls of the backup, want the first model closed and nothing tried", closed, len(backup.Requests()))
	}
}

// B56: a panic of the consumer is not taken for the model's.
func TestConsumerPanics(t *testing.T) {
	backup := llmtest.NewModel("backup", llmtest.Text("x"))
	defer func() {
		if r := recover(); r != "mine" || len(backup.Requests()) > 0 {
			t.Errorf("recovered %v with %d calls of the backup, want the consumer's panic alone", r, len(backup.Requests()))
		}
	}()
	for range router.MustFallback(router.Config{}, llmtest.NewModel("first", llmtest.Text("a b")), backup).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		panic("mine")
	}
}

// B59: what is final has been acted on.
func TestNothingIsTriedAfterAFinalResponse(t *testing.T) {
	first := llmtest.NewModel("first", func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
		llmtest.Call("c1", "pay", "", nil)(ctx, req, s, yield)
		yield(nil, llmtest.ErrUnavailable)
	})
	backup := llmtest.NewModel("backup", llmtest.Call("c2", "pay", "", nil))
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
