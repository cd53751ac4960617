package stream_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/stream"
)

func TestRefusedErrorWithoutModel(t *testing.T) {
	err := &stream.RefusedError{By: "guard", Reason: "not here"}
	if got, want := err.Error(), "middleware: guard refused the model: not here"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
