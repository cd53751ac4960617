package router_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B60: a hedge that is left behind does not read the caller's request, nor call its model
// once more.
func TestHedgeHasItsOwnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", within(2*time.Second, llmtest.Text("from flash")))
		lite := llmtest.NewModel("lite", deaf(time.Second, llmtest.Fail(llmtest.ErrUnavailable)), llmtest.Text("x"))
		stubborn := &again{Layer: stream.Of(lite)}
		req := userSays("hi")
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second / 2}, flash, stubborn)
		for range m.GenerateContent(t.Context(), req, false) {
		}
		req.Contents[0].Parts[0].Text = "another turn"
		time.Sleep(time.Hour)
		synctest.Wait()
		if stubborn.read != "hi" {
			t.Errorf("the hedge read %q, want hi", stubborn.read)
		}
		if n := len(lite.Requests()); n != 1 {
			t.Errorf("%d calls of the hedge's model, want 1: nobody waits for the second", n)
		}
	})
}

// again asks twice, also after a cancellation.
type again struct {
	stream.Layer
	read string // of the request, before the second call
}

func (a *again) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if err := a.Layer.Do(ctx, req, streamed, out); err == nil {
		return nil
	}
	time.Sleep(time.Minute) // in a synctest bubble
	a.read = req.Contents[0].Parts[0].Text
	return a.Layer.Do(ctx, req, streamed, out)
}

// B63
func TestHedgeAcceptsNoForeignSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("gemini-2.5-flash", within(time.Hour, llmtest.Text("x")))
		lite := llmtest.NewModel("gemini-2.5-lite", llmtest.Call("c2", "lookup", "sig of lite", nil))
		req := userSays("hi")
		req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "c1"}, ThoughtSignature: []byte("sig of flash")}}})
		for resp, err := range router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite).GenerateContent(t.Context(), req, false) {
			if err != nil || resp.Content.Parts[0].ThoughtSignature != nil {
				t.Errorf("response %+v, error %v, want a call without signature", resp, err)
			}
		}
		if got := flash.Requests()[0].Contents[1].Parts[0].ThoughtSignature; string(got) != "sig of flash" {
			t.Errorf("the first model was sent signature %q", got)
		}
		if got := lite.Requests()[0].Contents[1].Parts[0].ThoughtSignature; got != nil {
			t.Errorf("the hedge was sent signature %q", got)
		}
	})
}

// B65
func TestHedgeForwardsOptionalMethods(t *testing.T) {
	plain, google := llmtest.NewModel("flash", llmtest.Text("x")), googleModel{llmtest.NewModel("gemini", llmtest.Text("x"))}
	type variant interface{ GetGoogleLLMVariant() genai.Backend }
	if _, ok := router.MustHedge(router.HedgeConfig{}, google, plain).(variant); !ok {
		t.Error("the variant of the first model is hidden")
	}
	if _, ok := router.MustHedge(router.HedgeConfig{}, plain, google).(variant); ok {
		t.Error("the variant of the second model shows")
	}
}

type googleModel struct{ *llmtest.Model }

func (googleModel) GetGoogleLLMVariant() genai.Backend { return genai.BackendGeminiAPI }

// What a layer around says about the call reaches the models.
func TestHedgeHandsOnWhatIsAskedOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flash, lite stream.Sink
		probe := func(saw *stream.Sink, step llmtest.Step) model.LLM {
			return &asked{Layer: stream.Of(llmtest.NewModel("m"+fmt.Sprintf("%p", saw), step)), saw: saw}
		}
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, probe(&flash, within(time.Hour, llmtest.Text("x"))), probe(&lite, llmtest.Text("x")))
		out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
		out.Force, out.Wait, out.Notes.Cohort, out.Root = true, time.Second, "c", "root"
		if err := stream.Of(m).Do(t.Context(), userSays("hi"), false, out); err != nil {
			t.Fatal(err)
		}
		if !flash.Force || !flash.HasNext || flash.Wait != time.Second || flash.Notes.Cohort != "c" || flash.Root != "root" {
			t.Errorf("the first model was asked with %+v", &flash)
		}
		if !lite.Force || lite.HasNext || lite.Wait != 0 || lite.Notes.Cohort != "c" || lite.Root != "root" {
			t.Errorf("the hedge was asked with %+v", &lite)
		}
		if out.Notes.Degraded != "how" || !out.Final {
			t.Errorf("out is %+v, want what the winner knows", out)
		}
	})
}

// asked keeps what is asked of it, and knows more of its answer.
type asked struct {
	stream.Layer
	saw *stream.Sink
}

func (a *asked) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	a.saw.Force, a.saw.HasNext, a.saw.Wait, a.saw.Notes, a.saw.Root = out.Force, out.HasNext, out.Wait, out.Notes, out.Root
	out.Notes.Degraded = "how"
	return a.Layer.Do(ctx, req, streamed, out)
}
