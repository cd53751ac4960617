package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

func partial(text string) *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true}
}

func final(text string) *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
}

// recorder is a Sink and what came out of it, in the notation of its String.
type recorder struct {
	*stream.Sink
	out  []string
	err  error
	stop int // after so many responses; 0 for never
}

func newRecorder() *recorder {
	r := &recorder{}
	r.Sink = stream.NewSink(context.Background(), func(resp *model.LLMResponse, err error) bool {
		text := "-"
		switch {
		case err != nil:
			r.err = err
			return false
		case resp.CustomMetadata[call.KeyRestart] == true:
			text = "|"
		case resp.Content != nil:
			text = resp.Content.Parts[0].Text
		}
		if !resp.Partial {
			text = "[" + text + "]"
		}
		r.out = append(r.out, text)
		return len(r.out) != r.stop
	})
	return r
}

func (r *recorder) String() string { return strings.Join(r.out, "") }

// B51
func TestSinkHoldsBackUntilContent(t *testing.T) {
	r := newRecorder()
	r.Send(&model.LLMResponse{Partial: true})
	r.Send(partial(""))
	if r.String() != "" || r.Shown {
		t.Errorf("shown %q before any content", r)
	}
	r.Send(partial("a"))
	r.Send(&model.LLMResponse{Partial: true})
	if r.String() != "-a-" {
		t.Errorf("shown %q, want responses after content shown at once", r)
	}
	r.Send(final("a"))
	if r.String() != "-a-[a]" || !r.Final {
		t.Errorf("shown %q, want what was held, the content and the rest, each once", r)
	}
}

func TestSinkHoldsBackABoundedNumber(t *testing.T) {
	r := newRecorder()
	for range 1001 {
		r.Send(&model.LLMResponse{Partial: true})
	}
	r.Send(partial("a"))
	if n := len(r.out); n != 17 {
		t.Errorf("%d responses shown, want 16 that were held and the content", n)
	}
}

func TestThoughtsAreContent(t *testing.T) {
	r := newRecorder()
	r.Send(&model.LLMResponse{Partial: true, Content: &genai.Content{Parts: []*genai.Part{{Text: "hm", Thought: true}}}})
	if r.String() != "hm" {
		t.Errorf("shown %q, want the thought at once", r)
	}
}

// B52: the marker comes with the next content, not before.
func TestRestartMarksTheNextContent(t *testing.T) {
	r := newRecorder()
	r.Restart()
	r.Send(partial("a"))
	r.Restart()
	r.Restart()
	r.Send(&model.LLMResponse{Partial: true})
	if r.String() != "a" || r.Shown {
		t.Errorf("shown %q before the next content", r)
	}
	r.Send(partial("b"))
	r.Send(final("b"))
	r.Restart()
	r.Send(partial("c"))
	if r.String() != "a|-b[b]c" {
		t.Errorf("shown %q, want one marker, and none after a final response", r)
	}
}

func TestSinkStops(t *testing.T) {
	r := newRecorder()
	r.stop = 1
	if r.Send(partial("a")) || !r.Stopped || r.Send(partial("b")) {
		t.Error("the sink goes on after its consumer stopped")
	}
	r.End(errors.New("x"))
	if r.String() != "a" || r.err != nil {
		t.Errorf("shown %q with error %v after the stop", r, r.err)
	}
}

func TestEndGivesARefusalAsAResponse(t *testing.T) {
	r := newRecorder()
	r.End(fmt.Errorf("joined: %w", &stream.BadResponse{Response: final("no"), Means: failure.Verdict{Action: failure.Fail}}))
	if r.String() != "[no]" || r.err != nil {
		t.Errorf("shown %q with error %v, want the refusal", r, r.err)
	}
	r = newRecorder()
	r.End(&stream.BadResponse{Response: final("no"), Means: failure.Verdict{Action: failure.Retry}})
	if r.String() != "" || r.err == nil {
		t.Errorf("shown %q with error %v, want the error", r, r.err)
	}
}

// B60: a response that a model hands out many times is not written to.
func TestAnnotationLeavesTheModelsResponseAlone(t *testing.T) {
	shared := final("a")
	shared.Content.Parts[0].ThoughtSignature = []byte("foreign")
	r := newRecorder()
	r.Root, r.Model = "first", "second"
	r.Record(call.Attempt{Model: "first", Outcome: call.Failed})
	r.Send(shared)
	if shared.CustomMetadata != nil || shared.Content.Parts[0].ThoughtSignature == nil {
		t.Errorf("the model's response became %+v", shared)
	}
}

// If a router in an application's model restarts its answer after the final response, the
// restart is ignored, also if nothing that was shown may be discarded.
func TestRestartAfterTheFinalResponseIsIgnored(t *testing.T) {
	r := newRecorder()
	r.Continuous = true
	marker := partial("")
	marker.CustomMetadata = map[string]any{call.KeyRestart: true}
	err := stream.Of(llmtest.NewModel("flash", llmtest.Send(partial("a"), final("a"), marker))).Do(t.Context(), &model.LLMRequest{}, true, r.Sink)
	if r.String() != "a[a]" || err != nil {
		t.Errorf("shown %q, %v; want the answer", r, err)
	}
}

func TestSourceRecordsFailures(t *testing.T) {
	r := newRecorder()
	r.Wait = 3 * time.Second
	source := stream.NewSource(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), stream.Options{Name: "renamed"})
	err := source.Do(t.Context(), &model.LLMRequest{}, true, r.Sink)
	attempts, _ := r.Attempts()
	want := []call.Attempt{{Model: "renamed", Outcome: call.Failed, Code: "RESOURCE_EXHAUSTED", Kind: "rate_limit", HTTPStatus: 429, Wait: 3 * time.Second}}
	for i := range attempts {
		attempts[i].Duration, attempts[i].Message, attempts[i].Reason = 0, "", ""
	}
	if diff := cmp.Diff(want, attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	var api genai.APIError
	if !errors.As(err, &api) || stream.VerdictOf(t.Context(), err).HTTPStatus != 429 {
		t.Errorf("error %v, want the model's with its verdict", err)
	}
}

// A layer of ours that ends an attempt says why; the caller's reasons are its
// own.
func TestEndedTellsOurCausesFromTheCallers(t *testing.T) {
	ours, cancel := context.WithCancelCause(t.Context())
	cancel(&failure.TimeoutError{Phase: "idle", Limit: time.Second})
	var timeout *failure.TimeoutError
	if !errors.As(stream.Ended(ours), &timeout) {
		t.Errorf("Ended = %v, want our timeout", stream.Ended(ours))
	}
	callers, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the caller's reason"))
	if stream.Ended(callers) != context.Canceled {
		t.Errorf("Ended = %v, want the caller's cancellation", stream.Ended(callers))
	}
}

func TestSinkPassesItsConsumersPanicOn(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the consumer's panic was swallowed")
		}
	}()
	source := stream.NewSource(llmtest.NewModel("flash", llmtest.Text("a")), stream.Options{})
	_ = source.Do(t.Context(), &model.LLMRequest{}, false, stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { panic("mine") }))
}

// B80
func TestAHookThatPanicsIsAnError(t *testing.T) {
	source := stream.NewSource(llmtest.NewModel("flash", llmtest.Text("a")), stream.Options{Prepare: func(*model.LLMRequest) { panic("boom") }})
	if err := source.Do(t.Context(), &model.LLMRequest{}, false, newRecorder().Sink); err == nil {
		t.Error("the panic is no error")
	}
}

// B35: what the SDK drops of a response reaches the verdict of its attempt.
func TestAttemptsCaptureHeaders(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	client := &http.Client{Transport: failure.Capture(nil)}
	m := llmtest.NewModel("flash", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			err = genai.APIError{Code: resp.StatusCode}
		}
		yield(nil, err)
	})
	err := stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, newRecorder().Sink)
	if got := stream.VerdictOf(t.Context(), err).RetryAfter; got != 7*time.Second {
		t.Errorf("retry after %v (%v), want the header's 7s", got, err)
	}
}

// The wait before an attempt is that of the first one in a fork, and nobody else's.
func TestAForkTakesTheWaitOver(t *testing.T) {
	r := newRecorder()
	r.Wait = time.Second
	if fork := r.Fork(func(*model.LLMResponse) bool { return true }); fork.Wait != time.Second || r.Wait != 0 {
		t.Errorf("the fork waited %v and its parent %v, want 1s and 0", fork.Wait, r.Wait)
	}
}

// B72: a failure that a caller meets after it has gone says nothing of the model.
func TestVerdictOfACallThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newRecorder()
	err := stream.Of(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))).Do(ctx, &model.LLMRequest{}, false, r.Sink)
	if v := stream.VerdictOf(ctx, err); v.Action != failure.Retry {
		t.Errorf("verdict %+v, want a retry", v)
	}
	cancel()
	if v := stream.VerdictOf(ctx, err); v.Kind != failure.KindCanceled {
		t.Errorf("verdict %+v after the caller's end, want its cancellation", v)
	}
}
