package debugpage_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
)

// BenchmarkHooks is what a page costs a call.
func BenchmarkHooks(b *testing.B) {
	ok := call.Attempt{Model: "gemini-2.5-pro", Outcome: call.OK, Duration: 300 * time.Millisecond, FirstContent: 90 * time.Millisecond, InputTokens: 1200, OutputTokens: 80}
	failed := call.Attempt{Model: "gemini-2.5-flash", Outcome: call.Failed, Code: "UNAVAILABLE", Kind: "overloaded", HTTPStatus: 503, Reason: "overloaded or unavailable", Message: "The model is overloaded.", Duration: time.Millisecond}
	ctx := call.With(context.Background(), call.Info{Tenant: "acme", Invocation: "e-0b5cbd36-9d5f-4f5e-8b6f-5d1a4f2f6d11"})
	for name, attempts := range map[string][]call.Attempt{"healthy": {ok}, "fallback": {failed, ok}} {
		r := call.Result{Outcome: call.OK, Duration: 300 * time.Millisecond, Metadata: call.Metadata{ModelName: ok.Model, CacheStatus: call.CacheMiss, Attempts: attempts}}
		if len(attempts) > 1 {
			r.Triggered, r.OriginalModel, r.FallbackModel, r.ErrorCode, r.Reason = true, failed.Model, ok.Model, "503", failed.Reason
		}
		b.Run(name, func(b *testing.B) {
			hooks := debugpage.New(debugpage.Config{}).Hooks()
			b.ReportAllocs()
			for b.Loop() {
				for _, a := range attempts {
					hooks.OnAttempt(ctx, a)
				}
				hooks.OnEnd(ctx, r)
			}
		})
	}
}

// BenchmarkPage is what a view of a busy page costs.
func BenchmarkPage(b *testing.B) {
	page := debugpage.New(debugpage.Config{})
	ctx := context.Background()
	for range 100 {
		for _, name := range []string{"a", "b", "c", "d"} {
			page.Hooks().OnAttempt(ctx, call.Attempt{Model: name, Outcome: call.OK, Duration: time.Second})
		}
		page.Hooks().OnEnd(ctx, call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: "a", Attempts: []call.Attempt{{Model: "a", Outcome: call.OK}}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}
}
