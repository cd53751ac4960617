package policy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// newLive builds a Live of a policy's text with models of the test's.
func newLive(t *testing.T, text string, all ...*llmtest.Model) *policy.Live {
	t.Helper()
	l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, models(all...))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func chainFor(t *testing.T, l *policy.Live, names ...string) model.LLM {
	t.Helper()
	m, err := l.Chain(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A chain calls its models in order, then the policy's last resorts.
func TestChainCallsItsModels(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b}, {name: template-response}]\n"
	down := func(name string) *llmtest.Model { return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable)) }
	a, b, c := down("a"), down("b"), down("c")
	l := newLive(t, text, a, b, c)
	got := ask(t.Context(), chainFor(t, l, "c", "a"), false)
	if got.md.Degraded != "template-response" || len(c.Asked()) != 1 || len(a.Asked()) != 1 || len(b.Asked()) != 0 {
		t.Errorf("%+v after %d calls of c, %d of a and %d of b; want the template after one of c and of a", got.md, len(c.Asked()), len(a.Asked()), len(b.Asked()))
	}
	if name := chainFor(t, l, "c").Name(); name != "c" {
		t.Errorf("name %q, want the primary's", name)
	}
	if got := ask(t.Context(), chainFor(t, l), false); len(b.Asked()) != 1 || got.md.OriginalModel != "a" {
		t.Errorf("%+v; want the policy's own chain", got.md)
	}
}

// A target has one breaker, also where it is the primary of one chain and a fallback with
// another time limit in another; also after a reload. B75
func TestChainsShareBreakers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\nfallbacks: [{name: d, timeout: 1s}]\ntimeouts: {primary: 3s, fallback: 2s}\ncircuit_breaker: {failure_threshold: 2, backoff: 10m}\n"
		down := func(name string) *llmtest.Model { return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable)) }
		a, b, c, off := llmtest.NewModel("a", llmtest.Text("a")), down("b"), llmtest.NewModel("c", llmtest.Text("c")), down("off")
		l := newLive(t, text, a, b, c, off, llmtest.NewModel("d", llmtest.Text("d")))
		for _, names := range [][]string{{"b", "c"}, {"off", "b", "c"}, {"b", "a"}, {"off", "b", "a"}, {"b"}} {
			ask(t.Context(), chainFor(t, l, names...), false)
		}
		if err := l.Replace(t.Context(), parsed(t, text+"sticky: none\n")); err != nil {
			t.Fatal(err)
		}
		ask(t.Context(), chainFor(t, l, "b", "c"), false)
		if got := len(b.Asked()); got != 3 { // that of the chain without another model is forced
			t.Errorf("b was called %d times, want 3: two calls have opened its breaker", got)
		}
		// The limits are still those of the place.
		for _, want := range []time.Duration{3 * time.Second, time.Second} {
			slow := llmtest.NewModel("slow", silent)
			l := newLive(t, strings.Replace(text, "name: d", "name: slow", 1), a, slow, c)
			chain := []string{"slow", "c"}
			if want == time.Second {
				a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
				l, chain = newLive(t, strings.Replace(text, "name: d", "name: slow", 1), a, slow, c), []string{"a", "slow", "c"}
			}
			if got := ask(t.Context(), chainFor(t, l, chain...), false); got.took != want || got.text != "c" {
				t.Errorf("%v: %q after %v, want c after %v", chain, got.text, got.took, want)
			}
		}
	})
}

// All chains spend the same budget.
func TestChainsShareBudgets(t *testing.T) {
	const text = "primary: a\nbudgets: {usd_per_day: $0.01}\nmodels: {a: {price: {input: $0, output: $10000}}, b: {price: {input: $0, output: $10000}}}\n"
	l := newLive(t, text, llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b")))
	req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{MaxOutputTokens: 1}}
	if got := askFor(t.Context(), chainFor(t, l, "a"), false, req); got.err != nil {
		t.Fatal(got.err)
	}
	if got := askFor(t.Context(), chainFor(t, l, "b"), false, req); got.err == nil || !strings.Contains(got.err.Error(), "budget") {
		t.Errorf("%q, %v; want a refusal by the budget that another chain has used up", got.text, got.err)
	}
}

// The consumer of a chain cannot take back text: unless the file says otherwise, an answer
// that is cut off is continued. B53
func TestChainsResume(t *testing.T) {
	const whole = "one two three[one two three]"
	for _, test := range []struct{ name, file, want string }{
		{"by default", "", whole},
		{"with a section that says nothing of it", "stream: {idle: 3s}", whole},
		{"resume", "stream: {mid_stream: resume}", whole},
		{"restart", "stream: {mid_stream: restart}", "one two |" + whole},
		{"fail", "stream: {mid_stream: fail}", "one two "},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, names := range [][]string{nil, {"a", "b"}} {
				a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "one ", "two "))
				b := llmtest.NewModel("b", llmtest.Text("one two three"))
				m := chainFor(t, newLive(t, "primary: a\nfallbacks: [{name: b}]\n"+test.file, a, b), names...)
				got := llmtest.Collect(m.GenerateContent(t.Context(), llmtest.UserSays("count"), true))
				if got.Stream != test.want || (got.Err == nil) == (test.name == "fail") {
					t.Errorf("%q, %v; want %q", got.Stream, got.Err, test.want)
				}
			}
		})
	}
}

// A text that does not continue what was shown is an error, never a splice. B53
func TestChainDiverges(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "one ", "two "))
	l := newLive(t, "primary: a\nfallbacks: [{name: b}]\n", a, llmtest.NewModel("b", llmtest.Text("four five")))
	got := llmtest.Collect(chainFor(t, l).GenerateContent(t.Context(), llmtest.UserSays("count"), true))
	if !errors.Is(got.Err, router.ErrDiverged) {
		t.Errorf("%v, want %v", got.Err, router.ErrDiverged)
	}
}

func TestChainRefuses(t *testing.T) {
	l := newLive(t, "primary: a\nmodels: {'local-*': {provider: openai, base_url: 'http://localhost:1/v1'}}\n", llmtest.NewModel("a", llmtest.Text("a")))
	for _, names := range [][]string{{"b"}, {"a", "b"}, {""}, {"template-response"}, {"local-*"}, {"local-../a"}} {
		if _, err := l.Chain(t.Context(), names...); !errors.Is(err, policy.ErrUnknownModel) {
			t.Errorf("%q: %v, want %v", names, err, policy.ErrUnknownModel)
		}
	}
	if _, err := l.Chain(t.Context(), make([]string, policy.MaxChain+1)...); err == nil || errors.Is(err, policy.ErrUnknownModel) {
		t.Errorf("%v; want an error about the length", err)
	}
}

// The chains kept are bounded, whatever names requests bring; one in use stays.
func TestChainsAreBounded(t *testing.T) {
	l := newLive(t, "primary: a\nmodels: {'*': {provider: openai, base_url: 'http://localhost:1/v1'}}\n", llmtest.NewModel("a", llmtest.Text("a")))
	name := func(i int) string { return fmt.Sprintf("m%03d", i) }
	first, kept := chainFor(t, l, name(0)), chainFor(t, l, "used")
	for i := range 300 {
		chainFor(t, l, name(i))
		if chainFor(t, l, "used") != kept {
			t.Fatalf("the chain in use was dropped after %d others", i)
		}
	}
	if chainFor(t, l, name(299)) != chainFor(t, l, name(299)) || chainFor(t, l, name(0)) == first {
		t.Errorf("the latest chain is built anew, or one is kept after 300 others")
	}
}

// Making a client may take seconds, for example to read credentials. Calls of chains and embedders that are kept do not
// wait for it, nor do calls that have ended.
func TestKeptChainsDoNotWaitForNewOnes(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	slow := provider.Factory{Name: "anthropic", New: func(provider.Settings) (model.LLM, error) {
		close(begun)
		<-end
		return llmtest.NewModel("slow", llmtest.Text("slow")), nil
	}}
	l := live(t, "primary: a\nmodels: {slow: {provider: anthropic, credential_env: KEY}}", slow, env(map[string]string{"KEY": "key"}), policy.Models{
		"a": llmtest.NewModel("a", llmtest.Text("a")), "b": embedder{llmtest.NewModel("b", llmtest.Text("b"))},
	})
	kept := func(ctx context.Context) error {
		_, err := l.Chain(ctx, "b")
		if err == nil {
			_, err = l.Embedder(ctx, "b")
		}
		return err
	}
	if err := kept(t.Context()); err != nil {
		t.Fatal(err)
	}
	built := make(chan error, 1)
	go func() { // ends after end
		_, err := l.Chain(context.WithoutCancel(t.Context()), "slow")
		built <- err
	}()
	select {
	case <-begun:
	case err := <-built:
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- kept(context.WithoutCancel(t.Context())) }() // ends after end at the latest
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a call of a chain that is kept waits for one that is built")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	go func() { // ends after end at the latest
		_, err := l.Chain(gone, "slow", "b")
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a call that has ended: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a call that has ended waits for a chain that is built")
	}
	close(end)
	if err := <-built; err != nil {
		t.Error(err)
	}
}

// Calls of one new chain at the same time share its tree, and so its breakers.
func TestANewChainIsBuiltOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		slow := provider.Factory{Name: "anthropic", New: func(provider.Settings) (model.LLM, error) {
			<-end
			return llmtest.NewModel("slow", llmtest.Text("slow")), nil
		}}
		l := live(t, "primary: a\nmodels: {slow: {provider: anthropic, credential_env: KEY}}", slow, env(map[string]string{"KEY": "key"}), policy.Models{
			"a": llmtest.NewModel("a", llmtest.Text("a")),
		})
		built := make(chan model.LLM, 2)
		for range 2 {
			go func() { // ends after end
				m, err := l.Chain(t.Context(), "slow")
				if err != nil {
					t.Error(err)
				}
				built <- m
			}()
		}
		synctest.Wait()
		close(end)
		if first, second := <-built, <-built; first != second {
			t.Error("two calls at the same time have two trees")
		}
	})
}

// A context that has ended ends only a wait. If nobody else builds, the outcome does not depend on luck.
func TestAnEndedContextEndsOnlyAWait(t *testing.T) {
	l := live(t, "primary: a", policy.Models{"a": llmtest.NewModel("a", llmtest.Text("a"))})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if err := l.Replace(gone, l.Policy()); err != nil {
			t.Fatal(err)
		}
	}
}
