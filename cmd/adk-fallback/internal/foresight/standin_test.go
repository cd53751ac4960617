package foresight_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

var value = regexp.MustCompile(`^( +[a-z_]+: )([0-9]\S*)$`)

// The command checks a file without building it, so a file without errors must be one that can be built.
func TestFileWithoutErrorsCanBeBuilt(t *testing.T) {
	data, err := os.ReadFile("../../testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	built := 0
	for i, line := range lines {
		setting := value.FindStringSubmatch(line)
		if setting == nil {
			continue
		}
		for _, other := range []string{"0", "1", "1000000", "1ms", "24h", "0.1%", "100%"} {
			lines[i] = setting[1] + other
			file := strings.Join(lines, "\n")
			p, err := spec.Known{}.Parse([]byte(file))
			if err != nil {
				continue
			}
			live, err := foresight.Build(p, func(name string) model.LLM { return &foresight.StandIn{Model: name} })
			if err != nil {
				t.Errorf("line %d as %q has no errors, but cannot be built: %v", i+1, lines[i], err)
				continue
			}
			built++
			if err := live.Close(); err != nil {
				t.Error(err)
			}
		}
		lines[i] = line
	}
	if built < 60 {
		t.Errorf("%d variants without errors, want 60 or more", built)
	}
}
