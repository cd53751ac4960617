package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

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
		"empty":            {"", nil, "standard input is empty"},
		"blank":            {" \n", []string{"--http-status", "200"}, "standard input is empty"},
		"too large":        {strings.Repeat("a", maxInput+1), nil, "larger than 16 MiB"},
		"no such status":   {"x", []string{"--http-status", "42"}, "--http-status is 42"},
		"header in pieces": {"x", []string{"--header", "Retry-After 3"}, `--header is "Retry-After 3"`},
		"unknown flag":     {"x", []string{"--yaml"}, "unknown flag"},
		"arguments":        {"x", []string{"body.json"}, "unknown command"},
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
