package router_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// inSession returns a context of a call in a turn of a session, written "session/turn".
func inSession(ctx context.Context, where string) context.Context {
	session, turn, _ := strings.Cut(where, "/")
	return call.With(ctx, call.Info{App: "app", User: "ada", Session: session, Invocation: turn, Agent: "agent"})
}

// What follows a switch: the first target fails once, or as often as the table says.
func TestSticky(t *testing.T) {
	quota := llmtest.Fail(llmtest.ErrQuota)
	wait := func(d time.Duration) string { return d.String() }
	for _, test := range []struct {
		name   string
		sticky router.Sticky
		second []llmtest.Step
		calls  []string // "session/turn", or a time that passes before the next call
		want   string
	}{
		{"turn", router.StickyTurn, nil, []string{"s/1", "s/1", "s/2"}, "second second first"},
		{"the default", "", nil, []string{"s/1", "s/1", "s/2"}, "second second first"},
		{"none", router.StickyNone, nil, []string{"s/1", "s/1", "s/2"}, "second first first"},
		{"session", router.StickySession, nil, []string{"s/1", "s/1", "s/2", "s/3"}, "second second second second"},
		{"another session", router.StickySession, nil, []string{"s/1", "x/2", "s/3"}, "second first second"},
		{"no session", router.StickySession, nil, []string{"/1", "/1"}, "second first"},
		{"a session, outside of ADK", router.StickySession, nil, []string{"s/", "s/"}, "second second"},
		{"a session's time is over", router.StickySession, nil, []string{"s/1", wait(40 * time.Second), "s/2", wait(20 * time.Second), "s/3"}, "second second first"},
		{"a session's time is over within a turn", router.StickySession, nil, []string{"s/1", wait(40 * time.Second), "s/2", wait(40 * time.Second), "s/2", "s/3"}, "second second second first"},
		{"a turn in which a tool runs long", router.StickySession, nil, []string{"s/1", wait(time.Minute), "s/1"}, "second first"},
		{"the fallback fails", router.StickySession, []llmtest.Step{llmtest.Text("ok"), quota, llmtest.Text("ok")}, []string{"s/1", "s/2", "s/3"}, "second first first"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				second := test.second
				if second == nil {
					second = []llmtest.Step{llmtest.Text("ok")}
				}
				m := router.MustFallback(router.Config{Sticky: test.sticky, StayFor: time.Minute},
					llmtest.NewModel("first", quota, llmtest.Text("ok")), llmtest.NewModel("second", second...), llmtest.NewModel("third", llmtest.Text("ok")))
				var got []string
				for _, where := range test.calls {
					if d, err := time.ParseDuration(where); err == nil {
						time.Sleep(d)
						continue
					}
					got = append(got, ask(inSession(t.Context(), where), m, true).metadata().ModelName)
				}
				if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
					t.Errorf("answered by (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A call that starts at the fallback says why, in every turn of the session. Models that
// have failed in another turn do not count.
func TestStickySessionIsOnRecord(t *testing.T) {
	fails := llmtest.Fail(llmtest.ErrQuota)
	m := router.MustFallback(router.Config{Sticky: router.StickySession}, llmtest.NewModel("first", fails), llmtest.NewModel("second", fails), llmtest.NewModel("third", llmtest.Text("ok")))
	for i, where := range []string{"s/1", "s/1", "s/2"} {
		md := ask(inSession(t.Context(), where), m, false).metadata()
		if want := []int{2, 2, 1}[i]; !md.Triggered || md.OriginalModel != "first" || md.ErrorCode != "429" || md.Attempt != want {
			t.Errorf("%s: metadata %+v, want attempt %d", where, md, want)
		}
		if i > 0 && (len(md.Attempts) != 2 || md.Attempts[0].Reason != "the session stays with the model that answered before") {
			t.Errorf("%s: attempts %+v", where, md.Attempts)
		}
	}
}

func TestStickyIsChecked(t *testing.T) {
	_, err := router.NewFallback(router.Config{Sticky: "day"}, llmtest.NewModel("m", llmtest.Text("ok")))
	if want := `router: Config.Sticky: "day" is unknown; must be "turn", "session" or "none"`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// cachedAnswer answers with a usage of input tokens, cached ones of which came from the cache.
func cachedAnswer(input, cached int32) llmtest.Step {
	return llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText("ok", genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: input, CachedContentTokenCount: cached, CandidatesTokenCount: 1},
		}
	})
}

// An attempt says how many tokens came from the prompt cache, and how many cached
// tokens of the conversation were lost because another target answers.
func TestCachedTokensLostByASwitch(t *testing.T) {
	fails, plain := llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("ok")
	for _, test := range []struct {
		name          string
		first, second []llmtest.Step
		calls         []string
		want          string // for each call: who answered, cached and lost
	}{
		{"lost", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 0)}, []string{"s/1", "s/2"}, "first 900/0, second 0/900"},
		{"partly", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 300)}, []string{"s/1", "s/2"}, "first 900/0, second 300/600"},
		{"not at all", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 1000)}, []string{"s/1", "s/2"}, "first 900/0, second 1000/0"},
		{"at most the input", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(200, 0)}, []string{"s/1", "s/2"}, "first 900/0, second 0/200"},
		{"unknown", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{plain}, []string{"s/1", "s/2"}, "first 900/0, second 0/0"},
		{"nothing was cached", []llmtest.Step{cachedAnswer(1000, 0), fails}, []llmtest.Step{cachedAnswer(1100, 0)}, []string{"s/1", "s/2"}, "first 0/0, second 0/0"},
		{"nothing was cached last", []llmtest.Step{cachedAnswer(1000, 900), cachedAnswer(1000, 0), fails}, []llmtest.Step{cachedAnswer(1100, 0)}, []string{"s/1", "s/2", "s/3"}, "first 900/0, first 0/0, second 0/0"},
		{"once", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 0), cachedAnswer(1200, 0)}, []string{"s/1", "s/2", "s/2"}, "first 900/0, second 0/900, second 0/0"},
		{"on the way back", []llmtest.Step{fails, cachedAnswer(1200, 0)}, []llmtest.Step{cachedAnswer(1100, 500)}, []string{"s/1", "s/2"}, "second 500/0, first 0/500"},
		{"another conversation", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 0)}, []string{"s/1", "x/2"}, "first 900/0, second 0/0"},
		{"no session", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 0)}, []string{"/1", "/2"}, "first 900/0, second 0/0"},
		{"the cache is cold", []llmtest.Step{cachedAnswer(1000, 900), fails}, []llmtest.Step{cachedAnswer(1100, 0)}, []string{"s/1", "10m", "s/2"}, "first 900/0, second 0/0"},
		{"a last resort loses nothing", []llmtest.Step{cachedAnswer(1000, 900), fails, fails}, []llmtest.Step{fails, cachedAnswer(1100, 0)}, []string{"s/1", "s/2", "s/3"}, "first 900/0, template-response 0/0, second 0/900"},
	} {
		for _, tree := range []string{"flat", "a hedge within", "within a hedge"} {
			t.Run(fmt.Sprint(test.name, ", ", tree), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var latest call.Attempt
					config := router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { latest = a }}}
					first, last := model.LLM(llmtest.NewModel("first", test.first...)), degrade.Template("Sorry.")
					second := model.LLM(llmtest.NewModel("second", test.second...))
					m := router.MustFallback(config, first, second, last)
					idle := llmtest.NewModel("idle", fails)
					switch tree {
					case "within a hedge":
						m = router.MustHedge(router.HedgeConfig{Delay: time.Hour}, m, idle)
					case "a hedge within":
						m = router.MustFallback(config, router.MustHedge(router.HedgeConfig{Delay: time.Hour}, first, idle), router.MustFallback(router.Config{}, second, last))
					}
					var got []string
					for _, where := range test.calls {
						if d, err := time.ParseDuration(where); err == nil {
							time.Sleep(d)
							continue
						}
						md := ask(inSession(t.Context(), where), m, true).metadata()
						got = append(got, fmt.Sprintf("%s %d/%d", md.ModelName, latest.CachedTokens, latest.CachedTokensLost))
						if n := len(md.Attempts); n > 0 && (md.Attempts[n-1].CachedTokens != latest.CachedTokens || md.Attempts[n-1].CachedTokensLost != latest.CachedTokensLost) {
							t.Errorf("the metadata has %+v, the hook was told %+v", md.Attempts[n-1], latest)
						}
					}
					if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
						t.Errorf("cached/lost (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// Targets of one tier are equal: the one that is closest to where the conversation was
// comes first. Without a tier, the order is strict.
func TestTierPrefersTheCloserTarget(t *testing.T) {
	type target struct{ name, provider, credential, tier string }
	for _, test := range []struct {
		name    string
		targets []target // all but the last fail
		want    string
	}{
		{"no tier", []target{{"a", "google", "k", ""}, {"b", "openai", "k2", ""}, {"c", "google", "k", ""}}, "a b c"},
		{"the provider", []target{{"a", "google", "k", ""}, {"b", "openai", "k2", "x"}, {"c", "google", "k3", "x"}, {"d", "google", "", "x"}}, "a c d b"},
		{"the credential", []target{{"a", "google", "k", ""}, {"b", "google", "k2", "x"}, {"c", "google", "k", "x"}}, "a c b"},
		{"the first stays the first", []target{{"a", "google", "k", "x"}, {"b", "openai", "k2", "x"}, {"c", "google", "k", "x"}}, "a c b"},
		{"another tier comes later", []target{{"a", "google", "k", ""}, {"b", "openai", "k2", "x"}, {"c", "google", "k", "y"}}, "a b c"},
		{"a tier that is apart", []target{{"a", "google", "k", ""}, {"b", "openai", "k2", "x"}, {"c", "other", "", ""}, {"d", "google", "k", "x"}}, "a b c d"},
		{"nothing in common", []target{{"a", "", "", ""}, {"b", "openai", "k2", "x"}, {"c", "", "", "x"}}, "a b c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var models []model.LLM
			for _, target := range test.targets {
				models = append(models, router.Describe(llmtest.NewModel(target.name, llmtest.Fail(llmtest.ErrUnavailable)),
					router.Traits{Provider: target.provider, Credential: target.credential, Tier: target.tier}))
			}
			var got []string
			ask(t.Context(), router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { got = append(got, a.Model) }}}, models...), false)
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("called (-want +got):\n%s", diff)
			}
		})
	}
}

// Of the targets of one tier, the one that has the conversation in its prompt cache comes
// first, then those that share its provider.
func TestTierPrefersTheWarmTarget(t *testing.T) {
	fails := llmtest.Fail(llmtest.ErrUnavailable)
	describe := func(name, provider, tier string, steps ...llmtest.Step) model.LLM {
		return router.Describe(llmtest.NewModel(name, steps...), router.Traits{Provider: provider, Credential: provider, Tier: tier})
	}
	var called []string
	m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { called = append(called, a.Model) }}},
		describe("a", "google", "", fails), describe("b", "google", "x", fails), describe("c", "openai", "x", fails),
		describe("d", "openai", "x", cachedAnswer(10, 5), fails), describe("e", "openai", "x", cachedAnswer(10, 5)))
	for i, where := range []string{"s/1", "s/2", "x/3"} {
		called = nil
		ask(inSession(t.Context(), where), m, false)
		if got, want := strings.Join(called, " "), []string{"a b c d", "a d c e", "a b c d e"}[i]; got != want {
			t.Errorf("%s: called %s, want %s", where, got, want)
		}
	}
}

// A new turn starts at the first target, even if another one of its tier has the conversation.
func TestTurnStartsAtTheFirstTargetOfItsTier(t *testing.T) {
	tier := router.Traits{Tier: "x"}
	m := router.MustFallback(router.Config{}, router.Describe(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("ok")), tier),
		router.Describe(llmtest.NewModel("b", cachedAnswer(10, 5)), tier))
	for i, where := range []string{"s/1", "s/2"} {
		if got, want := ask(inSession(t.Context(), where), m, false).metadata().ModelName, []string{"b", "a"}[i]; got != want {
			t.Errorf("%s: %s answered, want %s", where, got, want)
		}
	}
}

// A session stays with a fallback, so that its prompt cache is used.
func ExampleSticky() {
	flash, pro := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("ok")), llmtest.NewModel("pro", llmtest.Text("ok"))
	m := router.MustFallback(router.Config{Sticky: router.StickySession, StayFor: 5 * time.Minute}, flash, pro)
	for _, session := range []string{"monday", "monday", "tuesday"} {
		ctx := call.With(context.Background(), call.Info{Session: session})
		for resp := range m.GenerateContent(ctx, userSays("Hello!"), false) {
			md, _ := call.ReadResponse(resp)
			fmt.Println(session, md.ModelName)
		}
	}
	// Output:
	// monday pro
	// monday pro
	// tuesday flash
}
