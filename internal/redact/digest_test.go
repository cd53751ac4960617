package redact_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// B141: printf %s acme | sha256sum | cut -c 1-12
func TestDigest(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "acme": "822b33ad87c1", "free": "ad95d5fa651b",
		"ACME": "822b33ad87c1", " Acme ": "822b33ad87c1", "\u200b": "",
	} {
		if got := redact.DigestOf(name).String(); got != want {
			t.Errorf("the digest of %q is %q, want %q", name, got, want)
		}
	}
}
