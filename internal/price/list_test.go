package price

import (
	"strings"
	"testing"
	"time"
)

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
			if end := release.FindString(r.name); end != "" && r.name != "gpt-4o-2024-05-13" {
				t.Errorf("%s: listed with the release %q; other releases of the model would have no price", r.name, end)
			}
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
	if _, err := time.Parse(time.DateOnly, SnapshotDate); err != nil {
		t.Error(err)
	}
}

// No list price is outside of 1 cent to 500 dollars per million tokens, and no provider sells answers cheaper than questions.
func checkRates(t *testing.T, name string, r Rates) {
	t.Helper()
	if r.Input < 0.01 || r.Output > 500 || r.Output <= r.Input || r.Cached < 0 || r.Cached >= r.Input {
		t.Errorf("%s: implausible rates %+v", name, r)
	}
}
