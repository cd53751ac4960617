package condition_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// B91: conditions that are valid but probably mistakes cause warnings.
func TestDoubts(t *testing.T) {
	for source, want := range map[string]string{
		"latency > 3s || ttft >= 1s": "",
		"latency == 3s":              "latency is never exactly one duration",
		"error || 3s != ttft":        "ttft is never exactly one duration",
		"ttft == 0s":                 "",
		"ttft == (error ? 0s : 1s)":  "ttft is never exactly one duration",
		`finish_reason == (error ? "STOP" : "MAX_TOKEN")`:    `finish reason "MAX_TOKEN" is not known (did you mean MAX_TOKENS?)`,
		`finish_reason in [empty ? "SAFTEY" : "STOP"]`:       `finish reason "SAFTEY" is not known (did you mean SAFETY?)`,
		`finish_reason in ["STOP", "MAX_TOKEN"]`:             `finish reason "MAX_TOKEN" is not known (did you mean MAX_TOKENS?)`,
		`finish_reason == "" || finish_reason == "SAFETY"`:   "",
		`error_kind in ["rate_limit", "network", "refused"]`: "",
	} {
		c, err := condition.Compile(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got := strings.Join(c.Doubts(), "\n")
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: doubts %s", source, cmp.Diff(want, got))
		}
	}
}

// The known finish reasons are the constants of package genai.
func TestFinishReasonsAreThoseOfGenai(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "google.golang.org/genai").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(out)), "types.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		if constant, ok := n.(*ast.ValueSpec); ok && len(constant.Values) == 1 {
			if typ, ok := constant.Type.(*ast.Ident); ok && typ.Name == "FinishReason" {
				value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, value)
			}
		}
		return true
	})
	want = slices.DeleteFunc(want, func(reason string) bool { return reason == "FINISH_REASON_UNSPECIFIED" })
	c, err := condition.Compile(`finish_reason == "nothing like them"`)
	if err != nil || len(c.Doubts()) != 1 {
		t.Fatalf("error %v, doubts %v; want one", err, c.Doubts())
	}
	_, list, _ := strings.Cut(c.Doubts()[0], "the reasons are ")
	got := strings.Split(list, ", ")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 10 {
		t.Errorf("(-genai +here)\n%s", diff)
	}
}
