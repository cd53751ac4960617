package browser_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/browser"
)

// converse asks an agent a question in ADK Web, in a new session, and opens the session's
// traces there when they are whole.
func (a app) converse(page *browser.Page, agent, session, question, answer string) {
	a.t.Helper()
	if err := a.call(http.MethodPost, sessions(agent, session), nil); err != nil {
		a.t.Fatal(err)
	}
	url := a.url + "/ui/?app=" + agent + "&userId=user&session=" + session
	page.Open(url)
	page.WaitCount("textarea:enabled", 1)
	page.Eval("document.querySelector('textarea').focus()", nil)
	page.Type(question + "\r")
	page.WaitText(answer)
	a.await("the trace", func() bool { return a.traced(session) })
	page.Open(url)
	page.WaitText(answer)
	page.Click("mat-button-toggle button", "Traces")
	page.WaitFor("document.querySelector('.trace-row')")
}

// rows returns the names of the spans below the agent's that ADK Web shows, in order.
func rows(page *browser.Page) (names []string) {
	page.Eval("[...document.querySelectorAll('.trace-row .trace-label')].map((e) => e.textContent.trim())", &names)
	return names
}

// attributes selects a span in ADK Web's tree, by its row's CSS selector and a text
// in it, and returns the attributes that are shown for the span of that name.
func attributes(page *browser.Page, selector, text, name string) (shown map[string]string) {
	page.Click(selector, text)
	literal, _ := json.Marshal(name) // a string has no error
	page.WaitFor("document.querySelector('app-trace-tab .event-details-header').textContent.includes(" + string(literal) + ")")
	page.Click("app-trace-tab button[mattooltip=Attributes]", "")
	page.WaitFor("document.querySelector('app-trace-tab button[mattooltip=Attributes].active') && document.querySelector('app-trace-tab td')")
	page.Eval(`Object.fromEntries([...document.querySelectorAll('app-trace-tab tr')].map((row) =>
		[row.cells[0].textContent, row.cells[1].querySelector('.value-cell > span').textContent]))`, &shown)
	return shown
}

// want checks that attributes are shown with these values.
func want(t *testing.T, span string, shown, values map[string]string) {
	t.Helper()
	for key, value := range values {
		if shown[key] != value {
			t.Errorf("%s: %s = %q, want %q", span, key, shown[key], value)
		}
	}
}

// metadata is what the span of a call that fell back from flash to pro has.
var metadata = map[string]string{
	"fallback.triggered":      "true",
	"fallback.original_model": "gemini-2.5-flash",
	"fallback.model":          "gemini-2.5-pro",
	"fallback.attempt":        "1",
	"fallback.error_code":     "429",
	"fallback.reason":         "a quota of an hour or longer is exhausted",
	"gen_ai.response.model":   "gemini-2.5-pro",
}

// B122: a user of ADK Web sees who answered, which attempts were made and why.
func TestADKWebShowsTheAttemptsOfARouter(t *testing.T) {
	page, a := browser.New(t), serve(t, routed(t), "routed")
	a.converse(page, "routed", "shown", "How is the weather?", "It is sunny.")

	const call, failed, ok = "generate_content gemini-2.5-flash", "chat gemini-2.5-flash", "chat gemini-2.5-pro"
	if got := rows(page); !slices.Equal(got, []string{call, failed, ok}) {
		t.Fatalf("spans: %q", got)
	}
	shown := attributes(page, ".trace-row", call, call)
	want(t, call, shown, metadata)
	wantAttempts(t, call, shown)
	want(t, failed, attributes(page, ".trace-row", failed, failed), map[string]string{
		"fallback.attempt.number": "1", "fallback.attempt.outcome": "failed", "fallback.attempt.target": "gemini-2.5-flash",
		"fallback.attempt.reason": metadata["fallback.reason"], "fallback.attempt.kind": "quota", "error.type": "429",
		"gen_ai.request.model": "gemini-2.5-flash",
	})
	want(t, ok, attributes(page, ".trace-row", ok, ok), map[string]string{
		"fallback.attempt.number": "2", "fallback.attempt.outcome": "ok", "fallback.attempt.target": "gemini-2.5-pro",
		"gen_ai.request.model": "gemini-2.5-pro", "gen_ai.response.model": "gemini-2.5-pro",
	})
}

// B122, as the sample's README describes it. The plugin calls the fallbacks; ADK has
// called the root model.
func TestADKWebShowsTheAttemptsOfThePlugin(t *testing.T) {
	page, a := browser.New(t), serve(t, quickstart(t), "assistant")
	a.converse(page, "assistant", "shown", "The quota is gone. How is the weather in Oslo?", "It is snowing and -3 °C in Oslo.")

	const failed, ok, agent = "generate_content gemini-2.5-flash", "chat gemini-2.5-pro", "invoke_agent assistant"
	if got := rows(page); !slices.Equal(got, []string{failed, ok, "weather", ok}) {
		t.Fatalf("spans: %q", got)
	}
	shown := attributes(page, ".invocation-id", "", agent)
	want(t, agent, shown, metadata)
	wantAttempts(t, agent, shown)
	want(t, ok, attributes(page, ".trace-row", ok, ok), map[string]string{
		"fallback.attempt.outcome": "ok", "fallback.attempt.target": "gemini-2.5-pro", "gen_ai.response.model": "gemini-2.5-pro",
	})
}

// wantAttempts checks the list of attempts of a call that fell back once.
func wantAttempts(t *testing.T, span string, shown map[string]string) {
	t.Helper()
	var attempts []struct{ Model, Outcome string }
	text := shown["fallback.attempts"]
	if err := json.Unmarshal([]byte(text), &attempts); err != nil || len(attempts) != 2 ||
		attempts[0].Model != "gemini-2.5-flash" || attempts[0].Outcome != "failed" || attempts[1].Model != "gemini-2.5-pro" || attempts[1].Outcome != "ok" {
		t.Errorf("%s: fallback.attempts = %s (%v)", span, text, err)
	}
}

// ADK Web shows what a provider says as text.
func TestADKWebRunsNothingOfAProvider(t *testing.T) {
	const evil = `<script>window.hostile = 1</script><img src=x onerror="window.hostile = 1">`
	page, a := browser.New(t), serve(t, routed(t), "hostile", "HOSTILE="+evil)
	a.converse(page, "hostile", "shown", "How is the weather?", "It is cloudy.")

	const call, failed, ok = "generate_content " + evil, "chat " + evil, "chat gemini-2.5-flash-lite"
	if got := rows(page); !slices.Equal(got, []string{call, failed, ok}) {
		t.Fatalf("spans: %q", got)
	}
	shown := attributes(page, ".trace-row", call, call)
	want(t, call, shown, map[string]string{"fallback.original_model": evil, "fallback.model_version": evil})
	if text := shown["fallback.attempts"]; !strings.Contains(text, "overloaded: ") {
		t.Errorf("fallback.attempts = %s, which lacks the provider's words", text)
	}
	want(t, failed, attributes(page, ".trace-row", failed, failed), map[string]string{"gen_ai.request.model": evil})

	const ran = "window.hostile === 1"
	var hostile bool
	if page.Eval(ran, &hostile); hostile {
		t.Error("ADK Web ran a provider's words")
	}
	literal, _ := json.Marshal(evil)
	page.Eval("void (document.createElement('div').innerHTML = "+string(literal)+")", nil)
	page.WaitFor(ran) // so it would have been seen
}
