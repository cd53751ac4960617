package stream_test

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

type kind int

// deriving is a layer that derives something of its request.
type deriving func(ctx context.Context, req *model.LLMRequest)

func (deriving) Name() string { return "deriving" }

func (d deriving) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(d, ctx, req, streamed)
}

func (d deriving) Do(ctx context.Context, req *model.LLMRequest, _ bool, out *stream.Sink) error {
	d(out.Deriving(ctx), req)
	return nil
}

// What is derived of a request is derived once in a call: for all who have it or what
// says the same, at the same time, and for detached layers within detached layers.
func TestDeriveOncePerCall(t *testing.T) {
	req := &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("be", "")}}
	other := clone.Request(req)
	var made atomic.Int64
	derive := func(ctx context.Context, req *model.LLMRequest, k kind) int64 {
		return stream.Derive(ctx, req, k, func() int64 { return made.Add(1) })
	}
	sink := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
	ctx := sink.Deriving(t.Context())
	if got := derive(ctx, req, 0); got != 1 {
		t.Fatalf("%d, want 1", got)
	}
	settings := *req
	settings.Config = &genai.GenerateContentConfig{SystemInstruction: req.Config.SystemInstruction}
	if got := derive(ctx, &settings, 0); got != 1 {
		t.Errorf("with other settings: %d, want 1", got)
	}
	var wait sync.WaitGroup
	var inner deriving = func(ctx context.Context, req *model.LLMRequest) {
		defer wait.Done()
		if got := derive(ctx, req, 0); got != 1 {
			t.Errorf("in a detached layer: %d, want 1", got)
		}
	}
	outer := detaching{inner}
	for range 10 {
		wait.Add(2)
		items := make(chan stream.Item, 1)
		for _, layer := range []stream.Layer{inner, outer} {
			d := sink.Detach(t.Context(), layer, req, false, items)
			<-items
			d.Leave(call.Attempt{})
		}
	}
	wait.Wait()
	if got := derive(ctx, req, 1); got != 2 {
		t.Errorf("of another kind: %d, want 2", got)
	}
	if got := derive(ctx, other, 0); got != 3 {
		t.Errorf("of another request: %d, want 3", got)
	}
	instructed := *req
	instructed.Config = other.Config
	if got := derive(ctx, &instructed, 0); got != 4 {
		t.Errorf("with another instruction: %d, want 4", got)
	}
	next := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
	if got := derive(next.Deriving(t.Context()), req, 0); got != 5 {
		t.Errorf("in another call: %d, want 5", got)
	}
	if a, b := derive(t.Context(), req, 0), derive(t.Context(), req, 0); a != 6 || b != 7 {
		t.Errorf("outside of a call: %d and %d, want 6 and 7", a, b)
	}
}

// detaching is a layer that detaches another one.
type detaching struct{ stream.Layer }

func (d detaching) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	items := make(chan stream.Item, 1)
	within := out.Detach(ctx, d.Layer, req, streamed, items)
	defer within.Leave(call.Attempt{})
	return (<-items).Err
}

// Whoever comes after a panic gets the zero value.
func TestDeriveAfterAPanic(t *testing.T) {
	sink := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
	ctx, req := sink.Deriving(t.Context()), &model.LLMRequest{}
	func() {
		defer func() { _ = recover() }()
		stream.Derive(ctx, req, kind(0), func() int { panic("boom") })
	}()
	if got := stream.Derive(ctx, req, kind(0), func() int { return 1 }); got != 0 {
		t.Errorf("%d, want 0", got)
	}
}
