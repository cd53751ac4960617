package router_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// heard is what the consumer of one call saw and what stands on record.
type heard struct {
	Partial  string // the text of the partial responses
	Final    string // the text of the final response
	Err      error
	Took     time.Duration
	Metadata call.Metadata // of the final response
	Record   []string      // model, outcome and kind of every attempt on record
}

// hear makes one call. A consumer that returns false wants no more.
func hear(ctx context.Context, m model.LLM, streamed bool, consume ...func(*model.LLMResponse) bool) heard {
	var h heard
	started := time.Now()
	out := stream.NewSink(func(resp *model.LLMResponse, _ error) bool {
		if resp.Partial {
			if resp.CustomMetadata[call.KeyRestart] == true {
				h.Partial += "|"
			} else {
				h.Partial += resp.Content.Parts[0].Text
			}
		} else {
			h.Final += resp.Content.Parts[0].Text
			h.Metadata, _ = call.ReadResponse(resp)
		}
		for _, more := range consume {
			if !more(resp) {
				return false
			}
		}
		return true
	})
	h.Err = stream.Of(m).Do(ctx, userSays("hi"), streamed, out)
	h.Took = time.Since(started)
	attempts, _ := out.Attempts()
	for _, a := range attempts {
		h.Record = append(h.Record, strings.Join([]string{a.Model, string(a.Outcome), a.Kind}, " "))
	}
	return h
}

func userSays(text string) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
}

// within follows step after d, or ends with the context, as a model does.
func within(d time.Duration, step suite.Step) suite.Step {
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-time.After(d):
			step(ctx, req, streamed, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	}
}

// deaf follows step after d, whatever becomes of the context.
func deaf(d time.Duration, step suite.Step) suite.Step {
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		time.Sleep(d) // in a synctest bubble
		step(ctx, req, streamed, yield)
	}
}

// inBubble runs f with time of its own, for unary and streamed calls. It fails
// when a goroutine is left.
func inBubble(t *testing.T, f func(t *testing.T, streamed bool)) {
	t.Helper()
	for name, streamed := range map[string]bool{"unary": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, streamed) })
		})
	}
}

func TestFastFirstModelIsNotHedged(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", within(900*time.Millisecond, suite.Text("from flash"))), suite.NewModel("lite", suite.Text("x"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from flash" || got.Record != nil {
			t.Errorf("heard %+v, want the answer of flash and no record", got)
		}
		if diff := cmp.Diff(call.Metadata{ModelName: "flash", CacheStatus: call.CacheBypass}, got.Metadata); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		if n := len(lite.Requests()); n > 0 {
			t.Errorf("lite was asked %d times", n)
		}
	})
}

// B76
func TestHedgeAnswersWhenFirstModelIsSlow(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", within(time.Minute, suite.Text("late"))), suite.NewModel("lite", within(time.Second/2, suite.Text("from lite")))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from lite" || streamed && got.Partial != "from lite" {
			t.Errorf("heard %+v, want the answer of lite", got)
		}
		if got.Took != 1500*time.Millisecond {
			t.Errorf("it took %v, want 1.5s: the loser is not waited for", got.Took)
		}
		if diff := cmp.Diff([]string{"flash failed hedge_lost"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		md := got.Metadata
		if !md.Triggered || md.OriginalModel != "flash" || md.FallbackModel != "lite" || md.ErrorCode != "hedge_lost" || md.Attempt != 1 || len(md.Attempts) != 2 {
			t.Errorf("metadata %+v", md)
		}
	})
}

// B76
func TestFirstModelWinsOverItsHedge(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", within(3*time.Second, suite.Text("from flash"))), suite.NewModel("lite", within(time.Minute, suite.Text("x")))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from flash" || got.Took != 3*time.Second {
			t.Errorf("heard %+v, want the answer of flash after 3s", got)
		}
		if diff := cmp.Diff([]string{"lite failed hedge_lost"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		if got.Metadata.Triggered {
			t.Error("the answer of the first model has fallback metadata")
		}
	})
}

// B76: the loser's content comes too late, although it ignores its cancellation.
func TestContentOfTheLoserIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", deaf(5*time.Second, suite.Text("from flash"))), suite.NewModel("lite", suite.Text("from lite"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from lite" || streamed && got.Partial != "from lite" {
			t.Errorf("heard %+v, want the answer of lite alone", got)
		}
		if diff := cmp.Diff([]string{"flash failed hedge_lost"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

// B76: what a Timeout's Grace is for.
func TestGraceBoundsAFirstModelThatIgnoresItsCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Second})
		flash, lite := suite.NewModel("flash", deaf(time.Minute, suite.Text("x"))), suite.NewModel("lite", suite.Text("from lite"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, grace(flash), lite), true)
		if got.Final != "from lite" || got.Took != 2*time.Second {
			t.Errorf("heard %+v, want the answer of lite after 2s", got)
		}
		time.Sleep(time.Minute) // flash ends
	})
}

// B60: a hedge that is left behind does not read the caller's request.
func TestHedgeHasItsOwnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read string
		flash := suite.NewModel("flash", within(2*time.Second, suite.Text("from flash")))
		lite := suite.NewModel("lite", deaf(time.Second, suite.Fail(suite.ErrUnavailable)), deaf(time.Minute,
			func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				read = req.Contents[0].Parts[0].Text
			}))
		retry := func(m model.LLM) model.LLM { return &again{stream.Of(m)} }
		req := userSays("hi")
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second / 2}, flash, retry(lite))
		for range m.GenerateContent(t.Context(), req, false) {
		}
		req.Contents[0].Parts[0].Text = "another turn"
		time.Sleep(time.Hour)
		synctest.Wait()
		if read != "hi" {
			t.Errorf("the hedge read %q, want hi", read)
		}
	})
}

// again asks twice, also after a cancellation.
type again struct{ stream.Layer }

func (a *again) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if err := a.Layer.Do(ctx, req, streamed, out); err == nil {
		return nil
	}
	time.Sleep(time.Minute) // in a synctest bubble
	return a.Layer.Do(ctx, req, streamed, out)
}

func TestNextModelIsAskedAtOnceAfterAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", within(time.Second, suite.Fail(suite.ErrUnavailable))), suite.NewModel("lite", suite.Text("from lite"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Minute}, flash, lite)
		for range 50 { // the bound on extra load is for hedges
			got := hear(t.Context(), m, streamed)
			if got.Err != nil || got.Final != "from lite" || got.Took != time.Second {
				t.Fatalf("heard %+v, want the answer of lite after 1s", got)
			}
			if diff := cmp.Diff([]string{"flash failed overloaded"}, got.Record); diff != "" {
				t.Fatalf("record (-want +got):\n%s", diff)
			}
		}
	})
}

func TestHedgeAnswersWhenFirstModelFailsLater(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", within(2*time.Second, suite.Fail(suite.ErrUnavailable))), suite.NewModel("lite", within(5*time.Second, suite.Text("from lite")))
		pro := suite.NewModel("pro", suite.Text("x"))
		m := router.MustHedge(router.HedgeConfig{Delay: 1500 * time.Millisecond}, flash, lite, pro)
		// lite is asked after 1.5s; pro would be asked 1.5s later, but the budget
		// of the first call is one hedge.
		got := hear(t.Context(), m, streamed)
		if got.Final != "from lite" || got.Took != 6500*time.Millisecond || len(pro.Requests()) > 0 {
			t.Errorf("heard %+v, want the answer of lite after 6.5s, and pro not asked", got)
		}
		if diff := cmp.Diff([]string{"flash failed overloaded"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestFirstModelAnswersWhenHedgeFails(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := suite.NewModel("flash", within(5*time.Second, suite.Text("from flash"))), suite.NewModel("lite", suite.Fail(suite.ErrUnavailable))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from flash" {
			t.Errorf("heard %+v, want the answer of flash", got)
		}
		if diff := cmp.Diff([]string{"lite failed overloaded"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestLastModelIsAskedByTheHedgeThatFailedLast(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash := suite.NewModel("flash", within(2*time.Second, suite.Fail(suite.ErrUnavailable)))
		lite := suite.NewModel("lite", within(3*time.Second, suite.Fail(suite.ErrInternal)))
		pro := suite.NewModel("pro", suite.Text("from pro"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: 1500 * time.Millisecond}, flash, lite, pro), streamed)
		if got.Final != "from pro" || got.Took != 4500*time.Millisecond {
			t.Errorf("heard %+v, want the answer of pro after 4.5s", got)
		}
		if diff := cmp.Diff([]string{"flash failed overloaded", "lite failed server"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestEveryDelayAsksAnotherModel(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		slow := within(time.Minute, suite.Text("x"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1},
			suite.NewModel("flash", slow), suite.NewModel("lite", slow), suite.NewModel("pro", suite.Text("from pro")))
		got := hear(t.Context(), m, streamed)
		if got.Final != "from pro" || got.Took != 2*time.Second {
			t.Errorf("heard %+v, want the answer of pro after 2s", got)
		}
		if diff := cmp.Diff([]string{"flash failed hedge_lost", "lite failed hedge_lost"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestVerdictToFailAsksNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		bad := genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "contents is empty"}
		flash, lite := suite.NewModel("flash", suite.Fail(bad)), suite.NewModel("lite", suite.Text("x"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		var api genai.APIError
		if !errors.As(got.Err, &api) || api.Code != 400 || len(lite.Requests()) > 0 {
			t.Errorf("error %v and %d calls of lite, want the 400 and none", got.Err, len(lite.Requests()))
		}
	})
}

func TestAllFailedNamesEveryModelInOrder(t *testing.T) {
	for name, last := range map[string]time.Duration{"first model last": 2 * time.Second, "hedge last": time.Minute, "before the delay": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				flash := suite.NewModel("flash", within(min(last, 5*time.Second), suite.Fail(suite.ErrUnavailable)))
				lite := suite.NewModel("lite", within(last/2, suite.Fail(suite.ErrInternal)))
				got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
				var all *router.AllFailedError
				if !errors.As(got.Err, &all) || len(all.Causes) != 2 {
					t.Fatalf("error %v, want an AllFailedError of two", got.Err)
				}
				for i, code := range []int{503, 500} {
					var api genai.APIError
					if !errors.As(all.Causes[i], &api) || api.Code != code {
						t.Errorf("cause %d is %v, want %d", i, all.Causes[i], code)
					}
				}
				if diff := cmp.Diff([]string{"flash failed overloaded", "lite failed server"}, got.Record); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRefusalIsRecordedAsSkipped(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second},
			breaker(suite.NewModel("flash", suite.Fail(suite.ErrUnavailable))), suite.NewModel("lite", suite.Text("from lite")))
		hear(t.Context(), m, streamed)
		got := hear(t.Context(), m, streamed)
		if diff := cmp.Diff([]string{"flash skipped refused"}, got.Record); got.Final != "from lite" || diff != "" {
			t.Errorf("heard %+v, record (-want +got):\n%s", got, diff)
		}
	})
}

// A failure after the first content is the caller's to handle: a Fallback
// around the hedge restarts the answer.
func TestWinnerThatFailsIsRestartedByAFallback(t *testing.T) {
	for name, delay := range map[string]time.Duration{"first model": time.Minute, "hedge": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cut := within(time.Second, suite.Fail(suite.ErrUnavailable, "half an "))
				other := within(time.Hour, suite.Text("x"))
				first, second := suite.NewModel("flash", cut), suite.NewModel("lite", other)
				if delay < time.Second {
					first, second = suite.NewModel("flash", other), suite.NewModel("lite", cut)
				}
				m := router.MustFallback(router.Config{}, router.MustHedge(router.HedgeConfig{Delay: delay}, first, second), suite.NewModel("pro", suite.Text("from pro")))
				got := hear(t.Context(), m, true)
				if got.Partial != "half an |from pro" || got.Final != "from pro" {
					t.Errorf("heard %+v, want a restart", got)
				}
			})
		})
	}
}

// A composite within a hedge restarts its own answer through it.
func TestRestartWithinAHedge(t *testing.T) {
	for name, first := range map[string]time.Duration{"first model": 0, "hedge": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				composite := router.MustFallback(router.Config{}, suite.NewModel("lite", suite.Fail(suite.ErrUnavailable, "half an ")), suite.NewModel("pro", suite.Text("from pro")))
				flash := suite.NewModel("flash", within(first, suite.Text("x")))
				m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, composite)
				if first == 0 {
					m = router.MustHedge(router.HedgeConfig{Delay: time.Second}, composite, flash)
				}
				got := hear(t.Context(), m, true)
				if got.Partial != "half an |from pro" || got.Final != "from pro" {
					t.Errorf("heard %+v, want a restart", got)
				}
				if n := count(got.Record, "lite failed overloaded"); n != 1 {
					t.Errorf("record %v, want the failure of lite once", got.Record)
				}
				md := got.Metadata
				if !md.Triggered || md.FallbackModel != "pro" || md.OriginalModel != m.Name() || md.ModelName != "pro" {
					t.Errorf("metadata %+v", md)
				}
			})
		})
	}
}

// B63
func TestHedgeAcceptsNoForeignSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("gemini-2.5-flash", within(time.Hour, suite.Text("x")))
		lite := suite.NewModel("gemini-2.5-lite", suite.Call("c2", "lookup", "sig of lite", nil))
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
	plain, google := suite.NewModel("flash", suite.Text("x")), googleModel{suite.NewModel("gemini", suite.Text("x"))}
	type variant interface{ GetGoogleLLMVariant() genai.Backend }
	if _, ok := router.MustHedge(router.HedgeConfig{}, google, plain).(variant); !ok {
		t.Error("the variant of the first model is hidden")
	}
	if _, ok := router.MustHedge(router.HedgeConfig{}, plain, google).(variant); ok {
		t.Error("the variant of the second model shows")
	}
}

type googleModel struct{ *suite.Model }

func (googleModel) GetGoogleLLMVariant() genai.Backend { return genai.BackendGeminiAPI }

// B15
func TestNewHedgeNamesEveryWrongField(t *testing.T) {
	flash, lite := suite.NewModel("flash", suite.Text("x")), suite.NewModel("lite", suite.Text("x"))
	for _, test := range []struct {
		name   string
		config router.HedgeConfig
		models []model.LLM
		want   []string
	}{
		{"no models", router.HedgeConfig{}, nil, []string{"no models"}},
		{"one model", router.HedgeConfig{}, []model.LLM{flash}, []string{"1 model; allowed: 2 or more"}},
		{"nil model", router.HedgeConfig{}, []model.LLM{flash, nil}, []string{"models[1] is nil"}},
		{"nil pointer", router.HedgeConfig{}, []model.LLM{(*suite.Model)(nil), flash}, []string{"models[0] is nil"}},
		{"empty name", router.HedgeConfig{}, []model.LLM{flash, suite.NewModel("")}, []string{"models[1] has an empty name"}},
		{"same name", router.HedgeConfig{}, []model.LLM{flash, lite, flash}, []string{`models[2] is called "flash" like models[0]`}},
		{"negative", router.HedgeConfig{Delay: -1, MinDelay: -1, MaxExtraLoad: -1}, []model.LLM{flash, lite},
			[]string{"HedgeConfig.Delay: -1ns", "HedgeConfig.MinDelay: -1ns", "HedgeConfig.MaxExtraLoad: -1"}},
		{"more than one each", router.HedgeConfig{MaxExtraLoad: 1.1}, []model.LLM{flash, lite}, []string{"HedgeConfig.MaxExtraLoad: 1.1"}},
		{"no number", router.HedgeConfig{MaxExtraLoad: math.NaN()}, []model.LLM{flash, lite}, []string{"HedgeConfig.MaxExtraLoad: NaN"}},
		{"all at once", router.HedgeConfig{Delay: -1}, []model.LLM{nil, flash}, []string{"models[0]", "HedgeConfig.Delay"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := router.NewHedge(test.config, test.models...)
			if m != nil || err == nil {
				t.Fatalf("NewHedge = %v, %v, want an error", m, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			defer func() {
				if recover() == nil {
					t.Error("MustHedge did not panic")
				}
			}()
			router.MustHedge(test.config, test.models...)
		})
	}
}

// What a layer around says about the call reaches the models.
func TestHedgeHandsOnWhatIsAskedOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flash, lite stream.Sink
		probe := func(saw *stream.Sink, step suite.Step) model.LLM {
			return &asked{Layer: stream.Of(suite.NewModel("m"+fmt.Sprintf("%p", saw), step)), saw: saw}
		}
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, probe(&flash, within(time.Hour, suite.Text("x"))), probe(&lite, suite.Text("x")))
		out := stream.NewSink(func(*model.LLMResponse, error) bool { return true })
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

// The loser's layers see their own cancellation, not the target's fault.
func TestLosingIsNotTheTargetsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
		flash := suite.NewModel("flash", within(time.Minute, suite.Text("x")), suite.Text("from flash"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, breaker(flash), suite.NewModel("lite", suite.Text("from lite")))
		for _, want := range []string{"from lite", "from flash"} {
			if got := hear(t.Context(), m, true); got.Final != want {
				t.Errorf("heard %+v, want %q", got, want)
			}
		}
	})
}

func TestHedgeLostIsAVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		flash := suite.NewModel("flash", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			yield(nil, ctx.Err())
		})
		hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, suite.NewModel("lite", suite.Text("x"))), false)
		if v := failure.Classify(cause); v.Kind != router.KindHedgeLost || v.Action != failure.Fail {
			t.Errorf("the loser's cause %v means %+v", cause, v)
		}
	})
}
