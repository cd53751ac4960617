package spec_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

var update = flag.Bool("update", false, "write testdata/bad/*.txt and docs/policy.md anew")

// B90
func TestFileOfTheFieldParses(t *testing.T) {
	p := parseFile(t, "testdata/good/example.yaml")

	got := map[string]any{"primary": p.Primary, "timeouts": *p.Timeouts, "circuit_breaker": *p.CircuitBreaker}
	for _, e := range p.Fallbacks {
		got[e.Name] = e.Condition.String()
	}
	want := map[string]any{
		"primary":           "gemini-v2",
		"gpt-4o":            "error || latency > 3000ms || cost > 0.05",
		"small-local-llm":   "error || latency > 1500ms",
		"cached-answer":     "cache_hit",
		"template-response": "true",
		"timeouts":          spec.Timeouts{Primary: 4 * time.Second, Fallback: 2 * time.Second},
		"circuit_breaker":   spec.CircuitBreaker{FailureThreshold: 5, MinRequests: 10, Window: time.Minute, Backoff: 30 * time.Second, SuccessesToClose: 1, ProbeTimeout: 30 * time.Second},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestGoodFilesHaveNoErrors(t *testing.T) {
	for _, path := range files(t, "testdata/good") {
		t.Run(filepath.Base(path), func(t *testing.T) { parseFile(t, path) })
	}
}

// B91
func TestBadFilesAreReportedWhole(t *testing.T) {
	paths := files(t, "testdata/bad")
	if len(paths) < 60 {
		t.Errorf("%d bad files; want 60 or more", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			data := read(t, path)
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			got := problemsIn(t, data)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// B91
func TestMessagesRepeatNoSecrets(t *testing.T) {
	for _, path := range files(t, "testdata/bad") {
		for _, secret := range []string{"AIzaSy", "sk-proj", "secret@", "key=secret"} {
			if got := problemsIn(t, read(t, path)); strings.Contains(got, secret) {
				t.Errorf("%s: the problems repeat %q:\n%s", path, secret, got)
			}
		}
	}
}

func TestByteOrderMarkIsAWarning(t *testing.T) {
	p, err := spec.Parse([]byte("\ufeffprimary: gemini-2.5-flash\n"))
	if err != nil {
		t.Fatal(err)
	}
	problems := spec.Check(p, spec.Known{})
	if len(problems) != 1 || problems[0].Severity != spec.SeverityWarning {
		t.Errorf("problems %v; want one warning", problems)
	}
}

func TestMergeKeysTakeWhatIsNotGiven(t *testing.T) {
	p := parseFile(t, "testdata/good/anchors.yaml")

	tiny := p.Models["local-tiny"]
	want := spec.Model{
		Provider: "openai", BaseURL: "http://127.0.0.1:11434/v1", ContextWindow: 131072,
		CredentialEnv: "OLLAMA_API_KEY", // the first of the merged mappings that has it
		Capabilities:  []string{},       // its own
	}
	if diff := cmp.Diff(want, tiny); diff != "" {
		t.Errorf("model (-want +got):\n%s", diff)
	}
	if a, b := p.Fallbacks[0].Condition.String(), p.Fallbacks[1].Condition.String(); a != b {
		t.Errorf("an alias is %q; want %q", b, a)
	}
}

func TestSectionsGetTheirDefaults(t *testing.T) {
	p := parse(t, `
primary: gemini-2.5-flash
fallbacks: [{name: gpt-4o}]
circuit_breaker: {}
cache: {}
flags: {f: {targets: [gpt-4o]}}
budgets: {usd_per_day: 5, soft_limit: {primary_share: 0}}
alerts: {}
`)
	got := map[string]any{
		"version": p.Version, "condition": p.Fallbacks[0].Condition.String(), "breaker": *p.CircuitBreaker,
		"cache": *p.Cache, "flag": p.Flags["f"], "soft limit": *p.Budgets.SoftLimit, "alerts": *p.Alerts, "retry": p.Retry == nil,
	}
	want := map[string]any{
		"version": 1, "condition": "error", "retry": true,
		"breaker":    spec.CircuitBreaker{FailureThreshold: 5, MinRequests: 10, Window: time.Minute, Backoff: 30 * time.Second, SuccessesToClose: 1, ProbeTimeout: 30 * time.Second},
		"cache":      spec.Cache{TTL: 10 * time.Minute, MaxBytes: 64 << 20, Scope: "tenant"},
		"flag":       spec.Flag{Targets: []string{"gpt-4o"}, Default: true, Rollout: 1, StickyBy: "user"},
		"soft limit": spec.SoftLimit{At: 0.8, PrimaryShare: 0},
		"alerts": spec.Alerts{
			FallbackRate: 0.1, PrimaryErrors: 0.05, DegradedAnswers: 0.01, BudgetSpent: 0.8, BudgetBurn: 4, JobsWaiting: 100, JobsOldest: 15 * time.Minute,
			Window: 5 * time.Minute, For: time.Minute, MinCalls: 20, PageSeverity: "page", TicketSeverity: "ticket",
			RunbookURL: "https://github.com/adk-fallback/adk-fallback/blob/main/samples/observability/runbooks",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// B91
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/good", "testdata/bad"} {
		for _, path := range files(f, dir) {
			if data := read(f, path); len(data) < 8<<10 {
				f.Add(data)
			}
		}
	}
	for _, text := range hostileFiles() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := spec.Parse(data)
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v and error %v; want one of them", p, err)
		}
		if err == nil {
			spec.Check(p, spec.Known{Model: func(string) bool { return false }, Price: func(string) bool { return false }})
			return
		}
		var e *spec.Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || len(e.Problems) > 101 {
			t.Fatalf("error %v; want 1 to 101 problems", err)
		}
		for _, problem := range e.Problems {
			if problem.Line < 1 || problem.Column < 1 || problem.Message == "" {
				t.Errorf("incomplete problem %+v", problem)
			}
		}
	})
}

// Loading a policy of 200 lines may take 20 ms.
func BenchmarkParseAndCheck(b *testing.B) {
	data := read(b, "testdata/good/full.yaml")
	known := spec.Known{Model: func(string) bool { return true }, Price: func(string) bool { return true }}
	b.ReportAllocs()
	for b.Loop() {
		p, err := spec.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		spec.Check(p, known)
	}
}

func parse(t *testing.T, text string) *spec.Policy {
	t.Helper()
	p, err := spec.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parseFile(t *testing.T, path string) *spec.Policy {
	t.Helper()
	return parse(t, string(read(t, path)))
}

// problemsIn returns the problems of a bad file, one per line.
func problemsIn(t *testing.T, data []byte) string {
	t.Helper()
	_, err := spec.Parse(data)
	e, ok := errors.AsType[*spec.Error](err)
	if !ok {
		t.Fatalf("error %v; want a *spec.Error", err)
	}
	var b strings.Builder
	for _, problem := range e.Problems {
		b.WriteString(problem.String() + "\n")
	}
	return b.String()
}

func files(tb testing.TB, dir string) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no files in %s: %v", dir, err)
	}
	return paths
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
