package router_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// slowly follows step after d, also if its context has ended by then.
func slowly(d time.Duration, step llmtest.Step) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		time.Sleep(d)
		step(ctx, req, stream, yield)
	}
}

// A preview is shown until the answer comes, never delays it, and is not an answer.
func TestProgressive(t *testing.T) {
	fails, long := llmtest.Fail(llmtest.ErrUnavailable), slowly(time.Second, llmtest.Text("the answer"))
	callsTool := llmtest.Call("1", "off", "", nil)
	for _, test := range []struct {
		name            string
		preview, answer llmtest.Step
		unary           bool
		want            string
		took            time.Duration
		record          string
	}{
		{"shown", llmtest.Text("short"), long, false, "short|the answer[the answer]", time.Second, "small ok , large ok "},
		{"unary", llmtest.Text("short"), long, true, "[the answer]", time.Second, "large ok "},
		{"late", slowly(3*time.Second, llmtest.Text("short")), long, false, "the answer[the answer]", time.Second, "small failed preview, large ok "},
		{"too slow", slowly(3*time.Second, llmtest.Text("short")), slowly(5*time.Second, llmtest.Text("ok")), false, "ok[ok]", 5 * time.Second, "small failed preview, large ok "},
		{"hangs", slowly(time.Hour, llmtest.Text("short")), long, false, "the answer[the answer]", time.Second, "small failed preview, large ok "},
		{"fails", fails, long, false, "the answer[the answer]", time.Second, "small failed preview, large ok "},
		{"calls a function", callsTool, long, false, "the answer[the answer]", time.Second, "small ok , large ok "},
		{"panics", func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("boom") }, long, false, "the answer[the answer]", time.Second, "small failed preview, large ok "},
		{"the answer fails", llmtest.Text("short"), slowly(time.Second, fails), false, "short error", time.Second, "small ok , large failed "},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				small, large := llmtest.NewModel("small", test.preview), llmtest.NewModel("large", test.answer)
				var record []string
				m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
					kind := a.Kind
					if kind != string(router.KindPreview) {
						kind = ""
					}
					record = append(record, fmt.Sprint(a.Model, " ", a.Outcome, " ", kind))
				}}}, router.MustProgressive(router.ProgressiveConfig{}, small, large))
				started := time.Now()
				got := ask(t.Context(), m, !test.unary)
				took := time.Since(started)
				if got.err != nil {
					got.stream += " error"
				}
				if got.stream != test.want || took != test.took {
					t.Errorf("the consumer saw %q after %v, want %q after %v", got.stream, took, test.want, test.took)
				}
				if diff := cmp.Diff(test.record, strings.Join(record, ", ")); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
				if md := got.metadata(); got.err == nil && (md.Triggered || md.ModelName != "large") {
					t.Errorf("metadata %+v, want the answer of large, without a fallback", md)
				}
				time.Sleep(2 * time.Hour) // for a preview that was left behind
			})
		})
	}
}

// The preview is marked; the answer, also that of a fallback, is not, and the failure of
// the preview is not the reason of the fallback.
func TestPreviewIsMarked(t *testing.T) {
	for name, preview := range map[string]model.LLM{"template": degrade.Template("One moment."), "fails": llmtest.NewModel("small", llmtest.Fail(llmtest.ErrQuota))} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				large := llmtest.NewModel("large", slowly(time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
				m := router.MustProgressive(router.ProgressiveConfig{}, preview, router.MustFallback(router.Config{}, large, llmtest.NewModel("other", llmtest.Text("ok"))))
				provisional := 0
				for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Model: "large", Contents: genai.Text("hi")}, true) {
					if err != nil {
						t.Fatal(err)
					}
					if resp.CustomMetadata[call.KeyProvisional] == true {
						provisional++
						if !resp.Partial || resp.CustomMetadata[call.KeyModelName] != "template-response" {
							t.Errorf("the preview is %+v", resp)
						}
					}
					if md, _ := call.ReadResponse(resp); !resp.Partial && (md.ErrorCode != "503" || md.Attempt != 1 || md.Degraded != "" || md.ModelName != "other") {
						t.Errorf("metadata %+v, want a fallback to other after 503", md)
					}
				}
				if want := map[string]int{"template": 1, "fails": 0}[name]; provisional != want {
					t.Errorf("%d previews, want %d", provisional, want)
				}
			})
		})
	}
}

func TestProgressiveConfigNamesEveryWrongField(t *testing.T) {
	_, err := router.NewProgressive(router.ProgressiveConfig{Timeout: -1}, nil, nil)
	for _, want := range []string{"preview is nil", "m is nil", "ProgressiveConfig.Timeout: -1ns is negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A template is shown until the model answers.
func ExampleNewProgressive() {
	slow := llmtest.NewModel("pro", slowly(200*time.Millisecond, llmtest.Text("Forty-two.")))
	m, err := router.NewProgressive(router.ProgressiveConfig{}, degrade.Template("Let me think."), slow)
	if err != nil {
		fmt.Println(err)
		return
	}
	for resp := range m.GenerateContent(context.Background(), userSays("What is the answer?"), true) {
		switch {
		case resp.CustomMetadata[call.KeyProvisional] == true:
			fmt.Println("preview:", resp.Content.Parts[0].Text)
		case resp.CustomMetadata[call.KeyRestart] == true:
			fmt.Println("discard the preview")
		case !resp.Partial:
			fmt.Println("answer:", resp.Content.Parts[0].Text)
		}
	}
	// Output:
	// preview: Let me think.
	// discard the preview
	// answer: Forty-two.
}
