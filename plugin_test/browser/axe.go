package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// axeVersion is the version of the npm package axe-core that NewAxe installs.
const axeVersion = "4.14.1"

// Axe looks for what keeps people with a disability from using a page, by the rules of
// axe-core (https://github.com/dequelabs/axe-core): contrast, names of controls, roles,
// headings, the page's language and others.
type Axe struct{ source string }

// Violation is one rule of axe-core that a page breaks.
type Violation struct {
	ID     string   // the rule, such as color-contrast
	Impact string   // minor, moderate, serious or critical
	Help   string   // what to do
	Nodes  []string // the HTML of the elements
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s: %q", v.ID, v.Impact, v.Help, v.Nodes)
}

// NewAxe installs axe-core. It skips the test if npm or its registry is missing.
func NewAxe(t testing.TB) Axe {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(npm(t, "axe-core", axeVersion), "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return Axe{string(source)}
}

// Check returns the rules that a page breaks, as it is shown now. The page's View must
// have JavaScript.
func (a Axe) Check(p *Page) (found []Violation) {
	p.t.Helper()
	p.Eval("(() => {"+a.source+"\n})()", nil) // again after each Open
	var text string
	p.Eval(`axe.run().then((result) => JSON.stringify(result.violations.map((v) =>
		({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map((n) => n.html)}))))`, &text)
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		p.t.Fatalf("browser: result of axe-core: %v", err)
	}
	return found
}
