package middleware_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// counter is a model that counts the given tokens in each request, in the order
// of the calls, when each is let go.
type counter struct {
	counts  []int32 // the last one for all later calls
	release chan struct{}
}

func (*counter) Name() string { return "counter" }

func (c *counter) step(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	count := c.counts[0]
	if len(c.counts) > 1 {
		c.counts = c.counts[1:]
	}
	<-c.release
	yield(&model.LLMResponse{
		Content: genai.NewContentFromText("ok", genai.RoleModel), FinishReason: genai.FinishReasonStop,
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: count},
	}, nil)
}

// A bucket of 60 tokens fills by one a second, so the wait for a call tells what
// it held before.
func TestTokensOfABucketAfterCounts(t *testing.T) {
	ten := strings.Repeat("word", 10)
	all := strings.Repeat("word", 60)
	for _, test := range []struct {
		name   string
		counts []int32 // of calls of ten tokens that run at once
		pause  time.Duration
		then   string
		want   time.Duration // how long a call of then waits
	}{
		{"one count above the size", []int32{500}, 0, ten, 20 * time.Second},
		{"one count that leaves a debt", []int32{65}, 0, ten, 15 * time.Second},
		{"many counts leave a debt of the size", []int32{500, 500, 500, 500}, 0, ten, 70 * time.Second},
		{"many counts that add up to more", []int32{40, 40, 40, 40, 40}, 0, ten, 70 * time.Second},
		{"a debt is paid by waiting", []int32{500, 500}, 30 * time.Second, ten, 40 * time.Second},
		{"a count below the estimate gives back", []int32{1, 1}, 0, all, 2 * time.Second},
		{"what is given back reduces a debt", []int32{500, 1}, 0, ten, 21 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{counts: test.counts, release: make(chan struct{})}
				m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60, MaxWait: time.Hour})(llmtest.Bare{Step: c.step})
				var ends []<-chan error
				for range test.counts {
					ends = append(ends, send(t.Context(), m, ten, ""))
				}
				for _, end := range ends {
					c.release <- struct{}{}
					<-end
				}
				time.Sleep(test.pause)
				started := time.Now()
				next := send(t.Context(), m, test.then, "")
				c.release <- struct{}{}
				<-next
				if got := time.Since(started).Round(time.Millisecond); got != test.want {
					t.Errorf("the next call waited for %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestTokensGivenBackFillNoMoreThanTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{counts: []int32{1, 1, 1, 60, 10}, release: make(chan struct{}, 5)}
		m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60, MaxWait: time.Hour})(llmtest.Bare{Step: c.step})
		ten := strings.Repeat("word", 10)
		var ends []<-chan error
		for range 3 {
			ends = append(ends, send(t.Context(), m, ten, ""))
		}
		time.Sleep(time.Minute) // full again
		for range cap(c.release) {
			c.release <- struct{}{}
		}
		for _, end := range ends {
			<-end // and nine given back
		}
		started := time.Now()
		_ = say(t.Context(), m, strings.Repeat("word", 60), "")
		if got := time.Since(started); got != 0 {
			t.Errorf("a call of all tokens waited for %v, want none", got)
		}
		_ = say(t.Context(), m, ten, "")
		if got := time.Since(started).Round(time.Millisecond); got != 10*time.Second {
			t.Errorf("the call after it waited for %v, want 10s", got)
		}
	})
}
