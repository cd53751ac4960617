package plugin_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// buildQuickstart builds samples/quickstart and returns the program's path.
func buildQuickstart(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "quickstart.exe") // a name that Windows runs too
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../samples/quickstart")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// withoutSettings is the environment of a machine on which nothing is
// configured: what the sample, the Gemini client or OpenTelemetry would read.
func withoutSettings() []string {
	var env []string
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "GOOGLE_") && !strings.HasPrefix(setting, "GEMINI_") && !strings.HasPrefix(setting, "OTEL_") {
			env = append(env, setting)
		}
	}
	return env
}

// B04, B13, in a process of its own with nothing configured.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	program := buildQuickstart(t)
	for _, c := range []struct {
		name  string
		args  []string
		input string
		want  []string // in this order
	}{
		{
			name: "plays three turns",
			want: []string{
				"Turn 1", "It is sunny and 24 °C in Berlin.", "custom_metadata: null",
				"Turn 2", "It is cloudy and 21 °C in Paris.", "gemini-2.5-flash  failed", "gemini-2.5-pro    ok", `"fallback_triggered": true`,
				"Turn 3", "It is snowing and -3 °C in Oslo.", "gemini-2.5-flash  ok", "custom_metadata: null",
			},
		},
		{
			name:  "chats in the console",
			args:  []string{"console"},
			input: "The quota is gone. How is the weather in Oslo?\nHow is the weather in Paris?\n",
			want:  []string{"It is snowing and -3 °C in Oslo.", "It is cloudy and 21 °C in Paris."},
		},
		{
			name:  "streams in the console",
			args:  []string{"console", "-streaming_mode", "sse"},
			input: "The quota is gone. How is the weather in Oslo?\nHow is the weather in Paris?\n",
			want:  []string{"It is snowing and -3 °C in Oslo.", "It is cloudy and 21 °C in Paris."},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			run := exec.CommandContext(ctx, program, c.args...)
			run.Env, run.Stdin = withoutSettings(), strings.NewReader(c.input)
			out, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			rest := string(out)
			for _, want := range c.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("%q is missing, or out of order, in:\n%s", want, out)
				}
				rest = after
			}
		})
	}
}
