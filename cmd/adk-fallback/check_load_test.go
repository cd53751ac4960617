package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// warnings is a handler that keeps what is logged.
type warnings struct {
	slog.Handler
	lines []string
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	w.lines = append(w.lines, strings.TrimPrefix(r.Message, "policy: "))
	return nil
}

var function = regexp.MustCompile(`\bfunction: *'?([^'}#\n]*[^'}#\n ])`)

// application returns the options of an application with all that a file may need: models of the given names, the function
// that the file names, passages, a queue, a judge, an approval, Anthropic's models and keys.
func application(t *testing.T, text string, names []string) []policy.Option {
	t.Helper()
	models, validators := policy.Models{}, policy.Validators{}
	for _, name := range names {
		models[name] = &foresight.StandIn{Model: name}
	}
	if found := function.FindStringSubmatch(text); found != nil {
		validators[found[1]] = func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return nil }
	}
	account := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(account, []byte(`{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", account)
	return []policy.Option{
		models, validators,
		policy.WithEnv(func(name string) (string, bool) {
			if strings.HasSuffix(name, "_BASE_URL") || strings.HasPrefix(name, "GOOGLE_GENAI_USE_") {
				return "", false
			}
			return "set", true
		}),
		policy.WithRetrieval(degrade.RetrievalConfig{Search: func(context.Context, string) ([]degrade.Passage, error) { return nil, nil }}),
		standin.Deferred{},
		policy.WithJudge(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) { return 1, nil }),
		policy.WithApproval(func(context.Context, *genai.FunctionCall, string) bool { return true }),
		policy.WithState(func(string) (state.Store, error) { return state.NewMemory(), nil }),
		provider.Factory{Name: "anthropic", KeyEnv: "ANTHROPIC_API_KEY", New: func(s provider.Settings) (model.LLM, error) {
			return &foresight.StandIn{Model: s.Model}, nil
		}},
	}
}

// loaded returns what policy.Load reports of a file, warnings included.
func loaded(t *testing.T, file string, opts []policy.Option) []string {
	t.Helper()
	log := &warnings{Handler: slog.DiscardHandler}
	_, err := policy.Load(t.Context(), file, append(opts, policy.WithLogger(slog.New(log)))...)
	if err == nil {
		return log.lines
	}
	bad, ok := errors.AsType[*spec.Error](err)
	if !ok {
		return []string{err.Error()}
	}
	return texts(bad.Problems)
}

func texts(problems []spec.Problem) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return lines
}

// checked returns what check reports of a file, if the application supplies models of the given names.
func checked(t *testing.T, file string, names []string) (found findings, lines []string) {
	t.Helper()
	out, err := run(t, "", "check", "--json", "--model", strings.Join(names, ","), file)
	if jsonErr := json.Unmarshal([]byte(out), &found); jsonErr != nil {
		t.Fatalf("error %v, output %q: %v", err, out, jsonErr)
	}
	var problems []spec.Problem
	for _, p := range found.Problems {
		problems = append(problems, spec.Problem{Line: p.Line, Column: p.Column, Path: p.Path, Severity: p.Severity, Message: p.Message})
	}
	return found, texts(problems)
}

var unknownModel = regexp.MustCompile(`: "([^"]+)" is not a known model`)

// compare compares what check and Load report of a file, and whether it is good.
func compare(t *testing.T, file string) (good bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"of-no-file"}
	found, lines := checked(t, file, names)
	for _, line := range lines {
		if unknown := unknownModel.FindStringSubmatch(line); unknown != nil {
			names = append(names, unknown[1])
		}
	}
	if len(names) > 1 { // the file may have other mistakes; those of its names hide what a build finds
		found, lines = checked(t, file, names)
	}
	if diff := cmp.Diff(loaded(t, file, application(t, string(text), names)), lines); diff != "" {
		t.Errorf("(-Load +check)\n%s\n%.3000s", diff, text)
	}
	return found.OK
}

// What check reports of a file is what policy.Load reports, in an application with all that the file needs. B91
func TestCheckReportsWhatLoadDoes(t *testing.T) {
	var files []string
	for _, pattern := range []string{goodFiles + "*.yaml", badFiles + "*.yaml", "testdata/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, text := range []string{
		"", "\x00\xff\xfe", "\ufeffprimary: gpt-4o\r\n", "primary: gpt-4o\n---\nprimary: gpt-5\n", "\tprimary: gpt-4o", "primary: gpt-4o\n# M\xfcller",
		"primary: gpt-4o\n#" + strings.Repeat("x", spec.MaxFile), "primary: gpt-4o\n#" + strings.Repeat("x", 2<<20), "primary: gpt-4o\n#" + strings.Repeat("x", spec.MaxFile-17),
		"primary: " + strings.Repeat("[", 60000), "primary: *a", "a: &a [*a]",
		"primary: gpt-4o\nerrors: {codes: [notacode, offline_error, overloaded_error]}",
		"primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o, condition: cost > 1.0}, {name: claude-sonnet-4-5}, {name: house}, {name: retrieval-answer}]\nbudgets: {usd_per_day: 1}\nvalidate: {function: mine}",
	} {
		files = append(files, write(t, text))
	}
	good := 0
	for _, file := range files {
		if compare(t, file) {
			good++
		}
	}
	if len(files) < 80 || good < 7 {
		t.Errorf("%d files, %d of them good; want more", len(files), good)
	}
}

// The same of files in which one value or key is another one. B91
func TestCheckReportsWhatLoadDoesOfMutations(t *testing.T) {
	values := []string{
		"null", "0", "1", "-1", "0.5", "99999999999999", "1ms", "24h", "100%", "$5", "64MiB", "true", "[]", "{}", "[a]", "''", "gpt-4o", "gemini-2.5-flash", "house", "template-response",
		"(", "a b", "'*'", "UTC", "vertexai", "gemini", "openai_chat", "anthropic", "europe-west4", "https://eu.api.openai.com/v1", "https://x.openai.azure.com/openai/v1", "'http://[::1'", "OVERLOADED", "overloadedd", "RESOURCE_EXHAUSTED",
		"'{{.}}'", "notacode", "'[a-'", "app:x", "labels.y", "drop", "user", "turn",
	}
	file, tried, good := filepath.Join(t.TempDir(), "fallback.yaml"), 0, 0
	doc := policies(t)["without later sections"]
	step := 3 * 12 / race.Runs(12)
	for i, n := range scalars(doc) {
		if i%step > 0 { // a build takes its time
			continue
		}
		was := *n
		var value yaml.Node
		if err := yaml.Load([]byte(values[i%len(values)]+"\n"), &value); err != nil { // in turn, so that each value gets to many places
			t.Fatal(err)
		}
		*n = *value.Content[0]
		changed, err := yaml.Dump(doc)
		*n = was
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		tried++
		if compare(t, file) {
			good++
		}
	}
	if tried < race.Runs(80) || good < race.Runs(5) {
		t.Errorf("%d files, %d of them good; want more", tried, good)
	}
}
