package ci_test

import (
	"os"
	"testing"

	"google.golang.org/adk/v2/agent"
)

// TestCanary asks the real models one question through the policy. It checks that the
// providers still accept the keys, model names and settings, and that answers have the
// expected form. It costs less than a cent.
func TestCanary(t *testing.T) {
	if os.Getenv("GOOGLE_API_KEY") == "" {
		t.Skip("no real model is called; set GOOGLE_API_KEY")
	}
	got := ask(t, newAgent(t, newModel(t, nil)), "session", agent.StreamingModeSSE)
	if got.err != nil || got.text == "" || got.md.Triggered {
		t.Errorf("error %v, %d bytes by %s, fallback %t after %q; want an answer of %s", got.err, len(got.text), got.model, got.md.Triggered, got.md.Reason, primary)
	}
}
