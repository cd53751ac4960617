package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// adkContext stands for ADK's contexts.
type adkContext struct{ context.Context }

func (adkContext) AppName() string      { return "shop" }
func (adkContext) UserID() string       { return "ada" }
func (adkContext) SessionID() string    { return "s1" }
func (adkContext) InvocationID() string { return "i1" }
func (adkContext) AgentName() string    { return "clerk" }
func (adkContext) Branch() string       { return "root.clerk" }

func TestInfoOutlivesADKContext(t *testing.T) {
	ctx := call.With(adkContext{t.Context()}, call.Info{Tenant: "acme", Labels: map[string]string{"a": "1"}})
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ctx = call.With(ctx, call.Info{Priority: "paid", Labels: map[string]string{"b": "2"}})

	want := call.Info{
		App: "shop", User: "ada", Session: "s1", Invocation: "i1", Agent: "clerk", Branch: "root.clerk",
		Tenant: "acme", Priority: "paid", Labels: map[string]string{"a": "1", "b": "2"},
	}
	if diff := cmp.Diff(want, call.From(ctx)); diff != "" {
		t.Errorf("From (-want +got):\n%s", diff)
	}
}

func TestInfoOfAnInnerAgentWins(t *testing.T) {
	outer := call.With(t.Context(), call.Info{Agent: "boss", Tenant: "acme"})
	got := call.From(adkContext{outer})
	if got.Agent != "clerk" || got.Tenant != "acme" {
		t.Errorf("From = %+v, want agent clerk of tenant acme", got)
	}
}

func TestFromEmptyContext(t *testing.T) {
	if diff := cmp.Diff(call.Info{}, call.From(t.Context())); diff != "" {
		t.Errorf("From (-want +got):\n%s", diff)
	}
}

func TestLogKeepsFirstAndLatest(t *testing.T) {
	var log call.Log
	for i := range 100 {
		log.Add(call.Attempt{Model: fmt.Sprint(i)})
	}
	attempts, dropped := log.Attempts()
	var models []string
	for _, a := range attempts {
		models = append(models, a.Model)
	}
	want := []string{"0", "85", "86", "87", "88", "89", "90", "91", "92", "93", "94", "95", "96", "97", "98", "99"}
	if diff := cmp.Diff(want, models); diff != "" || dropped != 84 {
		t.Errorf("dropped %d, want 84; models (-want +got):\n%s", dropped, diff)
	}
}

func TestLogIsSafeForConcurrentUse(t *testing.T) {
	var log call.Log
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				log.Add(call.Attempt{Model: "m"})
				log.Attempts()
			}
		})
	}
	wg.Wait()
	if attempts, dropped := log.Attempts(); len(attempts)+dropped != 800 {
		t.Errorf("kept %d and dropped %d, want 800 together", len(attempts), dropped)
	}
}

// B40
func TestAttemptMessagesAreRedactedAndBounded(t *testing.T) {
	var log call.Log
	log.Add(call.Attempt{Message: "Bearer ya29.secretsecretsecret for ada@example.com " + strings.Repeat("x", 1000)})
	attempts, _ := log.Attempts()
	got := attempts[0].Message
	if len(got) > call.MaxMessageBytes {
		t.Errorf("message has %d bytes, want at most %d", len(got), call.MaxMessageBytes)
	}
	for _, secret := range []string{"ya29", "ada@example.com"} {
		if strings.Contains(got, secret) {
			t.Errorf("message %q still holds %q", got, secret)
		}
	}
}

var full = call.Metadata{
	Triggered: true, OriginalModel: "flash", FallbackModel: "pro", Attempt: 1, ErrorCode: "429", Reason: "quota per day",
	Attempts: []call.Attempt{
		{Model: "flash", Outcome: call.Failed, Code: "RESOURCE_EXHAUSTED", Kind: "quota", HTTPStatus: 429, Wait: 2 * time.Second, Duration: 120 * time.Millisecond, Reason: "quota per day", Message: "quota exceeded"},
		{Model: "pro", Outcome: call.OK, InputTokens: 12, OutputTokens: 345, CachedTokens: 7, CachedTokensLost: 5},
	},
	AttemptsDropped: 3, Adapted: []string{"top_k", "safety_settings"}, Notice: "Another model answers.",
	ModelName: "pro", ModelVersion: "pro-001", CacheStatus: "miss", ExperimentID: "e1", Cohort: "b", Degraded: "template",
}

func TestMetadataRoundTrip(t *testing.T) {
	got, ok := call.ReadMap(full.Map())
	if diff := cmp.Diff(full, got); diff != "" || !ok {
		t.Errorf("ReadMap = %v (-want +got):\n%s", ok, diff)
	}
}

// B12
func TestMetadataSurvivesJSON(t *testing.T) {
	for _, useNumber := range []bool{false, true} {
		text, err := json.Marshal(full.Map())
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		if useNumber {
			decoder.UseNumber()
		}
		var custom map[string]any
		if err := decoder.Decode(&custom); err != nil {
			t.Fatal(err)
		}
		got, ok := call.ReadEvent(&session.Event{LLMResponse: model.LLMResponse{CustomMetadata: custom}})
		if diff := cmp.Diff(full, got); diff != "" || !ok {
			t.Errorf("UseNumber %v: ReadEvent = %v (-want +got):\n%s", useNumber, ok, diff)
		}
	}
}

// B02
func TestMetadataTypes(t *testing.T) {
	got := full.Map()
	want := map[string]any{
		"fallback_triggered": true, "original_model": "flash", "fallback_model": "pro",
		"fallback_attempt": 1, "error_code": "429",
	}
	for key, value := range want {
		if diff := cmp.Diff(value, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestMetadataIsBounded(t *testing.T) {
	names := strings.Repeat("\x00\"\xff", 1000)
	huge := call.Metadata{
		Triggered: true, OriginalModel: names, FallbackModel: names, ErrorCode: names, Reason: names,
		ModelName: names, ModelVersion: names, CacheStatus: names, ExperimentID: names, Cohort: names, Degraded: names,
	}
	for range 500 {
		huge.Adapted = append(huge.Adapted, names)
		huge.Attempts = append(huge.Attempts, call.Attempt{Model: names, Outcome: call.Outcome(names), Code: names, Kind: names, Reason: names, Message: names})
	}
	custom := huge.Map()
	text, err := json.Marshal(custom)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > call.MaxMetadataBytes {
		t.Errorf("metadata has %d bytes, want at most %d", len(text), call.MaxMetadataBytes)
	}
	got, _ := call.ReadMap(custom)
	if len(got.Attempts) == 0 || len(got.Attempts)+got.AttemptsDropped != 500 {
		t.Errorf("kept %d and dropped %d attempts, want 500 together", len(got.Attempts), got.AttemptsDropped)
	}
}

// What is added after the end of a call is dropped.
func TestClosedLogTakesNothing(t *testing.T) {
	var log call.Log
	log.Add(call.Attempt{Model: "flash"})
	log.Close()
	log.Add(call.Attempt{Model: "late"})
	if attempts, dropped := log.Attempts(); len(attempts) != 1 || attempts[0].Model != "flash" || dropped != 0 {
		t.Errorf("attempts %v, dropped %d; want flash alone", attempts, dropped)
	}
}

func TestLongMessagesEndWithAMark(t *testing.T) {
	var log call.Log
	log.Add(call.Attempt{Message: strings.Repeat("quota ", 100), Reason: strings.Repeat("reason ", 100)})
	attempts, _ := log.Attempts()
	if got := attempts[0].Message; !strings.HasSuffix(got, "quota…") || len(got) > call.MaxMessageBytes {
		t.Errorf("message %q of %d bytes, want whole words and a mark within %d bytes", got, len(got), call.MaxMessageBytes)
	}
	if got := attempts[0].Reason; !strings.HasSuffix(got, "reason…") {
		t.Errorf("reason %q, want whole words and a mark", got)
	}
}

// The texts of a record are as long in one outcome as in any other field.
func TestMetadataOfAnyAttemptsIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(most int) string {
		b := make([]rune, random.IntN(most+1))
		for i := range b {
			b[i] = []rune("a \"\\<\u2028é配\x00")[random.IntN(9)]
		}
		return string(b)
	}
	for range 500 {
		md := call.Metadata{
			Triggered: true, OriginalModel: text(200), FallbackModel: text(200), Attempt: math.MaxInt, ErrorCode: text(200), Reason: text(400),
			AttemptsDropped: random.Int(), ModelName: text(200), ModelVersion: text(200), CacheStatus: text(200),
			ExperimentID: text(200), Cohort: text(200), Degraded: text(200),
		}
		for range random.IntN(20) {
			md.Adapted = append(md.Adapted, text(100))
			md.Attempts = append(md.Attempts, call.Attempt{
				Model: text(200), Outcome: call.Outcome(text(200)), Code: text(200), Kind: text(200), HTTPStatus: random.Int(), Wait: math.MaxInt64,
				Duration: math.MaxInt64, InputTokens: random.Int(), OutputTokens: random.Int(), CachedTokens: random.Int(), CachedTokensLost: random.Int(), Reason: text(200), Message: text(400),
			})
		}
		written, err := json.Marshal(md.Map())
		if err != nil {
			t.Fatal(err)
		}
		if len(written) > call.MaxMetadataBytes {
			t.Fatalf("metadata has %d bytes, want at most %d:\n%s", len(written), call.MaxMetadataBytes, written)
		}
	}
}

func TestPlainAttemptsAllFit(t *testing.T) {
	var md call.Metadata
	md.Triggered = true
	for range call.MaxAttempts {
		md.Attempts = append(md.Attempts, call.Attempt{
			Model: "gemini-2.5-flash", Outcome: call.Failed, Code: "RESOURCE_EXHAUSTED", Kind: "quota", HTTPStatus: 429, Message: strings.Repeat("m", 300),
		})
	}
	got, _ := call.ReadMap(md.Map())
	if len(got.Attempts) < 10 {
		t.Errorf("only %d of %d ordinary attempts fit", len(got.Attempts), call.MaxAttempts)
	}
}

// B08
func TestWriteToKeepsExistingKeys(t *testing.T) {
	for name, existing := range map[string]map[string]any{"nil": nil, "empty": {}, "used": {"trace": "t1"}} {
		resp := &model.LLMResponse{CustomMetadata: existing}
		before := len(existing)
		full.WriteTo(resp)
		if len(existing) != before {
			t.Errorf("%s: the caller's map was written to", name)
		}
		if resp.CustomMetadata["fallback_triggered"] != true {
			t.Errorf("%s: metadata missing", name)
		}
		if existing["trace"] != resp.CustomMetadata["trace"] {
			t.Errorf("%s: an existing key was lost", name)
		}
	}
}

// B01
func TestZeroMetadataWritesNothing(t *testing.T) {
	resp := &model.LLMResponse{}
	call.Metadata{}.WriteTo(resp)
	if resp.CustomMetadata != nil {
		t.Errorf("CustomMetadata = %v, want nil", resp.CustomMetadata)
	}
	existing := map[string]any{}
	resp.CustomMetadata = existing
	call.Metadata{}.WriteTo(resp)
	if resp.CustomMetadata == nil || len(resp.CustomMetadata) != 0 {
		t.Errorf("CustomMetadata = %v, want the empty map that was there", resp.CustomMetadata)
	}
}

func TestReadIgnoresForeignAndWrongTypes(t *testing.T) {
	if _, ok := call.ReadMap(map[string]any{"trace": "t1"}); ok {
		t.Error("ReadMap of foreign keys = true, want false")
	}
	if _, ok := call.ReadEvent(nil); ok {
		t.Error("ReadEvent(nil) = true, want false")
	}
	if _, ok := call.ReadResponse(nil); ok {
		t.Error("ReadResponse(nil) = true, want false")
	}
	got, ok := call.ReadMap(map[string]any{
		"fallback_triggered": "yes", "fallback_attempt": 1.5, "original_model": 7, "fallback_attempts": []any{"x", nil, map[string]any{"model": 3, "wait_ms": "1"}},
	})
	if diff := cmp.Diff(call.Metadata{}, got); diff != "" || !ok {
		t.Errorf("ReadMap = %v (-want +got):\n%s", ok, diff)
	}
}

// The application describes the caller. Budgets, queues, rules and caches use it.
func ExampleWith() {
	ctx := call.With(context.Background(), call.Info{Tenant: "acme", Priority: "paid"})
	ctx = call.With(ctx, call.Info{DataClass: "pii"}) // adds to what ctx has
	info := call.From(ctx)
	fmt.Println(info.Tenant, info.Priority, info.DataClass)
	// Output: acme paid pii
}

func ExampleReadEvent() {
	event := &session.Event{LLMResponse: model.LLMResponse{CustomMetadata: map[string]any{
		"fallback_triggered": true, "original_model": "gemini-2.5-flash", "fallback_model": "gemini-2.5-pro", "error_code": "429",
	}}}
	if md, ok := call.ReadEvent(event); ok && md.Triggered {
		fmt.Printf("%s answered instead of %s after %s\n", md.FallbackModel, md.OriginalModel, md.ErrorCode)
	}
	// Output: gemini-2.5-pro answered instead of gemini-2.5-flash after 429
}

// What package call does not read of ADK's context, the inner layers can.
func TestTheCallersContextIsHandedOn(t *testing.T) {
	adk := adkContext{t.Context()}
	for name, ctx := range map[string]context.Context{
		"With":       call.With(adk, call.Info{Tenant: "acme"}),
		"Carry":      call.Carry(adk),
		"With twice": call.With(call.Carry(adk), call.Info{Tenant: "acme"}),
		"inner":      call.Carry(adkContext{call.Carry(adkContext{t.Context()})}),
	} {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		got, ok := caller.Context(ctx).(adkContext)
		if _, inner := got.Context.(adkContext); !ok || inner {
			t.Errorf("%s: the context behind is %T, want ADK's", name, caller.Context(ctx))
		}
	}
	if got := caller.Context(call.With(t.Context(), call.Info{Tenant: "acme"})); got.Value(caller.Key{}) != nil {
		t.Errorf("outside of ADK there is %v behind", got)
	}
}

// A context that knows its caller costs one allocation.
func TestCarryAllocatesOnce(t *testing.T) {
	ctx := context.Context(adkContext{t.Context()})
	if n := testing.AllocsPerRun(100, func() { call.Carry(ctx) }); n != 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

// A context that knows its caller ends when the one below it does.
func TestCarriedContextsAreCancelled(t *testing.T) {
	parent, cancel := context.WithCancelCause(t.Context())
	child, stop := context.WithTimeout(call.Carry(adkContext{parent}), time.Minute)
	defer stop()
	cause := errors.New("over")
	cancel(cause)
	<-child.Done()
	if got := context.Cause(child); got != cause {
		t.Errorf("cause %v, want %v", got, cause)
	}
}
