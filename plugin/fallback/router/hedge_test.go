package router_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
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
	out := stream.NewSink(ctx, func(resp *model.LLMResponse, _ error) bool {
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
		if a.Outcome == call.OK {
			continue // as Final says
		}
		h.Record = append(h.Record, strings.Join([]string{a.Model, string(a.Outcome), a.Kind}, " "))
	}
	return h
}

func TestFastFirstModelIsNotHedged(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := llmtest.NewModel("flash", within(900*time.Millisecond, llmtest.Text("from flash"))), llmtest.NewModel("lite", llmtest.Text("x"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from flash" || got.Record != nil {
			t.Errorf("heard %+v, want the answer of flash and no record", got)
		}
		if diff := cmp.Diff(call.Metadata{ModelName: "flash"}, got.Metadata); diff != "" {
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
		flash, lite := llmtest.NewModel("flash", within(time.Minute, llmtest.Text("late"))), llmtest.NewModel("lite", within(time.Second/2, llmtest.Text("from lite")))
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
		flash, lite := llmtest.NewModel("flash", within(3*time.Second, llmtest.Text("from flash"))), llmtest.NewModel("lite", within(time.Minute, llmtest.Text("x")))
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
		flash, lite := llmtest.NewModel("flash", deaf(5*time.Second, llmtest.Text("from flash"))), llmtest.NewModel("lite", llmtest.Text("from lite"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from lite" || streamed && got.Partial != "from lite" {
			t.Errorf("heard %+v, want the answer of lite alone", got)
		}
		if diff := cmp.Diff([]string{"flash failed hedge_lost"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		if got.Took != time.Second {
			t.Errorf("answered after %v, want 1s: flash ignores its cancellation", got.Took)
		}
		time.Sleep(5 * time.Second) // flash ends
	})
}

// B76: what a Timeout's Grace is for.
func TestGraceBoundsAFirstModelThatIgnoresItsCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Second})
		flash, lite := llmtest.NewModel("flash", deaf(time.Minute, llmtest.Text("x"))), llmtest.NewModel("lite", llmtest.Text("from lite"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, grace(flash), lite), true)
		if got.Final != "from lite" || got.Took != time.Second {
			t.Errorf("heard %+v, want the answer of lite after 1s", got)
		}
		time.Sleep(time.Minute) // flash ends
	})
}

func TestEveryDelayAsksAnotherModel(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		slow := within(time.Minute, llmtest.Text("x"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1},
			llmtest.NewModel("flash", slow), llmtest.NewModel("lite", slow), llmtest.NewModel("pro", llmtest.Text("from pro")))
		got := hear(t.Context(), m, streamed)
		if got.Final != "from pro" || got.Took != 2*time.Second {
			t.Errorf("heard %+v, want the answer of pro after 2s", got)
		}
		slices.Sort(got.Record) // the two end at the same time
		if diff := cmp.Diff([]string{"flash failed hedge_lost", "lite failed hedge_lost"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

// B15
func TestNewHedgeNamesEveryWrongField(t *testing.T) {
	flash, lite := llmtest.NewModel("flash", llmtest.Text("x")), llmtest.NewModel("lite", llmtest.Text("x"))
	for _, test := range []struct {
		name   string
		config router.HedgeConfig
		models []model.LLM
		want   []string
	}{
		{"no models", router.HedgeConfig{}, nil, []string{"no models"}},
		{"one model", router.HedgeConfig{}, []model.LLM{flash}, []string{"1 model; must be 2 or more"}},
		{"nil model", router.HedgeConfig{}, []model.LLM{flash, nil}, []string{"models[1] is nil"}},
		{"nil pointer", router.HedgeConfig{}, []model.LLM{(*llmtest.Model)(nil), flash}, []string{"models[0] is nil"}},
		{"empty name", router.HedgeConfig{}, []model.LLM{flash, llmtest.NewModel("")}, []string{"models[1] has an empty name"}},
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
