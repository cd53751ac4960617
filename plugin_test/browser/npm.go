package browser

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Font is a font that a page can show, as it would with access to the internet.
type Font struct{ data string }

// NewFont reads a WOFF2 file of a package of npm. It skips the test if npm or its registry
// is missing.
func NewFont(t testing.TB, name, version, file string) Font {
	t.Helper()
	font, err := os.ReadFile(filepath.Join(npm(t, name, version), file))
	if err != nil {
		t.Fatal(err)
	}
	return Font{base64.StdEncoding.EncodeToString(font)}
}

// Use shows the page's text of a font family in this font.
func (f Font) Use(p *Page, family string) {
	p.t.Helper()
	p.Eval(fmt.Sprintf(`new FontFace(%s, "url(data:font/woff2;base64,%s)").load().then((font) => { document.fonts.add(font); })`, quote(family), f.data), nil)
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
