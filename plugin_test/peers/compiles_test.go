package peers_test

import (
	"testing"

	"golang.org/x/tools/go/packages"
)

// The peers that the tag noframeworks leaves out compile. They are checked from source,
// which takes seconds.
func TestFrameworksCompile(t *testing.T) {
	all, err := packages.Load(&packages.Config{Context: t.Context(), Mode: packages.LoadAllSyntax}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, err := range p.Errors {
			t.Error(err)
		}
	}
	if len(all) == 0 || all[0].Types.Scope().Lookup("newBifrost") == nil {
		t.Error("the frameworks were not read")
	}
}
