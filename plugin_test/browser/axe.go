package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

// npm installs a package of npm in a folder of the test, and returns the package's
// folder. It skips the test if that is impossible.
func npm(t testing.TB, name, version string) string {
	t.Helper()
	pkg := name + "@" + version
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skipf("needs npm to install %s: install Node.js 22 (https://nodejs.org/en/download)", pkg)
	}
	if testing.Short() {
		t.Skipf("installs the npm package %s: run without -short", pkg)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", pkg, "--prefix", dir)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install %s; it needs the npm registry: %v\n%s", pkg, err, out)
	}
	return filepath.Join(dir, "node_modules", name)
}
