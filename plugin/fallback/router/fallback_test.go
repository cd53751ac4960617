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

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// seen is an llmtest.Seen.
type seen struct {
	stream string
	final  *model.LLMResponse
	err    error
}

func (s seen) metadata() call.Metadata {
	md, _ := call.ReadResponse(s.final)
	return md
}

func collect(responses iter.Seq2[*model.LLMResponse, error]) seen {
	s := llmtest.Collect(responses)
	return seen{s.Stream, s.Final, s.Err}
}

func ask(ctx context.Context, m model.LLM, streamed bool) seen {
	s := llmtest.Ask(ctx, m, streamed)
	return seen{s.Stream, s.Final, s.Err}
}

var (
	errContext  = genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "The input token count (134123) exceeds the maximum number of tokens allowed (131072)."}
	errLocation = genai.APIError{Code: 400, Status: "FAILED_PRECONDITION", Message: "User location is not supported for the API use."}
	errBilling  = genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Your billing account has exceeded its monthly spending cap"}
	errBadKey   = genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "API key not valid. Please pass a valid API key."}
)

func TestMetadata(t *testing.T) {
	first, second := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("ok")), llmtest.NewModel("second", llmtest.Fail(llmtest.ErrUnavailable))
	third := llmtest.NewModel("third", llmtest.Respond(func() *model.LLMResponse {
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
		md.Attempt != 2 || md.ErrorCode != "503" || md.CacheStatus != "" || got.final.CustomMetadata["trace"] != "t1" {
		t.Errorf("metadata %+v in %v, want the third model after two failures", md, got.final.CustomMetadata)
	}

	healthy := ask(t.Context(), m, false).final.CustomMetadata
	if diff := cmp.Diff(map[string]any{"model_name": "first"}, healthy); diff != "" {
		t.Errorf("metadata of a healthy answer (-want +got):\n%s", diff)
	}
}

// B73
func TestAllFailed(t *testing.T) {
	m := router.MustFallback(router.Config{Guards: []guard.Guard{except("second", "not in this region")}},
		llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", llmtest.Text("x")), llmtest.NewModel("third", llmtest.Fail(llmtest.ErrUnavailable)))
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
func refusing(name string, until time.Time, forced llmtest.Step) model.LLM {
	return openBreaker(llmtest.NewModel(name, forced), until)
}

// B73
func TestAllOpenAsksTheOneClosestToRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		m := router.MustFallback(router.Config{},
			refusing("first", now.Add(20*time.Second), llmtest.Text("first")),
			refusing("second", now.Add(10*time.Second), llmtest.Text("second")),
			refusing("third", now.Add(30*time.Second), llmtest.Text("third")))
		if got := ask(t.Context(), m, true); got.stream != "second[second]" {
			t.Errorf("the consumer saw %q (%v), want the second model's answer", got.stream, got.err)
		}
		m = router.MustFallback(router.Config{}, refusing("first", now.Add(time.Second), llmtest.Text("first")), llmtest.NewModel("second", llmtest.Fail(llmtest.ErrQuota)))
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
		{"quota of a model", llmtest.ErrQuota, router.Traits{Credential: "a", Provider: "google"}, router.Traits{}, router.Traits{Credential: "a", Provider: "google"}, "second"},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := llmtest.NewModel("first", llmtest.Fail(test.err))
			m := router.MustFallback(router.Config{},
				router.Describe(first, test.first),
				router.Describe(llmtest.NewModel("second", llmtest.Text("second")), test.second),
				router.Describe(llmtest.NewModel("third", llmtest.Text("third")), test.third))
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
	first := llmtest.NewModel("first", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		cancel()
		yield(nil, llmtest.ErrUnavailable)
	})
	backup := llmtest.NewModel("backup", llmtest.Text("x"))
	got := ask(ctx, router.MustFallback(router.Config{}, first, backup), true)
	if !errors.Is(got.err, context.Canceled) || len(backup.Requests()) > 0 {
		t.Errorf("error %v, %d calls of the backup, want the cancellation alone", got.err, len(backup.Requests()))
	}
}

// B13, B04: routers nest, and tell one story.
func TestNestedRouters(t *testing.T) {
	inner := router.MustFallback(router.Config{}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable)))
	got := ask(t.Context(), router.MustFallback(router.Config{}, inner, llmtest.NewModel("c", llmtest.Text("c"))), true)
	md := got.metadata()
	if md.OriginalModel != "a" || md.ModelName != "c" || len(md.Attempts) != 3 {
		t.Errorf("metadata %+v, want a, b and c", md)
	}
}

func TestConfigNamesEveryWrongField(t *testing.T) {
	var none *llmtest.Model
	a, b := llmtest.NewModel("a", llmtest.Text("x")), llmtest.NewModel("a", llmtest.Text("x"))
	_, err := router.NewFallback(router.Config{MidStream: "stop", MaxTurns: -1, Guards: []guard.Guard{nil}}, a, nil, none, b, llmtest.NewModel("", llmtest.Text("x")))
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
	got := ask(t.Context(), router.MustFallback(router.Config{}, llmtest.NewModel("a", llmtest.Fail(errBadKey)), llmtest.NewModel("b", llmtest.Text("x"))), false)
	if v := failure.Classify(got.err); v.Action != failure.Fail || v.Kind != failure.KindAuth {
		t.Errorf("verdict %+v, want a failure of the key", v)
	}
}

func ExampleNewFallback() {
	flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota))
	pro := llmtest.NewModel("pro", llmtest.Text("Hello from pro."))
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
