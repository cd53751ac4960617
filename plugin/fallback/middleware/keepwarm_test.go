package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// warmed returns a fallback from flash to pro, kept warm.
func warmed(config middleware.KeepWarmConfig, flash, pro model.LLM) model.LLM {
	config.Models = []model.LLM{pro}
	if config.Request == nil {
		config.Request = probeRequest
	}
	return middleware.MustKeepWarm(config)(router.MustFallback(router.Config{}, flash, pro))
}

func TestKeepWarmSendsARequestPerInterval(t *testing.T) {
	for _, test := range []struct {
		name     string
		interval time.Duration
		gap      time.Duration // between calls
		calls    int
		want     int // small requests
	}{
		{"by default", 0, time.Second, 181, 4},
		{"an interval", 10 * time.Second, time.Second, 31, 4},
		{"longer pauses than the interval", time.Second, time.Minute, 5, 5},
		{"no calls", time.Second, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash, pro := llmtest.NewModel("flash", llmtest.Text("ok")), llmtest.NewModel("pro", llmtest.Text("ok"))
				m := warmed(middleware.KeepWarmConfig{Interval: test.interval}, flash, pro)
				for range test.calls {
					if got := ask(t.Context(), m, true); got.err != nil || got.text != "ok" {
						t.Fatalf("a call got %+v", got)
					}
					time.Sleep(test.gap)
				}
				time.Sleep(time.Hour) // without calls
				got := kinds(pro)
				if len(got) != test.want || strings.Contains(strings.Join(got, " "), "call") {
					t.Errorf("the standby got %v, want %d probes", got, test.want)
				}
				if got := kinds(flash); len(got) != test.calls {
					t.Errorf("flash got %v, want the calls alone", got)
				}
			})
		})
	}
}

func TestStandbyThatAnswersIsWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash, pro := llmtest.NewModel("flash", down), llmtest.NewModel("pro", after(time.Millisecond, llmtest.Text("ok")))
		m := warmed(middleware.KeepWarmConfig{}, flash, pro)
		for range 600 {
			ask(t.Context(), m, false)
			time.Sleep(time.Second)
		}
		probes := 0
		for _, kind := range kinds(pro) {
			if kind == "probe" {
				probes++
			}
		}
		if probes != 1 {
			t.Errorf("%d small requests in ten minutes of calls, want the first alone", probes)
		}
	})
}

// The breaker of a standby knows its health before the standby is needed.
func TestKeepWarmTeachesTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash, pro, gpt := llmtest.NewModel("flash", llmtest.Text("ok")), llmtest.NewModel("pro", down), llmtest.NewModel("gpt", llmtest.Text("ok"))
		guarded := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, Window: time.Hour, OpenFor: time.Hour})(pro)
		var told []string
		var mu sync.Mutex
		m := middleware.MustKeepWarm(middleware.KeepWarmConfig{
			Models: []model.LLM{guarded, gpt}, Request: probeRequest,
			OnPing: func(model string, err error) {
				mu.Lock()
				defer mu.Unlock()
				var refused *middleware.RefusedError
				told = append(told, fmt.Sprint(model, " ", err == nil, " ", errors.As(err, &refused)))
			},
		})(router.MustFallback(router.Config{}, flash, guarded, gpt))
		for range 3 {
			ask(t.Context(), m, false)
			time.Sleep(middleware.DefaultKeepWarmInterval)
		}
		if refusedBy(generate(t.Context(), guarded), "breaker") == nil {
			t.Error("the standby's breaker is closed after two small requests have failed")
		}
		synctest.Wait()
		counts := map[string]int{}
		for _, one := range told {
			counts[one]++
		}
		want := map[string]int{"pro false false": 2, "pro false true": 1, "gpt true false": 3}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

// A call neither waits for a small request nor tells it who calls.
func TestKeepWarmIsApartFromCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var callers []call.Info
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		pro := llmtest.NewModel("pro", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			callers = append(callers, call.From(ctx))
			after(time.Second, llmtest.Fail(genai.APIError{Code: 401, Status: "UNAUTHENTICATED"}))(ctx, req, stream, yield)
		})
		m := warmed(middleware.KeepWarmConfig{}, flash, pro)
		ctx, cancel := context.WithCancel(call.With(t.Context(), call.Info{User: "ada", Tenant: "acme"}))
		var got result
		mustNotHang(t, 0, func() { got = ask(ctx, m, true) })
		cancel()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(callers) != 1 || callers[0].User != "" || callers[0].Tenant != "" {
			t.Errorf("callers of the small request %+v, want one without a name", callers)
		}
		if md, _ := call.ReadResponse(got.final); md.Triggered || len(md.Attempts) > 0 {
			t.Errorf("metadata %+v, want no trace of the small request", md)
		}
	})
}

// B80
func TestKeepWarmEnds(t *testing.T) {
	crash := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }
	for _, test := range []struct {
		name    string
		standby llmtest.Step
		request func() *model.LLMRequest
		onPing  func(string, error)
		want    int // requests that the standby gets in ten minutes
	}{
		{"no end", silence, nil, nil, 10},
		{"deaf", deafFor(5*time.Minute - time.Second), nil, nil, 2},
		{"panics", crash, nil, nil, 10},
		{"no request", llmtest.Text("ok"), func() *model.LLMRequest { return nil }, nil, 0},
		{"the request panics", llmtest.Text("ok"), func() *model.LLMRequest { panic("request") }, nil, 0},
		{"the hook panics", llmtest.Text("ok"), nil, func(string, error) { panic("hook") }, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash, pro := llmtest.NewModel("flash", llmtest.Text("ok")), llmtest.NewModel("pro", test.standby)
				m := warmed(middleware.KeepWarmConfig{Request: test.request, OnPing: test.onPing}, flash, pro)
				for range 10 {
					if got := ask(t.Context(), m, false); got.err != nil {
						t.Fatal(got.err)
					}
					time.Sleep(time.Minute)
				}
				if got := len(kinds(pro)); got != test.want {
					t.Errorf("the standby got %d requests, want %d", got, test.want)
				}
			})
		})
	}
}

func TestKeepWarmConfigErrorsNameEveryField(t *testing.T) {
	for _, test := range []struct {
		config middleware.KeepWarmConfig
		want   []string
	}{
		{middleware.KeepWarmConfig{Interval: -1, Timeout: -1}, []string{
			"middleware: KeepWarmConfig.Interval: -1ns is negative; must be 0 for 1m0s, or more",
			"middleware: KeepWarmConfig.Timeout: -1ns is negative; must be 0 for 30s, or more",
			"middleware: KeepWarmConfig.Models is empty; must have one model or more",
		}},
		{middleware.KeepWarmConfig{Models: []model.LLM{llmtest.NewModel("pro", down), nil}}, []string{
			"middleware: KeepWarmConfig.Models[1] is nil; must be a model",
		}},
	} {
		_, err := middleware.NewKeepWarm(test.config)
		if err == nil {
			t.Errorf("%+v: no error", test.config)
		} else if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
	}
}

func ExampleNewKeepWarm() {
	flash := llmtest.NewModel("flash", llmtest.Text("Hello!"))
	pro := llmtest.NewModel("pro", llmtest.Fail(genai.APIError{Code: 401, Status: "UNAUTHENTICATED", Message: "Invalid key"}))
	done := make(chan struct{})
	warm, err := middleware.NewKeepWarm(middleware.KeepWarmConfig{
		Models: []model.LLM{pro},
		OnPing: func(model string, err error) {
			fmt.Println(model, "is ready:", err == nil)
			close(done)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := middleware.Chain(router.MustFallback(router.Config{}, flash, pro), warm)
	_ = generate(context.Background(), m)
	<-done
	// Output:
	// pro is ready: false
}
