package router_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// hangs waits for the end of its context.
func hangs(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	<-ctx.Done()
	yield(nil, ctx.Err())
}

// A consumer that stops, at whatever response, or that panics, ends both models: no
// goroutine outlives the call, or synctest fails the test.
func TestProgressiveEndsWithItsConsumer(t *testing.T) {
	text := llmtest.Text("short")
	talks := func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		if yield(chunk("one "), nil) {
			hangs(ctx, req, streamed, yield)
		}
	}
	for name, test := range map[string]struct{ preview, answer llmtest.Step }{
		"at the preview": {text, hangs}, "at the answer": {hangs, talks}, "at an answer after a preview": {text, slowly(time.Second, talks)},
	} {
		for _, panics := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				defer func() {
					if p := recover(); (p == "mine") != panics {
						t.Errorf("%s: recovered %v", name, p)
					}
				}()
				m := router.MustProgressive(router.ProgressiveConfig{}, llmtest.NewModel("small", test.preview), llmtest.NewModel("large", test.answer))
				started, got := time.Now(), 0
				for _, err := range m.GenerateContent(context.WithoutCancel(t.Context()), userSays("hi"), true) {
					if got++; err != nil {
						t.Error(err)
					}
					if name == "at an answer after a preview" && time.Since(started) == 0 {
						continue
					}
					if panics {
						panic("mine")
					}
					break
				}
				if took := time.Since(started); took > time.Second {
					t.Errorf("%s: %d responses in %v", name, got, took)
				}
			})
		}
	}
}

// The caller's cancellation ends both models.
func TestProgressiveEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m := router.MustProgressive(router.ProgressiveConfig{}, llmtest.NewModel("small", hangs), llmtest.NewModel("large", hangs))
		if got := ask(ctx, m, true); got.stream != "" || got.err == nil {
			t.Errorf("%q, %v; want the caller's error", got.stream, got.err)
		}
	})
}

// A chunk without content, which many providers send first, is no answer yet.
func TestPreviewIsShownAfterAnEmptyChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := llmtest.NewModel("large", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			if yield(chunk(""), nil) {
				slowly(2*time.Second, llmtest.Text("the answer"))(ctx, req, streamed, yield)
			}
		})
		m := router.MustProgressive(router.ProgressiveConfig{}, llmtest.NewModel("small", slowly(time.Second, llmtest.Text("short"))), large)
		if got := ask(t.Context(), m, true); got.stream != "short|the answer[the answer]" || got.err != nil {
			t.Errorf("the consumer saw %q (%v)", got.stream, got.err)
		}
	})
}

// A preview that ignores that its time is over is not shown.
func TestPreviewThatIgnoresItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		preview := degrade.MustTemplate(degrade.TemplateConfig{Func: func(context.Context, *model.LLMRequest) string {
			time.Sleep(3 * time.Second)
			return "late"
		}})
		m := router.MustProgressive(router.ProgressiveConfig{}, preview, llmtest.NewModel("large", slowly(5*time.Second, llmtest.Text("the answer"))))
		if got := ask(t.Context(), m, true); got.stream != "the answer[the answer]" {
			t.Errorf("the consumer saw %q (%v)", got.stream, got.err)
		}
	})
}

// Where the text shown must not be discarded, there is no preview.
func TestNoPreviewOfATextThatStays(t *testing.T) {
	for _, midway := range []router.MidStream{router.Resume, router.FailMidStream} {
		synctest.Test(t, func(t *testing.T) {
			small := llmtest.NewModel("small", llmtest.Text("short"))
			m := router.MustProgressive(router.ProgressiveConfig{}, small, llmtest.NewModel("large", slowly(time.Second, llmtest.Text("the answer"))))
			got := ask(t.Context(), router.MustFallback(router.Config{MidStream: midway}, m, says("other")), true)
			if got.stream != "the answer[the answer]" || len(small.Requests()) > 0 {
				t.Errorf("%s: the consumer saw %q (%v) after %d previews", midway, got.stream, got.err, len(small.Requests()))
			}
		})
	}
}

// Nothing of the preview comes after the answer has begun, however close they are; each
// call ends. For the race detector.
func TestPreviewsRaceWithAnswers(t *testing.T) {
	m := router.MustFallback(router.Config{}, down("first"),
		router.MustProgressive(router.ProgressiveConfig{}, llmtest.NewModel("small", llmtest.Text("short")), llmtest.NewModel("large", llmtest.Text("the answer"))))
	var calls sync.WaitGroup
	for i := range 500 {
		calls.Go(func() {
			text := ""
			for resp, err := range m.GenerateContent(inSession(t.Context(), fmt.Sprint(i%7, "/", i)), userSays("hi"), true) {
				if err != nil {
					t.Error(err)
					return
				}
				switch {
				case resp.CustomMetadata[call.KeyProvisional] == true:
					text += "<short>"
				case resp.CustomMetadata[call.KeyRestart] == true:
					text += "|"
				case !resp.Partial:
					text += "[" + llmtest.TextOf(resp.Content) + "]"
				default:
					text += llmtest.TextOf(resp.Content)
				}
			}
			if text = strings.TrimPrefix(text, "<short>|"); text != "the answer[the answer]" {
				t.Errorf("the consumer saw %q", text)
			}
		})
	}
	calls.Wait()
}
