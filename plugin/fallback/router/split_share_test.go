package router_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// moving is a split whose share moves, with arms that a test controls.
type moving struct {
	t              *testing.T
	m              model.LLM
	primary, other llmtest.Step
}

func newMoving(t *testing.T, config router.SplitConfig) *moving {
	t.Helper()
	v := &moving{t: t, primary: answers, other: answers}
	if config.Arms == nil {
		config.Arms = []router.Arm{{Weight: 1}, {}}
	}
	config.Arms[0].Model = scripted{"flash", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		v.primary(ctx, req, streamed, yield)
	}}
	config.Arms[1].Model = router.MustFallback(router.Config{}, scripted{"pro", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		v.other(ctx, req, streamed, yield)
	}}, scripted{"backup", answers})
	v.m = router.MustSplit(config)
	return v
}

// seconds makes ten calls a second, by a hundred users, one after the other.
func (v *moving) seconds(n int) {
	v.t.Helper()
	for i := range 10 * n {
		time.Sleep(100 * time.Millisecond)
		hear(user(v.t, fmt.Sprint("user", i%100)), v.m, false)
	}
}

func (v *moving) share() float64 { return math.Round(armsOf(v.m)[0].Share*1000) / 1000 }

// every makes every nth call take step a, and the others answer.
func every(n int, a llmtest.Step) llmtest.Step {
	i := 0
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		step := answers
		if i++; i%n == 0 {
			step = a
		}
		step(ctx, req, streamed, yield)
	}
}

// B75: what happens to calls moves the share, with the settings or their defaults.
// internal/adaptive tests how it moves.
func TestShareMoves(t *testing.T) {
	slow := within(time.Second, answers)
	for _, test := range []struct {
		name     string
		adaptive router.AdaptiveShare
		run      func(v *moving)
		want     float64
	}{
		{"errors", router.AdaptiveShare{}, func(v *moving) { v.primary = refuses; v.seconds(1) }, 0.5},
		{"errors for long", router.AdaptiveShare{}, func(v *moving) { v.primary = refuses; v.seconds(60) }, router.DefaultMinShare},
		{"back after calm", router.AdaptiveShare{}, func(v *moving) {
			v.primary = refuses
			v.seconds(1)
			v.primary = answers
			v.seconds(11)
		}, 0.65},
		{"a smallest share", router.AdaptiveShare{MinShare: 0.2}, func(v *moving) { v.primary = refuses; v.seconds(20) }, 0.2},
		{"a decrease and a step", router.AdaptiveShare{Decrease: 0.1, Step: 2 * time.Second}, func(v *moving) { v.primary = refuses; v.seconds(3) }, 0.1},
		{"an increase", router.AdaptiveShare{Increase: 0.25}, func(v *moving) {
			v.primary = refuses
			v.seconds(1)
			v.primary = answers
			v.seconds(11)
		}, 0.75},
		{"slow, measured", router.AdaptiveShare{}, func(v *moving) { v.seconds(10); v.primary = every(2, slow); v.seconds(1) }, 0.5},
		{"slow, given", router.AdaptiveShare{SlowAfter: 900 * time.Millisecond}, func(v *moving) { v.primary = every(2, slow); v.seconds(1) }, 0.5},
		{"not as slow as given", router.AdaptiveShare{SlowAfter: 1100 * time.Millisecond}, func(v *moving) { v.primary = every(2, slow); v.seconds(10) }, 1},
		{"the alternative falls back", router.AdaptiveShare{Increase: 0.001}, func(v *moving) {
			v.primary = refuses
			v.seconds(1)
			v.primary, v.other = answers, fallsOut
			v.seconds(1)
		}, 0.75},
	} {
		t.Run(test.name, bubble(func(t *testing.T) {
			v := newMoving(t, router.SplitConfig{Adaptive: &test.adaptive})
			test.run(v)
			if got := v.share(); got != test.want {
				t.Errorf("the share is %v, want %v", got, test.want)
			}
			if arms := armsOf(v.m); math.Abs(arms[0].Share+arms[1].Share-1) > 1e-9 {
				t.Errorf("shares %v and %v, want a sum of 1", arms[0].Share, arms[1].Share)
			}
		}))
	}
}

// Calls that hang are known to be slow before they end.
func TestHangingCallsLowerTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newMoving(t, router.SplitConfig{Adaptive: &router.AdaptiveShare{SlowAfter: time.Second}})
		v.primary = within(time.Hour, answers)
		ctx, cancel := context.WithCancel(t.Context())
		for range 5 {
			go hear(call.With(ctx, call.Info{User: "ada"}), v.m, true)
		}
		time.Sleep(1100 * time.Millisecond)
		if got := v.share(); got != 0.5 {
			t.Errorf("the share is %v while five calls hang, want 0.5", got)
		}
		cancel()
		synctest.Wait()
		time.Sleep(time.Minute)
		if got := armsOf(v.m)[0]; got.Calls != 0 {
			t.Errorf("%+v after cancelled calls, want none", got)
		}
	})
}

// Time to first content counts, not the length of the answer or the consumer's time.
func TestLongAnswersAreNotSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newMoving(t, router.SplitConfig{Adaptive: &router.AdaptiveShare{SlowAfter: time.Second}})
		v.primary = llmtest.Text("two words")
		for i := range 20 {
			got := hear(user(t, fmt.Sprint("user", i)), v.m, true, func(*model.LLMResponse) bool {
				time.Sleep(time.Minute)
				return true
			})
			if got.Partial != "two words" || got.Final != "two words" {
				t.Fatalf("heard %+v", got)
			}
		}
		if got := v.share(); got != 1 {
			t.Errorf("the share is %v, want 1", got)
		}
	})
}

// Nobody but the users between the two shares changes sides.
func TestMovingShareIsSticky(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newMoving(t, router.SplitConfig{Arms: []router.Arm{{Weight: 3}, {Weight: 1}}, Adaptive: &router.AdaptiveShare{Step: time.Hour}})
		side := func() (primary []bool) {
			for i := range 400 {
				primary = append(primary, hear(user(t, fmt.Sprint("user", i)), v.m, false).Metadata.Cohort == "flash")
			}
			return primary
		}
		whole := side()
		time.Sleep(time.Hour)
		v.seconds(1) // which begins a new count
		v.primary = refuses
		v.seconds(1)
		time.Sleep(time.Hour)
		v.seconds(1)
		v.primary = answers
		half, left := side(), 0
		for i := range whole {
			if half[i] && !whole[i] {
				t.Errorf("user%d has moved to the primary while its share fell", i)
			}
			if half[i] {
				left++
			}
		}
		if got := v.share(); got != 0.375 || left < 110 || left > 190 {
			t.Errorf("%d of 400 users with a share of %v, want 0.375 of them", left, got)
		}
		for v.share() < 0.75 {
			time.Sleep(10 * time.Hour)
			v.seconds(3)
		}
		if diff := cmp.Diff(whole, side()); diff != "" {
			t.Errorf("users' sides before and after (-before +after):\n%s", diff)
		}
	})
}

// B80: a call that has ended leaves no timer that counts it.
func TestEndedCallIsNotSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newMoving(t, router.SplitConfig{Adaptive: &router.AdaptiveShare{SlowAfter: time.Second}})
		v.primary = func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {}
		for range 5 {
			ctx, cancel := context.WithCancel(user(t, "ada"))
			cancel()
			hear(ctx, v.m, true)
		}
		time.Sleep(time.Minute)
		hear(user(t, "zoe"), v.m, true)
		if got := v.share(); got != 1 {
			t.Errorf("the share is %v after calls that the caller cancelled at once, want 1", got)
		}
	})
}

func TestAdaptiveShareErrorsNameEveryField(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name   string
		config router.SplitConfig
		want   []string
	}{
		{"values", router.SplitConfig{Arms: arms(1, 0), MaxDrift: 0.1, Adaptive: &router.AdaptiveShare{MinShare: nan, Increase: 2, Decrease: 1, Step: -1, SlowAfter: -1}}, []string{
			"router: SplitConfig.Adaptive.MinShare: NaN is out of range; must be 0 (the default) to 1",
			"router: SplitConfig.Adaptive.Increase: 2 is out of range; must be 0 (the default) to 1",
			"router: SplitConfig.Adaptive.Decrease: 1 is out of range; must be 0 (the default) or less than 1",
			"router: SplitConfig.Adaptive.Step: -1ns is negative; must be 0 (default: 1s) or more",
			"router: SplitConfig.Adaptive.SlowAfter: -1ns is negative; must be 0 (measured) or more",
			"router: SplitConfig.Adaptive and MaxDrift are both set; an arm cannot be taken out for good and come back by itself; set one",
		}},
		{"one arm", router.SplitConfig{Arms: arms(1, 0)[:1], Adaptive: &router.AdaptiveShare{}}, []string{
			"router: SplitConfig.Adaptive needs two arms, the primary and the alternative; Arms has 1",
		}},
		{"a primary without a weight", router.SplitConfig{Arms: arms(0, 1), Adaptive: &router.AdaptiveShare{}}, []string{
			"router: SplitConfig.Adaptive.MinShare: 0 is more than the primary's part of the weights, 0; raise Arms[0].Weight or lower MinShare",
		}},
		{"more than the weight", router.SplitConfig{Arms: arms(1, 3), Adaptive: &router.AdaptiveShare{MinShare: 0.5}}, []string{
			"router: SplitConfig.Adaptive.MinShare: 0.5 is more than the primary's part of the weights, 0.25; raise Arms[0].Weight or lower MinShare",
		}},
	} {
		_, err := router.NewSplit(test.config)
		if err == nil {
			t.Errorf("%s: no error", test.name)
		} else if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s: errors (-want +got):\n%s", test.name, diff)
		}
	}
}

// All users are with flash while it is healthy. When it is slow or fails for a part of
// its calls, users move to pro, and back.
func ExampleAdaptiveShare() {
	m, err := router.NewSplit(router.SplitConfig{
		Arms: []router.Arm{
			{Weight: 1, Model: llmtest.NewModel("flash", llmtest.Text("Hello!"))},
			{Weight: 0, Model: llmtest.NewModel("pro", llmtest.Text("Hello!"))},
		},
		Adaptive: &router.AdaptiveShare{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, err := range m.GenerateContent(context.Background(), userSays("Hi!"), false) {
		fmt.Println(err, inspect.Of(m).Split.Arms[0].Share)
	}
	// Output:
	// <nil> 1
}
