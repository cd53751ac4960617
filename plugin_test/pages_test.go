package plugin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pages are the documents for users.
var pages = []string{
	"../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../docs/cookbook.md", "../docs/troubleshooting.md", "../docs/policy.md", "../docs/errors.md", "../docs/simulate.md", "../docs/providers.md", "../docs/observability.md", "../docs/state.md", "../docs/gateway.md", "../docs/gateway-operation.md", "../docs/architecture.md", "../docs/behaviours.md", "../CHANGELOG.md", "../docs/benchmarks.md", "../plugin_test/peers/README.md",
	"../samples/quickstart/README.md", "../samples/resilient/README.md", "../samples/vendors/README.md", "../samples/policy/README.md", "../samples/cascade/README.md", "../samples/tiers/README.md", "../samples/replicas/README.md", "../samples/gateway/README.md", "../samples/headlines/README.md", "../samples/ci/README.md",
	"../samples/observability/README.md", "../samples/observability/runbooks/README.md", "../samples/observability/runbooks/fallback-rate.md",
	"../samples/observability/runbooks/primary-errors.md", "../samples/observability/runbooks/all-open.md", "../samples/observability/runbooks/degraded-answers.md",
	"../samples/observability/runbooks/budget-spent.md", "../samples/observability/runbooks/budget-burn.md", "../samples/observability/runbooks/jobs-waiting.md",
}

var codeBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// blocks returns the code blocks of a page in the given language.
func blocks(t *testing.T, page, language string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] == language {
			all = append(all, block[2])
		}
	}
	return all
}

// Each Go block of README and cookbook compiles.
func TestGoOfThePagesCompiles(t *testing.T) {
	t.Parallel()
	overlay := newOverlay(t)
	for _, page := range []string{"../README.md", "../docs/cookbook.md", "../docs/troubleshooting.md", "../docs/observability.md"} {
		all := blocks(t, page, "go")
		if page != "../docs/troubleshooting.md" && len(all) < 2 {
			t.Errorf("%s has %d Go blocks, want two or more", page, len(all))
		}
		for i, block := range all {
			source, err := snippetFile(block)
			if err != nil {
				t.Errorf("%s, Go block %d: %v\n%s", page, i+1, err, block)
				continue
			}
			dir := fmt.Sprintf("%s_%02d", strings.TrimSuffix(filepath.Base(page), ".md"), i+1)
			overlay.add(dir, "snippet.go", source)
		}
	}
	overlay.add("stage", "stage.go", stage)
	if out, err := overlay.command("build", "./plugin_test/pages/...").CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}

// The quick start of the README prints what the README says.
func TestQuickStartOfTheReadmePrintsWhatItSays(t *testing.T) {
	t.Parallel()
	programs, outputs := blocks(t, "../README.md", "go"), blocks(t, "../README.md", "text")
	if len(programs) == 0 || len(outputs) == 0 || !strings.HasPrefix(programs[0], "package main\n") {
		t.Fatal("README.md does not begin with a program and its output")
	}
	overlay := newOverlay(t)
	overlay.add("quickstart", "main.go", programs[0])
	cmd := overlay.command("run", "./plugin_test/pages/quickstart")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if diff := cmp.Diff(outputs[0], string(out)); diff != "" {
		t.Errorf("README.md shows another output (-README +printed):\n%s", diff)
	}
}

// Each policy file of the pages is accepted, and the first of the README without a warning.
func TestPolicyFilesOfThePagesAreAccepted(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "adk-fallback.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/adk-fallback").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	checked := 0
	for _, page := range []string{"../README.md", "../docs/cookbook.md", "../docs/troubleshooting.md", "../docs/policy.md", "../docs/observability.md", "../docs/state.md", "../docs/gateway.md", "../samples/observability/README.md", "../samples/observability/runbooks/README.md"} {
		for i, block := range blocks(t, page, "yaml") {
			if !strings.HasPrefix(block, "primary:") {
				block = "primary: gemini-2.5-flash\n" + block // sections alone
			}
			file := filepath.Join(t.TempDir(), "fallback.yaml")
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), program, "check", file).CombinedOutput()
			if err != nil {
				t.Errorf("%s, YAML block %d: %v\n%s", page, i+1, err, out)
			}
			if checked == 0 && strings.Contains(string(out), "warning:") {
				t.Errorf("the first policy file of %s has warnings:\n%s", page, out)
			}
			checked++
		}
	}
	if checked < 3 {
		t.Errorf("%d policy files, want three or more", checked)
	}
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	reference = regexp.MustCompile(`\]\[([^\]]+)\]`)
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// Links between the pages lead to files and headings that exist.
func TestLinksOfThePages(t *testing.T) {
	t.Parallel()
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		prose := codeBlock.ReplaceAllString(string(text), "")
		for _, found := range reference.FindAllStringSubmatch(prose, -1) {
			if !strings.Contains(prose, "\n["+found[1]+"]: http") {
				t.Errorf("%s: link to [%s], which has no address", page, found[1])
			}
		}
		for _, found := range link.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(found[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: %v", page, found[1], err)
			} else if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s: link to %s: no such heading", page, found[1])
			}
		}
	}
}

// anchors returns the names that GitHub gives to the headings of a page.
func anchors(t *testing.T, page string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range heading.FindAllStringSubmatch(string(text), -1) {
		all = append(all, regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(found[1]), ""))
		all[len(all)-1] = strings.ReplaceAll(all[len(all)-1], " ", "-")
	}
	return all
}

// The parts that the README's table of sizes measures compile.
func TestFootprintsCompile(t *testing.T) {
	t.Parallel()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "plugin,router,policy,gemini,openai,anthropic", "-o", os.DevNull, "./footprint")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}

// The README's table of sizes has about as many packages as its program. Sizes in bytes differ
// between machines.
func TestFootprintsOfTheReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, args := range map[string][]string{
		"| ADK alone":                        {"./footprint"},
		"| ADK and `plugin/fallback`":        {"-tags", "plugin", "./footprint"},
		"| ADK and `router`":                 {"-tags", "router", "./footprint"},
		"| ADK and `policy`":                 {"-tags", "policy", "./footprint"},
		"| ADK and `provider/gemini`":        {"-tags", "gemini", "./footprint"},
		"| ADK and `provider/openai`":        {"-tags", "openai", "./footprint"},
		"| ADK and `provider/anthropic`":     {"-tags", "anthropic", "./footprint"},
		"| the command `adk-fallback` alone": {"../cmd/adk-fallback"},
	} {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps"}, args...)...).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		cells := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(row) + `.*\| (\d+) \| [\d.]+ \|$`).FindSubmatch(text)
		if cells == nil {
			t.Errorf("%s: no row with a number of packages", row)
			continue
		}
		says, _ := strconv.Atoi(string(cells[1]))
		if n := strings.Count(string(out), "\n"); max(n, says)-min(n, says) > 10 { // platforms differ by some
			t.Errorf("%s: the README says %d packages; there are %d", row, says, n)
		}
	}
}

// overlay has files that exist for the go command only, in packages below
// plugin_test/pages.
type overlay struct {
	t     *testing.T
	root  string // of the module
	dir   string
	Files map[string]string `json:"Replace"`
}

func newOverlay(t *testing.T) *overlay {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return &overlay{t: t, root: root, dir: t.TempDir(), Files: make(map[string]string)}
}

// add adds a file to the package in a folder.
func (o *overlay) add(folder, name, source string) {
	o.t.Helper()
	file := filepath.Join(o.dir, folder+"_"+name)
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.Files[filepath.Join(o.root, "plugin_test", "pages", folder, name)] = file
}

func (o *overlay) command(verb string, args ...string) *exec.Cmd {
	o.t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		o.t.Fatal(err)
	}
	file := filepath.Join(o.dir, "overlay.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		o.t.Fatal(err)
	}
	cmd := exec.CommandContext(o.t.Context(), "go", append([]string{verb, "-overlay", file}, args...)...)
	cmd.Dir = o.root
	return cmd
}

// stage declares what the snippets of the pages take for granted.
const stage = `// Package stage has the names that the pages use without declaring them.
package stage

import (
	"context"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

var (
	Ctx                          context.Context
	Flash, Pro, Gpt, Local, M    model.LLM
	Req                          *model.LLMRequest
	ClientConfig                 *genai.ClientConfig
	Assistant                    agent.Agent
	R                            *runner.Runner
	Message                      *genai.Content
	UserID, SessionID, Key       string
	Err                          error
	Hooks                        call.Hooks
	Queue                        *jobs.Queue
)
`

// staged are the names of package stage as the pages write them.
var staged = map[string]string{
	"ctx": "Ctx", "flash": "Flash", "pro": "Pro", "gpt": "Gpt", "local": "Local", "m": "M", "req": "Req", "clientConfig": "ClientConfig", "assistant": "Assistant",
	"r": "R", "message": "Message", "userID": "UserID", "sessionID": "SessionID", "key": "Key", "err": "Err", "hooks": "Hooks", "queue": "Queue",
}

const (
	adk  = "google.golang.org/adk/v2/"
	ours = "github.com/adk-fallback/adk-fallback/plugin/fallback"
)

// imported are the packages that the pages use without an import.
var imported = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "log": "log", "slog": "log/slog", "http": "net/http", "os": "os", "strings": "strings", "testing": "testing", "time": "time",
	"synctest": "testing/synctest", "json": "encoding/json",
	"agent": adk + "agent", "llmagent": adk + "agent/llmagent", "model": adk + "model", "plugin": adk + "plugin", "runner": adk + "runner", "session": adk + "session",
	"agenttool": adk + "tool/agenttool", "genai": "google.golang.org/genai",
	"fallback": ours, "call": ours + "/call", "failure": ours + "/failure", "middleware": ours + "/middleware", "router": ours + "/router", "degrade": ours + "/degrade",
	"policy": ours + "/policy", "spec": ours + "/policy/spec", "guard": ours + "/guard", "fallbacktest": ours + "/fallbacktest", "observe": ours + "/observe", "debugpage": ours + "/debugpage", "provider": ours + "/provider",
	"openai": ours + "/provider/openai", "anthropic": ours + "/provider/anthropic", "gemini": ours + "/provider/gemini",
	"attribute": "go.opentelemetry.io/otel/attribute", "metric": "go.opentelemetry.io/otel/metric", "otel": "go.opentelemetry.io/otel",
}

// snippetFile makes a file of a block: a program as it is, else declarations, or the
// body of a function. "{ … }" stands for a body that is left out.
func snippetFile(block string) (string, error) {
	if strings.HasPrefix(block, "package ") {
		return block, nil
	}
	block = strings.ReplaceAll(block, "{ … }", `{ panic("elided") }`)
	var imports []string
	if rest, ok := strings.CutPrefix(block, "import ("); ok {
		list, after, _ := strings.Cut(rest, "\n)\n")
		imports, block = append(imports, list), after
	}
	for rest, ok := strings.CutPrefix(block, "import "); ok; rest, ok = strings.CutPrefix(block, "import ") {
		line, after, _ := strings.Cut(rest, "\n")
		imports, block = append(imports, line), after
	}
	fset := token.NewFileSet()
	source := "package snippet\n" + block
	file, err := parser.ParseFile(fset, "", source, 0)
	if err != nil {
		if file, source, err = wrapped(fset, block); err != nil {
			return "", err
		}
	}
	free := make(map[string]bool)
	for _, ident := range file.Unresolved {
		free[ident.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(free)) {
		known := slices.ContainsFunc(imports, func(list string) bool {
			return strings.Contains(list, "/"+name+`"`) || strings.Contains(list, `"`+name+`"`)
		})
		if path := imported[name]; path != "" && !known {
			imports = append(imports, fmt.Sprintf("%s %q", name, path))
		}
	}
	var declared strings.Builder
	for _, name := range slices.Sorted(maps.Keys(free)) {
		if exported := staged[name]; exported != "" && imported[name] == "" {
			fmt.Fprintf(&declared, "var %s = stage.%s\n", name, exported)
		}
	}
	if declared.Len() > 0 {
		imports = append(imports, `"github.com/adk-fallback/adk-fallback/plugin_test/pages/stage"`)
	}
	_, body, _ := strings.Cut(source, "\n")
	full := "package snippet\n\nimport (\n" + strings.Join(imports, "\n") + "\n)\n\n" + declared.String() + body
	formatted, err := format.Source([]byte(full))
	return string(formatted), err
}

// wrapped returns the statements of a block as the body of a function that uses each
// variable.
func wrapped(fset *token.FileSet, block string) (*ast.File, string, error) {
	frame := "package snippet\nfunc _() error {\n" + block + "\n%sreturn nil\n}\n"
	file, err := parser.ParseFile(fset, "", fmt.Sprintf(frame, ""), 0)
	if err != nil {
		return nil, "", err
	}
	var used strings.Builder
	for _, statement := range file.Decls[0].(*ast.FuncDecl).Body.List {
		if assign, ok := statement.(*ast.AssignStmt); ok && assign.Tok == token.DEFINE {
			for _, left := range assign.Lhs {
				if name := left.(*ast.Ident).Name; name != "_" {
					fmt.Fprintf(&used, "_ = %s\n", name)
				}
			}
		}
	}
	source := fmt.Sprintf(frame, used.String())
	file, err = parser.ParseFile(fset, "", source, 0)
	return file, source, err
}
