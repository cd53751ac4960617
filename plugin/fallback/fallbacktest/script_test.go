package fallbacktest_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func TestScriptOrder(t *testing.T) {
	a, b, c := ft.Text("a"), ft.Text("b"), ft.Text("c")
	sec := time.Second
	for _, tc := range []struct {
		name  string
		loop  bool
		steps []ft.Step
		every time.Duration // between requests
		want  string        // the answers, one letter each
	}{
		{name: "the last step repeats", steps: []ft.Step{a, b}, want: "abbb"},
		{name: "a step is played n times", steps: []ft.Step{ft.Times(2, a), b}, want: "aabb"},
		{name: "a step for no request is skipped", steps: []ft.Step{ft.Times(0, a), b, ft.Times(-1, a), c}, want: "bccc"},
		{name: "the last step is played though its count is over", steps: []ft.Step{a, ft.Times(2, b)}, want: "abbbb"},
		{name: "a loop starts over", loop: true, steps: []ft.Step{ft.Times(2, a), b}, want: "aabaab"},
		{name: "a loop of one step", loop: true, steps: []ft.Step{a}, want: "aaa"},
		{name: "a loop of steps to be skipped", loop: true, steps: []ft.Step{ft.Times(0, a), ft.Times(0, a)}, want: "aa"},
		{name: "a window lasts from its first request", every: 4 * sec,
			steps: []ft.Step{ft.For(10*sec, a), b}, want: "aaabbb"}, // 0 4 8 | 12 16 20
		{name: "a window ends sharp", every: 5 * sec,
			steps: []ft.Step{ft.For(10*sec, a), b}, want: "aab"},
		{name: "the last window repeats", every: 6 * sec,
			steps: []ft.Step{a, ft.For(sec, b)}, want: "abbb"},
		{name: "a window after a count opens at its first request", every: 4 * sec,
			steps: []ft.Step{ft.Times(3, a), ft.For(5*sec, b), c}, want: "aaabbcc"},
		{name: "a window after a window and a count opens at its first request", every: 6 * sec,
			steps: []ft.Step{ft.For(10*sec, a), b, ft.For(5*sec, c), a}, want: "aabca"}, // 0 6 | 12 | 18 | 24
		{name: "windows follow each other", every: 6 * sec,
			steps: []ft.Step{ft.For(10*sec, a), ft.For(10*sec, b), c}, want: "aabbcc"}, // 0 6 | 12 18 | 24
		{name: "a loop of windows keeps to the clock", loop: true, every: 17 * sec,
			steps: []ft.Step{ft.For(10*sec, a), ft.For(5*sec, b)}, want: "aaaaabb"}, // at 0 2 4 6 8 | 10 12 of each 15
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				if tc.loop {
					srv.Loop(flash, tc.steps...)
				} else {
					srv.Script(flash, tc.steps...)
				}
				var got strings.Builder
				for range tc.want {
					got.WriteString(ask(t, srv.ClientConfig(), flash, false).Text)
					time.Sleep(tc.every)
				}
				if got.String() != tc.want {
					t.Errorf("answers = %s, want %s", got.String(), tc.want)
				}
			})
		})
	}
}

func TestScriptsOfModelsAreIndependent(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script("one", ft.Text("a"), ft.Text("b"))
		srv.Script("two", ft.Overloaded())
		var got []string
		for _, model := range []string{"one", "two", "one", "three"} {
			s := ask(t, srv.ClientConfig(), model, false)
			got = append(got, s.Text+s.Err)
		}
		want := []string{"a", "503 UNAVAILABLE", "b", "404 NOT_FOUND"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestScriptReplacesAndRemoves(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		var got []string
		for _, steps := range [][]ft.Step{{ft.Text("a"), ft.Text("b")}, {ft.Text("c")}, nil} {
			srv.Script(flash, steps...)
			s := ask(t, srv.ClientConfig(), flash, false)
			got = append(got, s.Text+s.Err)
		}
		if diff := cmp.Diff([]string{"a", "c", "404 NOT_FOUND"}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestConcurrentRequestsShareAScript(t *testing.T) {
	const requests, failures = 40, 13
	srv := ft.NewServer()
	defer srv.Close()
	srv.Script(flash, ft.Times(failures, ft.Overloaded()), ft.Text("ok"))

	errs := make([]string, requests)
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() { errs[i] = ask(t, srv.ClientConfig(), flash, i%2 == 0).Err })
	}
	wg.Wait()

	failed := 0
	for _, e := range errs {
		if e != "" {
			failed++
		}
	}
	if failed != failures || len(srv.RequestsFor(flash)) != requests {
		t.Errorf("failed = %d of %d recorded, want %d of %d", failed, len(srv.RequestsFor(flash)), failures, requests)
	}
}

// A step kept in a variable is not changed by the steps made from it.
func TestStepsAreValues(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		base := ft.ToolCall("f", nil).Header("X-Test", "1")
		_ = base.Signature([]byte("later")).Header("X-Test", "2").NoFinish().AbortAfter(0)
		srv.Script(flash, base)
		resp := post(t, srv, "/v1beta/models/"+flash+":generateContent", `{}`)
		_ = resp.Body.Close()
		if diff := cmp.Diff([]string{"1"}, resp.Header.Values("X-Test")); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		want := seen{Events: 1, Calls: []string{"fnull"}, Finish: "STOP", Usage: "3+1=4"}
		if diff := cmp.Diff(want, ask(t, srv.ClientConfig(), flash, true)); diff != "" {
			t.Errorf("client saw (-want +got):\n%s", diff)
		}
	})
}
