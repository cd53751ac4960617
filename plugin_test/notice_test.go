package plugin_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/plugintest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// said is what a request's contents say.
func said(req *model.LLMRequest) string {
	var texts []string
	for _, content := range req.Contents {
		texts = append(texts, content.Role+": "+llmtest.TextOf(content))
	}
	return strings.Join(texts, "\n")
}

// eachSession runs f unary and streamed, with both session services.
func eachSession(t *testing.T, f func(t *testing.T, setup plugintest.Setup)) {
	for _, setup := range []plugintest.Setup{{}, {Stream: true}, {Database: true}, {Database: true, Stream: true}} {
		t.Run(fmt.Sprint("streamed ", setup.Stream, " database ", setup.Database), func(t *testing.T) { f(t, setup) })
	}
}

// A notice is shown as an event and not stored: the next request does not have it.
func TestNoticeIsNotStored(t *testing.T) {
	for _, place := range []router.NoticePlace{router.NoticeBefore, router.NoticeAfter} {
		eachSession(t, func(t *testing.T, setup plugintest.Setup) {
			first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("I am back."))
			m := router.MustFallback(router.Config{Notice: router.Notice{Text: "Another model answers.", Place: place}}, first, llmtest.NewModel("second", llmtest.Text("Hello.")))
			setup.Agent = plugintest.Agent{Name: "agent", Model: m}
			app := newApp(t, setup)
			events, err := app.Run(t.Context(), "s", "hi")
			if err != nil {
				t.Fatal(err)
			}
			shown := 0
			for _, ev := range events {
				if ev.Text() == "Another model answers." && ev.Response.Partial && ev.Response.CustomMetadata[call.KeyNotice] == "Another model answers." {
					shown++
				}
			}
			if last := events[len(events)-1]; shown != 1 || last.Text() != "Hello." || last.Response.Partial {
				t.Errorf("%s: %d notices, the last event is %q", place, shown, last.Text())
			}
			stored := app.Stored(t, "s")
			if len(stored) != 2 || stored[1].Text() != "Hello." || stored[1].Response.CustomMetadata[call.KeyNotice] != "Another model answers." {
				t.Errorf("%s: %d stored events, want the answer with the notice in its metadata", place, len(stored))
			}
			if _, err := app.Run(t.Context(), "s", "and now?"); err != nil {
				t.Fatal(err)
			}
			if got, want := said(first.Requests()[1]), "user: hi\nmodel: Hello.\nuser: and now?"; got != want {
				t.Errorf("%s: the next request says\n%s\nwant\n%s", place, got, want)
			}
		})
	}
}

// The user sees the template's text, and the session keeps it, but no model reads it as
// its own words. B87
func TestTemplateIsNotHistory(t *testing.T) {
	const sorry = "I cannot answer. Write to help@example.org."
	want := "user: hi\nmodel: " + request.Neutral + "\nuser: and now?"
	eachSession(t, func(t *testing.T, setup plugintest.Setup) {
		for _, test := range []struct {
			name  string
			setup func(setup *plugintest.Setup, first *llmtest.Model)
		}{
			{"router", func(setup *plugintest.Setup, first *llmtest.Model) {
				setup.Agent.Model = router.MustFallback(router.Config{Guards: []guard.Guard{guard.Redact}}, first, degrade.Template(sorry))
			}},
			{"Recover", func(setup *plugintest.Setup, first *llmtest.Model) {
				setup.Agent.Model = guard.Around(first, guard.Target{})
				setup.Config = turn.Config{Recover: degrade.Template(sorry)}
			}},
		} {
			first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("I am back."))
			setup := setup
			setup.Agent = plugintest.Agent{Name: "agent"}
			test.setup(&setup, first)
			app := newApp(t, setup)
			if _, err := app.Run(t.Context(), "s", "hi"); err != nil {
				t.Fatal(err)
			}
			if _, err := app.Run(t.Context(), "s", "and now?"); err != nil {
				t.Fatal(err)
			}
			if got := said(first.Requests()[1]); got != want {
				t.Errorf("%s: the next request says\n%s\nwant\n%s", test.name, got, want)
			}
			if stored := app.Stored(t, "s"); stored[1].Text() != sorry {
				t.Errorf("%s: the session has %q, want what the user saw", test.name, stored[1].Text())
			}
		}
	})
}

// Nor does another agent read it. B87
func TestTemplateIsNotQuoted(t *testing.T) {
	second := llmtest.NewModel("second", llmtest.Text("ok"))
	app := newApp(t, plugintest.Setup{Agent: plugintest.Agent{Name: "both", Sub: []plugintest.Agent{
		{Name: "one", Model: router.MustFallback(router.Config{}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), degrade.Template("sorry"))},
		{Name: "two", Model: guard.Around(second, guard.Target{})},
	}}})
	if _, err := app.Run(t.Context(), "s", "hi"); err != nil {
		t.Fatal(err)
	}
	if got := said(second.Requests()[0]); strings.Contains(got, "sorry") || !strings.Contains(got, "[one] said: "+request.Neutral) {
		t.Errorf("the other agent's request says\n%s", got)
	}
}

// An answer that is no placeholder stays, also if its model is a last resort.
func TestOtherAnswersStayHistory(t *testing.T) {
	first := llmtest.NewModel("first", llmtest.Text("sorry"), llmtest.Text("I am back."))
	app := newApp(t, plugintest.Setup{Agent: plugintest.Agent{Name: "agent", Model: router.MustFallback(router.Config{}, first, degrade.Template("sorry"))}})
	for _, text := range []string{"hi", "and now?"} {
		if _, err := app.Run(t.Context(), "s", text); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := said(first.Requests()[1]), "user: hi\nmodel: sorry\nuser: and now?"; got != want {
		t.Errorf("the next request says\n%s\nwant\n%s", got, want)
	}
}
