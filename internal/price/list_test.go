package price

import (
	"strings"
	"testing"
	"time"
)

// ownRelease has the models whose whole name counts although it ends like a release: one has a price of its own, the others
// would be called "chat".
var ownRelease = map[string]bool{"gpt-4o-2024-05-13": true, "chat-latest": true, "gpt-chat-latest": true}

// The list is data: what can be wrong with it without anyone noticing is a slip of the pen.
func TestListIsPlausible(t *testing.T) {
	seen := map[string]bool{}
	for provider, rows := range map[string][]row{"gemini-": google, "": openai, "claude-": anthropic} {
		for _, r := range rows {
			if seen[r.name] {
				t.Errorf("%s: listed twice", r.name)
			}
			seen[r.name] = true
			if !strings.HasPrefix(r.name, provider) {
				t.Errorf("%s: listed with the wrong provider", r.name)
			}
			if end := release().FindString(r.name); end != "" && !ownRelease[r.name] {
				t.Errorf("%s: listed with the release %q; other releases of the model would have no price", r.name, end)
			}
			checkWindow(t, r)
			checkRates(t, r.name, r.price.Rates)
			if r.price.LongAbove > 0 {
				checkRates(t, r.name+" (long)", r.price.Long)
				if r.price.Long.Input <= r.price.Input || r.price.Long.Output <= r.price.Output {
					t.Errorf("%s: long requests cost %+v, short ones %+v; want more", r.name, r.price.Long, r.price.Rates)
				}
			}
			if p, ok := Of(r.name); !ok || !strings.HasPrefix(p.Source, "https://") {
				t.Errorf("Of(%q) = %+v, %t; want a price with its source", r.name, p, ok)
			}
		}
	}
	for _, date := range []string{SnapshotDate, WindowDate} {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			t.Error(err)
		}
	}
}

// Every listed model has a window. None is smaller than 100,000 tokens nor larger than 2 million, and one with a tier for long
// requests can read them.
func checkWindow(t *testing.T, r row) {
	t.Helper()
	if r.window < 100_000 || r.window > 2_000_000 || r.window <= r.price.LongAbove {
		t.Errorf("%s: implausible window of %d tokens; long requests begin above %d", r.name, r.window, r.price.LongAbove)
	}
	if got, ok := Window(r.name); !ok || got != r.window {
		t.Errorf("Window(%q) = %d, %t; want %d", r.name, got, ok, r.window)
	}
}

// No list price is outside of 1 cent to 500 dollars per million tokens, and no provider sells answers cheaper than questions.
func checkRates(t *testing.T, name string, r Rates) {
	t.Helper()
	if r.Input < 0.01 || r.Output > 500 || r.Output <= r.Input || r.Cached < 0 || r.Cached >= r.Input {
		t.Errorf("%s: implausible rates %+v", name, r)
	}
}
