package policy_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// retrieval-answer quotes what the application finds, and the next entry answers if
// that is nothing. B87
func TestRetrievalAnswer(t *testing.T) {
	passages := map[string][]degrade.Passage{"opening hours": {{Text: "Open from nine to five.", Source: "handbook"}, {Text: "Closed on Sundays."}}}
	search := policy.WithRetrieval(degrade.RetrievalConfig{Search: func(_ context.Context, query string) ([]degrade.Passage, error) { return passages[query], nil }})
	m := build(t, "primary: a\nfallbacks: [{name: retrieval-answer}, {name: template-response}]\ndegrade: {retrieval: {intro: 'Found:', max_passages: 1}}",
		models(suite.NewModel("a", suite.Fail(suite.ErrUnavailable))), search)
	got := askFor(t.Context(), m, false, &model.LLMRequest{Contents: genai.Text("opening hours")})
	if got.md.Degraded != "retrieval-answer" || !strings.HasPrefix(got.text, "Found:") || !strings.Contains(got.text, "nine to five") || strings.Contains(got.text, "Sundays") {
		t.Errorf("%q (%v), degraded %q; want one passage", got.text, got.err, got.md.Degraded)
	}
	if got := askFor(t.Context(), m, false, &model.LLMRequest{Contents: genai.Text("something else")}); got.md.Degraded != "template-response" {
		t.Errorf("%q (%v), degraded %q; want the template", got.text, got.err, got.md.Degraded)
	}

	_, err := policy.Build(t.Context(), parsed(t, "primary: a\nfallbacks: [{name: retrieval-answer}]"), quiet, named("a"))
	if err == nil || !strings.Contains(err.Error(), "2:20: fallbacks[0].name: retrieval-answer needs passages; add policy.WithRetrieval") {
		t.Errorf("without passages: error %v", err)
	}
}

// Answers of a domain are fresh for as long as its rule says. B85
func TestCacheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := suite.NewModel("a", suite.Text("hi"))
		live, err := policy.NewLive(t.Context(), parsed(t, "primary: a\ncache: {ttl: 1h, rules: [{prompt: '(?i)weather', ttl: 1m}, {labels: {plan: internal}, skip: true}]}"), quiet, models(a))
		if err != nil {
			t.Fatal(err)
		}
		defer live.Close()
		ask := func(plan, text string) string {
			ctx := call.With(t.Context(), call.Info{Labels: map[string]string{"plan": plan}})
			return string(askFor(ctx, live.Model(), false, &model.LLMRequest{Contents: genai.Text(text)}).md.CacheStatus)
		}
		for _, step := range []struct {
			plan, text, want string
			after            time.Duration
		}{
			{"free", "The Weather?", "miss", 0}, {"free", "The Weather?", "hit", 30 * time.Second}, {"free", "The Weather?", "miss", time.Minute},
			{"free", "hello", "miss", 0}, {"free", "hello", "hit", 30 * time.Minute},
			{"internal", "anything", "bypass", 0}, {"internal", "anything", "bypass", 0},
		} {
			time.Sleep(step.after)
			if got := ask(step.plan, step.text); got != step.want {
				t.Errorf("%s of %s after %v: %s, want %s", step.text, step.plan, step.after, got, step.want)
			}
		}
	})
}
