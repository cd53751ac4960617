package spec

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec/internal/hints"
)

// B91: a hint names only keys that the format has at that place.
func TestHintsNameKeysOfTheFormat(t *testing.T) {
	write, set := regexp.MustCompile(`^write ([a-z_]+)($|,)`), regexp.MustCompile(`^set ([a-z_]+)(?:\.([a-z_]+))?($|,)`)
	checked := 0
	for place, words := range hints.All {
		for word, advice := range words {
			var within string
			switch {
			case place == "models.*.provider" || strings.HasPrefix(word, "a "):
				continue
			case write.MatchString(advice):
				within = wrap(place, write.FindStringSubmatch(advice)[1]+": {}")
			case set.MatchString(advice):
				found := set.FindStringSubmatch(advice)
				inner := found[1] + ": {}"
				if found[2] != "" {
					inner = fmt.Sprintf("%s: {%s: {}}", found[1], found[2])
				}
				if strings.HasPrefix(place, "models.*") && (found[1] == "config" || found[1] == "price" || found[1] == "rate_limits") {
					inner = wrap(place, inner)
				}
				within = inner
			default:
				continue
			}
			checked++
			_, err := Parse([]byte("{" + within + "}"))
			if err == nil || strings.Contains(err.Error(), "unknown key") || strings.Contains(err.Error(), "mapping values") {
				t.Errorf("%s, %s: %q names a key that is unknown there: %v", place, word, advice, err)
			}
		}
	}
	if checked < 60 {
		t.Errorf("%d hints were checked; want 60 or more", checked)
	}
}

// wrap returns the entry of a file with inner at a place.
func wrap(place, inner string) string {
	if place == "" {
		return inner
	}
	steps := strings.Split(place, ".")
	for i := len(steps) - 1; i >= 0; i-- {
		key, list := strings.CutSuffix(strings.ReplaceAll(steps[i], "*", "a"), "[]")
		inner = "{" + inner + "}"
		if list {
			inner = "[" + inner + "]"
		}
		inner = key + ": " + inner
	}
	return inner
}

// B91: the advice on a server is a valid entry of models, with a URL that the docs have too.
func TestHintsForServersAreEntries(t *testing.T) {
	docs, err := os.ReadFile("../../../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for name, advice := range hints.All["models.*.provider"] {
		entry, ok := strings.CutPrefix(advice, "write provider: ")
		if !ok {
			continue
		}
		entries++
		if _, err := Parse([]byte("primary: a\nmodels: {a: {provider: " + entry + "}}")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, url, _ := strings.Cut(entry, "base_url: ")
		if !strings.Contains(string(docs), "base_url: "+url) {
			t.Errorf("%s: docs/providers.md has no %q", name, url)
		}
	}
	if entries < 15 {
		t.Errorf("%d entries; want 15 or more", entries)
	}
}

// B91: a wrong provider is reported as one mistake.
func TestRefusedProviderIsReportedOnce(t *testing.T) {
	_, err := Known{Model: func(string) bool { return false }}.Parse([]byte("primary: my\nmodels: {my: {provider: bedrock, id: m}}"))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("error %v; want one line", err)
	}
}
