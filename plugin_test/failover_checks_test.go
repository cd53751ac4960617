package plugin_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// waits checks the time between the first two attempts.
func waits(least, most time.Duration) func(*testing.T, *world, outcome) {
	return func(t *testing.T, w *world, _ outcome) {
		if got := gap(w.Requests(), 1); got < least || got > most {
			t.Errorf("the second attempt came %v after the first, want %v to %v", got, least, most)
		}
	}
}

// refused plays a turn whose outcome is the provider's own reason: no other
// model is asked to answer what one has refused.
func refused(t *testing.T, w *world) row {
	got := w.ask(t.Context(), "a question")
	r := row{got: "error", attempts: len(w.Requests()), took: got.took}
	switch {
	case got.err != nil:
		t.Errorf("the turn failed: %v, want the provider's reason as a response", got.err)
	case got.final == nil || got.final.ErrorCode != string(genai.BlockedReasonProhibitedContent):
		t.Errorf("final event = %+v, want the reason %s", got.final, genai.BlockedReasonProhibitedContent)
	default:
		r.got = "the reason: " + got.final.ErrorCode
	}
	return r
}

// newResumingTree continues the text that was shown, also where the backup says
// that it can be given a part of its answer and then does not take it.
func newResumingTree(t *testing.T, w *world) model.LLM {
	client, err := genai.NewClient(t.Context(), w.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	pro := router.Describe(guarded(plainGemini{backup, client}), router.Traits{Prefill: true})
	return router.MustFallback(router.Config{MidStream: router.Resume}, guarded(w.gemini(t, primary)), pro)
}

// rejectsPrefill refuses a request that ends with a turn of the model, in the
// words of a provider that does
// (https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6).
func rejectsPrefill(r fallbacktest.Request) fallbacktest.Step {
	if r.Contents[len(r.Contents)-1].Role == genai.RoleModel {
		return fallbacktest.Status(400, `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"This model does not support assistant message prefill. The conversation must end with a user message."}}`)
	}
	return whole
}

// wasAskedToContinue checks that the refusal took place: the first request to
// the backup ends with what the caller had seen.
func wasAskedToContinue(t *testing.T, w *world, _ outcome) {
	first := w.RequestsFor(backup)[0]
	if last := first.Contents[len(first.Contents)-1]; last.Role != genai.RoleModel || !strings.HasPrefix(answer, last.Parts[0].Text) {
		t.Errorf("the backup was not asked to continue but for %+v", last)
	}
}

// tellsItsModelAndUsage checks that nothing of the primary is left on an answer
// of the backup.
func tellsItsModelAndUsage(t *testing.T, _ *world, got outcome) {
	md, _ := call.ReadEvent(got.final)
	if !md.Triggered || md.ModelName != backup || md.ModelVersion != backup || md.OriginalModel != primary || md.ErrorCode != "503" {
		t.Errorf("metadata = %+v, want %s in place of %s after 503", md, backup, primary)
	}
	usage := got.final.UsageMetadata
	if usage == nil || usage.PromptTokenCount != 7 || usage.CandidatesTokenCount != 33 || usage.TotalTokenCount != 40 {
		t.Errorf("usage = %+v, want 7 + 33 = 40 tokens", usage)
	}
}

const (
	outage = time.Minute
	every  = 4 * time.Second
)

// outlives asks every 4 s, through an outage of the primary and after it.
func outlives(t *testing.T, w *world) row {
	began := time.Now()
	r := w.keepAsking(t, 2*outage)
	checkOutage(t, w.RequestsFor(primary), began, began.Add(outage))
	r.attempts, r.took = len(w.Requests()), time.Since(began)
	return r
}

// keepAsking asks every 4 s for the given time; each turn has to be answered.
func (w *world) keepAsking(t *testing.T, d time.Duration) row {
	t.Helper()
	r := row{got: "every answer"}
	for end := time.Now().Add(d); time.Now().Before(end); {
		next := time.Now().Add(every)
		before := len(w.Requests())
		got := w.ask(t.Context(), "a question")
		requests := w.Requests()
		want := saidBy(requests[len(requests)-1].Model)
		if got.err != nil || got.text != want || got.screen != want {
			r.got = "not every answer"
			t.Errorf("at %v: %q, err %v", got.began, got.text, got.err)
		}
		if n := len(requests) - before; n > maxAttempts {
			t.Errorf("the provider saw %d attempts for one turn, want at most %d", n, maxAttempts)
		}
		time.Sleep(time.Until(next))
	}
	return r
}

// checkOutage checks what a model saw during an outage, and that it is used
// again soon after.
func checkOutage(t *testing.T, requests []fallbacktest.Request, down, up time.Time) {
	t.Helper()
	const toOpen = middleware.DefaultConsecutiveFailures
	during := between(requests, down, up)
	if most := toOpen + int(up.Sub(down)/openFor); len(during) > most {
		t.Errorf("%d attempts during the outage, want at most %d", len(during), most)
	}
	for i := toOpen; i < len(during); i++ {
		if d := gap(during, i); d < openFor {
			t.Errorf("a probe came %v after the attempt before it, want at least %v", d, openFor)
		}
	}
	if len(between(requests, up, up.Add(30*time.Second))) == 0 {
		t.Errorf("not used again within 30 s of its recovery")
	}
}
