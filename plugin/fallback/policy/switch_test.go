package policy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// inSession is a call of a turn in a session.
func inSession(t *testing.T, session, turn string) context.Context {
	return call.With(t.Context(), call.Info{App: "app", User: "u", Session: session, Invocation: turn, Agent: "agent"})
}

// sticky says which later calls stay with a fallback, and stay_for for how long.
func TestSticky(t *testing.T) {
	for _, test := range []struct {
		keys string
		want []string // by whom each call is answered
	}{
		{"", []string{"b", "b", "a", "a"}},
		{"sticky: turn", []string{"b", "b", "a", "a"}},
		{"sticky: turn\nstay_for: 30s", []string{"b", "a", "a", "a"}},
		{"sticky: session", []string{"b", "b", "b", "a"}},
		{"sticky: session\nstay_for: 2m30s", []string{"b", "b", "b", "a"}},
		{"sticky: session\nstay_for: 90s", []string{"b", "b", "a", "a"}},
		{"sticky: none", []string{"b", "a", "a", "a"}},
	} {
		for _, streamed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("a"))
				m := build(t, "primary: a\nfallbacks: [{name: b}]\n"+test.keys, models(a, llmtest.NewModel("b", llmtest.Text("b"))))
				var got []string
				for _, at := range []struct{ session, turn string }{{"s", "1"}, {"s", "1"}, {"s", "2"}, {"other", "3"}} {
					r := ask(inSession(t, at.session, at.turn), m, streamed)
					got = append(got, r.text)
					time.Sleep(time.Minute)
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("%q: answered by %v, want %v", test.keys, got, test.want)
				}
			})
		}
	}
}

// shown lists what a consumer of a call sees, and the metadata of the final response.
func shown(ctx context.Context, m model.LLM, req *model.LLMRequest, streamed bool) (all []string, md call.Metadata) {
	for resp, err := range m.GenerateContent(ctx, req, streamed) {
		if err != nil {
			return append(all, "error"), md
		}
		custom := resp.CustomMetadata
		text := llmtest.TextOf(resp.Content)
		switch {
		case custom[call.KeyRestart] == true:
			all = append(all, "restart")
		case custom[call.KeyProvisional] == true:
			all = append(all, "provisional "+text)
		case resp.Partial && custom[call.KeyNotice] != nil:
			all = append(all, "notice "+text)
		case resp.Partial:
			all = append(all, "partial "+text)
		default:
			md, _ = call.ReadResponse(resp)
			all = append(all, "final "+text)
		}
	}
	return all, md
}

func hello() *model.LLMRequest { return &model.LLMRequest{Contents: genai.Text("hello")} }

// A notice is a partial response of its own where the file says, and is in the metadata of
// the final response; it is not in an answer that is kept.
func TestNotice(t *testing.T) {
	for _, test := range []struct {
		keys, place string
		want        []string
	}{
		{"notice: {text: another answers}", "", []string{"notice another answers", "partial b", "final b"}},
		{"notice: {text: another answers, place: before}", "", []string{"notice another answers", "partial b", "final b"}},
		{"notice: {text: another answers, place: after}", "", []string{"partial b", "notice another answers", "final b"}},
		{"notice: {text: another answers, place: metadata}", "", []string{"notice ", "partial b", "final b"}},
	} {
		a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("a"), llmtest.Fail(llmtest.ErrUnavailable))
		b := llmtest.NewModel("b", llmtest.Text("b"), llmtest.Fail(llmtest.ErrUnavailable))
		l := live(t, "primary: a\nfallbacks: [{name: b}, {name: cached-answer}]\ncache: {ttl: 1ms}\n"+test.keys, models(a, b))
		got, md := shown(t.Context(), l.Model(), hello(), true)
		if diff := cmp.Diff(test.want, got); diff != "" || md.Notice != "another answers" {
			t.Errorf("%s: notice %q; shown (-want +got):\n%s", test.keys, md.Notice, diff)
		}
		got, md = shown(t.Context(), l.Model(), hello(), true)
		if diff := cmp.Diff([]string{"partial a", "final a"}, got); diff != "" || md.Notice != "" {
			t.Errorf("%s: the primary with notice %q; shown (-want +got):\n%s", test.keys, md.Notice, diff)
		}
		got, _ = shown(t.Context(), l.Model(), &model.LLMRequest{Contents: genai.Text("hello")}, true)
		if last := got[len(got)-1]; strings.Contains(last, "another answers") || !strings.HasSuffix(last, "a") {
			t.Errorf("%s: the kept answer is %q, want that of a without the notice", test.keys, last)
		}
	}
}

// A primary that a soft limit has come back to is no fallback.
func TestTheWayBackIsNoFallback(t *testing.T) {
	a := llmtest.NewModel("a", using("x", 60_000), llmtest.Call("1", "pay", "", nil))
	b := llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nbudgets: {usd_per_day: 0.10, soft_limit: {at: 50%, primary_share: 0%}}\nnotice: {text: another answers}\ngate: {tools: [pay]}"+priced, models(a, b))
	ask(t.Context(), m, false) // the budget reaches its soft limit
	r := askFor(t.Context(), m, false, asking(100))
	if r.err != nil || len(b.Asked()) != 1 || r.final.Content.Parts[0].FunctionCall == nil || r.md.Notice != "" {
		t.Errorf("%+v (%v), b asked %d times; want a's call of the tool after b has failed", r.final, r.err, len(b.Asked()))
	}
}

// A soft limit spares the primary also where it has the conversation in its prompt cache,
// and is in the tier of the fallback.
func TestTierDoesNotUndoASoftLimit(t *testing.T) {
	cached := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText("a", genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 100, CachedContentTokenCount: 90, CandidatesTokenCount: 60_000},
		}
	})
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nbudgets: {usd_per_day: 0.10, soft_limit: {at: 50%, primary_share: 0%}}"+
		"\nmodels: {a: {tier: t, price: {input: 0, output: 1}}, b: {tier: t, price: {input: 0, output: 1}}}", models(llmtest.NewModel("a", cached), llmtest.NewModel("b", llmtest.Text("b"))))
	if r := askFor(inSession(t, "s", "1"), m, false, asking(100)); r.text != "a" {
		t.Fatalf("%q (%v) answers, want a", r.text, r.err)
	}
	if r := askFor(inSession(t, "s", "2"), m, true, asking(100)); r.text != "b" {
		t.Errorf("%q (%v) answers from the soft limit on, want b", r.text, r.err)
	}
}

// withTools is a request that declares functions.
func withTools(names ...string) *model.LLMRequest {
	tool := &genai.Tool{}
	for _, name := range names {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: name})
	}
	return &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{tool}}}
}

// given returns the names of the functions in the last request to m.
func given(m *llmtest.Model) (names []string) {
	all := m.Requests()
	if len(all) == 0 {
		return nil
	}
	if config := all[len(all)-1].Config; config != nil {
		for _, tool := range config.Tools {
			for _, d := range tool.FunctionDeclarations {
				names = append(names, d.Name)
			}
		}
	}
	return names
}

// A fallback does not act: tools of the gate are withheld, or the application decides.
func TestGate(t *testing.T) {
	act := llmtest.Call("1", "delete_all", "", nil)
	var asked []string
	decide := func(yes bool) policy.Option {
		return policy.WithApproval(func(_ context.Context, fc *genai.FunctionCall, model string) bool {
			asked = append(asked, model+" "+fc.Name)
			return yes
		})
	}
	for _, test := range []struct {
		name, keys string
		option     policy.Option
		a, b       llmtest.Step
		by         string // who answers
		given      []string
		asked      []string
	}{
		{"withheld", "gate: {tools: [pay, 'delete_*']}", quiet, llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("b"), "b", []string{"look"}, nil},
		{"called all the same", "gate: {tools: [pay, 'delete_*']}", quiet, llmtest.Fail(llmtest.ErrUnavailable), act, "template-response", []string{"look"}, nil},
		{"approved", "gate: {tools: ['delete_*'], approve: true}", decide(true), llmtest.Fail(llmtest.ErrUnavailable), act, "b", []string{"pay", "delete_all", "look"}, []string{"b delete_all"}},
		{"not approved", "gate: {tools: ['delete_*'], approve: true}", decide(false), llmtest.Fail(llmtest.ErrUnavailable), act, "template-response", []string{"pay", "delete_all", "look"}, []string{"b delete_all"}},
		{"not of the gate", "gate: {tools: [pay]}", quiet, llmtest.Fail(llmtest.ErrUnavailable), act, "b", []string{"delete_all", "look"}, nil},
		{"the primary acts", "gate: {tools: ['*']}", quiet, act, llmtest.Text("b"), "a", nil, nil},
		{"no function is called where approve is false", "gate: {tools: ['delete_*'], approve: false}", decide(true), llmtest.Fail(llmtest.ErrUnavailable), act, "template-response", []string{"pay", "look"}, nil},
	} {
		for _, streamed := range []bool{false, true} {
			asked = nil
			a, b := llmtest.NewModel("a", test.a), llmtest.NewModel("b", test.b)
			m := build(t, "primary: a\nfallbacks: [{name: b}, {name: template-response}]\n"+test.keys, models(a, b), test.option)
			r := askFor(t.Context(), m, streamed, withTools("pay", "delete_all", "look"))
			by := r.md.ModelName
			if r.md.Degraded != "" {
				by = r.md.Degraded
			}
			if r.err != nil || by != test.by {
				t.Errorf("%s: answered by %q (%v), want %q", test.name, by, r.err, test.by)
			}
			if diff := cmp.Diff(test.given, given(b)); diff != "" {
				t.Errorf("%s: tools of b (-want +got):\n%s", test.name, diff)
			}
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("%s: the function was asked about (-want +got):\n%s", test.name, diff)
			}
		}
	}
}

func TestApproveNeedsAFunction(t *testing.T) {
	_, err := policy.Build(t.Context(), parsed(t, "primary: a\nfallbacks: [{name: b}]\ngate: {tools: [pay], approve: true}"), quiet, named("a", "b"))
	if err == nil || !strings.Contains(err.Error(), "policy.WithApproval") {
		t.Errorf("error %v, want one that names policy.WithApproval", err)
	}
}

// A call moves on to the target of a tier that has the conversation in its prompt cache,
// else to one of the same provider.
func TestTier(t *testing.T) {
	cached := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText("c", genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 100, CachedContentTokenCount: 90, TotalTokenCount: 100},
		}
	})
	for _, test := range []struct{ models, want string }{
		{"{b: {tier: t}, c: {tier: t}}", "c"},
		{"{b: {tier: t}, c: {tier: other}}", "b"},
		{"{}", "b"},
	} {
		a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
		b := llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("b"))
		m := build(t, "primary: a\nfallbacks: [{name: b}, {name: c, condition: error}]\nmodels: "+test.models, models(a, b, llmtest.NewModel("c", cached)))
		if r := ask(inSession(t, "s", "1"), m, false); r.text != "c" {
			t.Fatalf("%q (%v) answers, want c", r.text, r.err)
		}
		if r := ask(inSession(t, "s", "2"), m, true); r.text != test.want {
			t.Errorf("models: %s: %q answers the second turn (%v), want %s", test.models, r.text, r.err, test.want)
		}
	}
}

// preview shows a quick answer until the answer begins; it is never the answer, and rules,
// flags and budgets apply to it.
func TestPreview(t *testing.T) {
	slow := after(time.Second, llmtest.Text("the answer"))
	answered := []string{"partial the ", "partial answer", "final the answer"}
	with := append([]string{"provisional small", "restart"}, answered...)
	const off = "flags: {f: {targets: [small], default: false}}"
	for _, test := range []struct {
		name, keys string
		small      llmtest.Step
		unary      bool
		want       []string
		called     int
	}{
		{"shown", "", llmtest.Text("small"), false, with, 1},
		{"within its time", "timeout: 300ms", after(200*time.Millisecond, llmtest.Text("small")), false, with, 1},
		{"too late", "timeout: 300ms", after(400*time.Millisecond, llmtest.Text("small")), false, answered, 1},
		{"fails", "", llmtest.Fail(llmtest.ErrUnavailable), false, answered, 1},
		{"unary", "", llmtest.Text("small"), true, []string{"final the answer"}, 0},
		{"flag off", "}\n" + off + "\nx: {", llmtest.Text("small"), false, answered, 0},
		{"not allowed to see it", "}\ncompliance: {rules: [{data_classes: [pii], targets: [a]}]}\nx: {", llmtest.Text("small"), false, answered, 0},
		{"an answer that is not accepted", "}\nvalidate: {min_length: 8}\nx: {", llmtest.Text("small"), false, answered, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				small := llmtest.NewModel("small", test.small)
				text := strings.TrimSuffix("primary: a\npreview: {model: small, "+test.keys+"}", "\nx: {}")
				m := build(t, text, models(llmtest.NewModel("a", slow), small))
				started := time.Now()
				got, md := shown(call.With(t.Context(), call.Info{DataClass: "pii"}), m, hello(), !test.unary)
				if diff := cmp.Diff(test.want, got); diff != "" || time.Since(started) != time.Second || md.ModelName != "a" || md.Triggered {
					t.Errorf("after %v, %+v; shown (-want +got):\n%s", time.Since(started), md, diff)
				}
				if n := len(small.Asked()); n != test.called {
					t.Errorf("small was called %d times, want %d", n, test.called)
				}
			})
		})
	}
}

// An earlier answer is a preview too. What is kept is the answer alone.
func TestPreviewOfAnEarlierAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := llmtest.NewModel("a", llmtest.Text("first"), after(time.Second, llmtest.Text("second")), after(time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
		l := live(t, "primary: a\npreview: {model: cached-answer}\ndegrade: {cached_notice: \"earlier: \"}", models(a))
		for i, want := range [][]string{
			{"partial first", "final first"},
			{"provisional earlier: first", "restart", "partial second", "final second"},
			{"provisional earlier: second", "error"},
		} {
			got, _ := shown(t.Context(), l.Model(), hello(), true)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("call %d: shown (-want +got):\n%s", i+1, diff)
			}
		}
	})
}

// A preview is charged, and is not made once the budget is used up.
func TestPreviewIsCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		small := llmtest.NewModel("small", using("small", 6_000))
		const text = "primary: a\npreview: {model: small}\nbudgets: {usd_per_day: 0.01, max_output_tokens: 6000}\n" +
			"models: {small: {price: {input: 0, output: 1}}, a: {price: {input: 0, output: 0}}}"
		m := build(t, text, models(llmtest.NewModel("a", after(time.Second, llmtest.Text("a"))), small))
		var got [][]string
		for range 2 {
			all, _ := shown(t.Context(), m, hello(), true)
			got = append(got, all)
		}
		want := [][]string{{"provisional small", "restart", "partial a", "final a"}, {"partial a", "final a"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("shown (-want +got):\n%s", diff)
		}
	})
}

// A notice stands before the answer, also after a preview.
func TestNoticeAfterAPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := llmtest.NewModel("a", after(time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
		m := build(t, "primary: a\nfallbacks: [{name: b}]\npreview: {model: small}\nnotice: {text: another answers}", models(a, llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("small", llmtest.Text("small"))))
		got, _ := shown(t.Context(), m, hello(), true)
		if diff := cmp.Diff([]string{"provisional small", "restart", "notice another answers", "partial b", "final b"}, got); diff != "" {
			t.Errorf("shown (-want +got):\n%s", diff)
		}
	})
}

// adaptive moves users away from a control that fails, and back. Its share stays over a
// reload with the same settings, and starts anew with others.
func TestAdaptiveShareAndReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const file = "primary: a\nfallbacks: [{name: c}]\ntimeouts: {attempt: %s}\nexperiments: {e: {arms: [{model: a, share: 100%%}, {model: b, share: 0%%}], adaptive: {min_share: %s, step: 1s, slow_after: 1s}}}"
		var bad bool
		a := llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			step := llmtest.Text("a")
			if bad {
				step = llmtest.Fail(llmtest.ErrUnavailable)
			}
			step(ctx, req, stream, yield)
		})
		l := live(t, fmt.Sprintf(file, "1m", "2%"), models(a, llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c", llmtest.Text("c"))))
		// share returns in how many of 100 users' calls the control was called.
		share := func() int {
			before := len(a.Asked())
			for user := range 100 {
				if r := ask(asUser(t.Context(), fmt.Sprint(user)), l.Model(), user%2 == 0); r.err != nil {
					t.Fatal(r.err)
				}
			}
			return len(a.Asked()) - before
		}
		run := func(seconds int) (last int) {
			for range seconds {
				time.Sleep(time.Second)
				last = share()
			}
			return last
		}
		if n := run(3); n != 100 {
			t.Fatalf("%d of 100 calls to a healthy control, want all", n)
		}
		bad = true
		if n := run(20); n > 10 {
			t.Errorf("%d of 100 calls to a control that fails, want few", n)
		}
		if err := l.Replace(t.Context(), parsed(t, fmt.Sprintf(file, "2m", "2%"))); err != nil {
			t.Fatal(err)
		}
		if n := share(); n > 10 {
			t.Errorf("%d of 100 calls to the control after a reload with the same experiment, want few", n)
		}
		bad = false
		if n := run(60); n != 100 {
			t.Errorf("%d of 100 calls to a control that has recovered, want all", n)
		}
		bad = true
		run(20)
		if err := l.Replace(t.Context(), parsed(t, fmt.Sprintf(file, "2m", "3%"))); err != nil {
			t.Fatal(err)
		}
		if n := share(); n < 50 {
			t.Errorf("%d of 100 calls to the control after its experiment has changed, want a new start", n)
		}
	})
}

// slow_after says which calls are bad from the first one on, and step how fast the share
// moves.
func TestAdaptiveShareOfASlowControl(t *testing.T) {
	for adaptive, moves := range map[string]bool{"slow_after: 1s, step: 10s": true, "slow_after: 1s, step: 1h": false, "step: 10s": false} {
		synctest.Test(t, func(t *testing.T) {
			a := llmtest.NewModel("a", after(3*time.Second, llmtest.Text("a")))
			m := build(t, "primary: a\nexperiments: {e: {arms: [{model: a, share: 100%}, {model: b, share: 0%}], adaptive: {"+adaptive+"}}}", models(a, llmtest.NewModel("b", llmtest.Text("b"))))
			before := 0
			for range 20 {
				before = len(a.Asked())
				for user := range 20 {
					ask(asUser(t.Context(), fmt.Sprint(user)), m, true)
				}
				time.Sleep(10 * time.Second)
			}
			if n := len(a.Asked()) - before; moves != (n < 20) {
				t.Errorf("adaptive: {%s}: %d of the last 20 calls to the slow control", adaptive, n)
			}
		})
	}
}
