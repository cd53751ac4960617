package picture_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The picture is drawn from the file alone.
func TestPictureNeedsNoModel(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.Lines(string(out)) {
		for _, forbidden := range []string{
			"google.golang.org/adk", "google.golang.org/genai", "openai-go", "anthropic-sdk-go",
			"plugin/fallback/provider", "plugin/fallback/router", "plugin/fallback/cascade", "plugin/fallback/cache", "plugin/fallback/middleware",
		} {
			if strings.Contains(dependency, forbidden) {
				t.Errorf("the picture imports %s", dependency)
			}
		}
	}
}
