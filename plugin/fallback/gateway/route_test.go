package gateway_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// A route, like a model, may have a name in any script.
func TestNamesOfRoutes(t *testing.T) {
	l := live(t, "primary: a\n", handsIn(llmtest.NewModel("a", llmtest.Text("a"))))
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"Zürich-天気": l}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]string{
		chatCompletions: `{"model":"Zürich-天気",` + helloChat,
		"/v1beta/models/Z%C3%BCrich-%E5%A4%A9%E6%B0%97:generateContent": helloGemini,
	} {
		if w := posted(g, path, body); w.Code != http.StatusOK {
			t.Errorf("%s: %d: %s", path, w.Code, w.Body)
		}
	}
	for _, name := range []string{"", "a b", "a/b", "a:b", "a\u00a0b", "a\u200bb", "a\tb", "a\xff"} {
		if _, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{name: l}}); err == nil {
			t.Errorf("%q is accepted as the name of a route", name)
		}
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	l := live(t, "primary: a\n", handsIn(llmtest.NewModel("a", llmtest.Text("a"))))
	for name, config := range map[string]gateway.Config{
		"Config.Routes is empty": {}, `Config.Routes["x"] is nil`: {Routes: map[string]*policy.Live{"x": nil}}, `"a/b" is no name`: {Routes: map[string]*policy.Live{"a/b": l}},
	} {
		if _, err := gateway.New(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v; want %s", err, name)
		}
	}
}
