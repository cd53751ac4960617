package plugin_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// workflowStep has the fields of a step of a GitHub workflow that this test reads.
type workflowStep struct {
	Name string            `yaml:"name"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	If   string            `yaml:"if"`
	Run  string            `yaml:"run"`
	Env  map[string]string `yaml:"env"`
}

// The workflow of samples/ci works in a repository of its own, as its README says: each of its
// commands passes there, and the one that needs a secret is skipped.
func TestWorkflowOfTheSampleWorks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("the commands of a workflow need bash, which is not installed")
	}
	dir := applicationOf(t, "../samples/ci")
	data, err := os.ReadFile(filepath.Join(dir, ".github/workflows/fallback.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []workflowStep    `yaml:"steps"`
			Env   map[string]string `yaml:"env"`
		} `yaml:"jobs"`
	}
	if err := yaml.Unmarshal(data, &workflow); err != nil {
		t.Fatal(err)
	}
	var ran, skipped []string
	var bounds string
	for _, s := range workflow.Jobs["gate"].Steps {
		switch {
		case s.Uses != "":
			if !regexp.MustCompile(`^actions/(checkout|setup-go)@v\d+$`).MatchString(s.Uses) {
				t.Errorf("uses %q, which this test does not know", s.Uses)
			}
			continue
		case s.If != "":
			if s.If != "env.GOOGLE_API_KEY != ''" {
				t.Errorf("%s: if %q, which this test does not know", s.Name, s.If)
			}
			skipped = append(skipped, s.Name)
		}
		ran = append(ran, s.Name)
		out, err := runStep(t, dir, s)
		if err != nil {
			t.Errorf("%s: %v\n%s", s.Name, err, out)
		}
		if strings.Contains(out, "no tests to run") || strings.Contains(out, "no test files") {
			t.Errorf("%s runs nothing:\n%s", s.Name, out)
		}
		if lines := regexp.MustCompile(`(?m)^(met|missed): .*\n`).FindAllString(out, -1); lines != nil {
			bounds = strings.Join(lines, "")
		}
	}
	if len(ran) < 5 || !slices.Equal(skipped, []string{"contract with the real model"}) {
		t.Errorf("ran %q, of which %q need a secret", ran, skipped)
	}
	if diff := cmp.Diff(blocks(t, "../samples/ci/README.md", "text"), []string{bounds}); diff != "" {
		t.Errorf("samples/ci/README.md shows other bounds (-README +printed):\n%s", diff)
	}
}

// runStep runs a step as GitHub does on Linux, without any secret.
func runStep(t *testing.T, dir string, s workflowStep) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", s.Run)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOGLE_API_KEY=", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	for name, value := range s.Env {
		cmd.Env = append(cmd.Env, name+"="+strings.ReplaceAll(value, "${{ github.run_number }}", "7"))
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// applicationOf copies a folder into a module of its own, which requires this one as it is
// here, with the command as a tool. It returns the module's folder.
func applicationOf(t *testing.T, folder string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/adk-fallback/adk-fallback"
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module "+module, "module example.com/desk", 1) +
		"\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n\ntool " + module + "/cmd/adk-fallback\n"
	sum, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"go.mod": text, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
