package spec_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestResolveTakesThePatternThatSaysTheMost(t *testing.T) {
	p := parse(t, `
primary: gemini-2.5-flash
models:
  "*": {region: any}
  local-*: {region: local}
  "*-local": {region: as-long}
  local-b*: {region: longer}
  local-big: {region: itself}
`)
	for name, want := range map[string]string{
		"gpt-4o":      "*",
		"local-a":     "local-*",
		"local-b":     "local-b*",
		"local-big":   "local-big",
		"a-local":     "*-local",
		"local-local": "*-local", // of two that say as much, the first by name
	} {
		if got := p.Resolve(name).Entry; got != want {
			t.Errorf("Resolve(%q) is by %q; want %q", name, got, want)
		}
	}
}

func TestPatternsMatchModelsByEitherName(t *testing.T) {
	r := parse(t, "primary: fast\naliases: {fast: gemini-2.5-flash}").Resolve("fast")
	for pattern, want := range map[string]bool{
		"fast": true, "f*": true, "gemini-2.5-flash": true, "gemini-*": true, "*-flash": true, "gemini-*-flash": true,
		"gemini": false, "*-pro": false, "fast*er": false,
	} {
		if got := r.Matches(pattern); got != want {
			t.Errorf("Matches(%q) = %t; want %t", pattern, got, want)
		}
	}
}

// B91: aliases may repeat values, up to 10,000 in all.
func TestAliasesAreBoundedByTheValuesTheyMake(t *testing.T) {
	file := func(models int) string {
		var b strings.Builder
		b.WriteString("primary: gemini-2.5-flash\nmodels:\n  m: &m {config: {stop_sequences: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]}}\n")
		for i := range models {
			fmt.Fprintf(&b, "  m%d: *m\n", i)
		}
		return b.String()
	}
	const values = 22 // of a model, its key and those within included
	parse(t, file(9_990/values-1))
	got := problemsIn(t, []byte(file(10_010/values)+"  last: {colour: red}\n"))
	if want := "file has more than 10000 values, counting those that aliases repeat\n"; strings.Count(got, want) != 1 || strings.Contains(got, "colour") {
		t.Errorf("problems:\n%s\nwant among them, once, and nothing of what comes after:\n%s", got, want)
	}
}
