package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// run executes the command in this process.
func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

const minute = `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded for metric: requests_per_minute, limit: 2. Please retry in 26s."}}`

func TestExplainJSON(t *testing.T) {
	out, err := run(t, minute, "explain", "--json", "--http-status", "429")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	want := map[string]any{
		"action": "retry", "delay_seconds": 26.0, "cooldown_seconds": 0.0, "kind": "rate_limit", "scope": "model",
		"code": "RESOURCE_EXHAUSTED", "http_status": 429.0, "reason": "rate limit with a short delay",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExplainText(t *testing.T) {
	out, err := run(t, minute, "explain")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"action   retry", "because  rate limit with a short delay", "wait     26s", "status   429 Too Many Requests", "message  Quota exceeded"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestExplainReadsHeaders(t *testing.T) {
	out, err := run(t, "{}", "explain", "--json", "--http-status", "503", "--header", "Content-Type: text/plain", "--header", "retry-after: 17")
	if err != nil || !strings.Contains(out, `"delay_seconds":17,`) {
		t.Errorf("output %q, error %v; want a delay of 17 seconds", out, err)
	}
}

func TestExplainReadsTextOfErrors(t *testing.T) {
	out, err := run(t, `doRequest: error sending request: Post "https://HOST": context deadline exceeded`, "explain", "--json", "--http-status", "0")
	if err != nil || !strings.Contains(out, `"kind":"timeout"`) {
		t.Errorf("output %q, error %v; want a timeout", out, err)
	}
}

func TestEmptyBodyWithErrorStatusIsExplained(t *testing.T) {
	out, err := run(t, "", "explain", "--json", "--http-status", "404")
	if err != nil || !strings.Contains(out, `"action":"fail"`) {
		t.Errorf("output %q, error %v; want fail", out, err)
	}
}

func TestHostileBodyIsExplained(t *testing.T) {
	for name, body := range map[string]string{
		"10 MiB": strings.Repeat("a", 10<<20), "deep": strings.Repeat(`{"error":`, 10000), "invalid UTF-8": "\xff\xfe{\"error\"",
	} {
		if out, err := run(t, body, "explain", "--json", "--http-status", "500"); err != nil || !json.Valid([]byte(out)) {
			t.Errorf("%s: output %.100q, error %v; want a verdict", name, out, err)
		}
	}
}

func TestUnusableInputIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"empty":              {"", nil, "standard input is empty"},
		"blank":              {" \n", []string{"--http-status", "200"}, "standard input is empty"},
		"too large":          {strings.Repeat("a", maxInput+1), nil, "larger than 16 MiB"},
		"no such status":     {"x", []string{"--http-status", "42"}, "--http-status is 42; it must be from 100 to 599"},
		"no number":          {"x", []string{"--http-status", "many"}, `explain: --http-status is "many"; it must be a whole number`},
		"no value":           {"x", []string{"--http-status"}, "explain: --http-status needs a value; see adk-fallback explain --help"},
		"not true or false":  {"x", []string{"--json=perhaps"}, `explain: --json is "perhaps"; it must be true or false`},
		"header in pieces":   {"x", []string{"--header", "Retry-After 3"}, `--header is "Retry-After 3"`},
		"unknown flag":       {"x", []string{"--yaml"}, "explain: unknown flag --yaml; see adk-fallback explain --help"},
		"unknown short flag": {"x", []string{"-y"}, "explain: unknown flag -y; see"},
		"lines and a policy": {"{}\n{}\n", []string{"--policy", "p.yaml"}, "--policy takes one error"},
		"arguments":          {"x", []string{"body.json"}, `explain reads standard input and takes no arguments; remove "body.json"`},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tt.stdin, append([]string{"explain"}, tt.args...)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if out != "" {
				t.Errorf("printed %q besides the error", out)
			}
		})
	}
}

const weekly = `{"error":"you have reached your weekly usage limit, resets in 50 hours"}`

func TestExplainSaysUntilWhenACooldownLasts(t *testing.T) {
	before := time.Now()
	out, err := run(t, weekly, "explain", "--json", "--http-status", "429")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Until time.Time `json:"cooldown_until"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	if d := got.Until.Sub(before); d < 50*time.Hour-time.Second || d > 51*time.Hour {
		t.Errorf("cooldown_until is %v after now, want 50h", d)
	}
	text, err := run(t, weekly, "explain", "--http-status", "429")
	zone, _ := got.Until.Local().Zone()
	if want := "50h0m0s, until " + got.Until.Local().Format("Mon 2 Jan 2006 15:"); err != nil || !strings.Contains(text, want) || !strings.Contains(text, " "+zone+"\n") {
		t.Errorf("output %q, error %v; want %q and the zone %s", text, err, want, zone)
	}
}

func TestExplainJSONLines(t *testing.T) {
	input := minute + "\n\n" + weekly + "\n" + `"context deadline exceeded"` + "\n"
	out, err := run(t, input, "explain", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(out) {
		var v explanation
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		kinds = append(kinds, string(v.Kind))
	}
	if diff := cmp.Diff([]string{"rate_limit", "quota", "timeout"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got)\n%s", diff)
	}
	text, err := run(t, input, "explain")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if err != nil || len(lines) != 3 || !strings.HasPrefix(lines[0], "retry rate_limit; wait 26s; ") || !strings.HasPrefix(lines[1], "fallback quota; account cools down for 50h0m0s, until ") {
		t.Errorf("output %q, error %v; want three lines", text, err)
	}
}

func TestInputThatIsOneErrorIsNoJSONLines(t *testing.T) {
	for name, input := range map[string]string{
		"an object over lines": "{\n\"error\": {\"code\": 503}\n}", "one line": minute + "\n", "events": "event: error\ndata: {}\n\ndata: {}\n",
		"prose": "503 Service Unavailable\n{}\n", "numbers": "1\n2\n",
	} {
		if lines := jsonLines([]byte(input)); lines != nil {
			t.Errorf("%s: %d lines, want one error", name, len(lines))
		}
	}
}

func TestVersion(t *testing.T) {
	out, err := run(t, "", "--version")
	if err != nil || !strings.HasPrefix(out, "adk-fallback ") || strings.Count(out, "\n") != 1 {
		t.Errorf("output %q, error %v; want one line with the version", out, err)
	}
}
