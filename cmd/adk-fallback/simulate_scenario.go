package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

// scenarios are the built-in scenarios, by file name.
//
//go:embed scenarios/*.yaml
var scenarios embed.FS

// scenarioNames returns the names of the built-in scenarios, in order.
func scenarioNames() (names []string) {
	files, _ := fs.Glob(scenarios, "scenarios/*.yaml") // the pattern is well-formed
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(file, "scenarios/"), ".yaml"))
	}
	return names
}

// readScenario reads a built-in scenario, or else a file; the file "-" is in.
func readScenario(name string, in io.Reader) (*scenario.Scenario, error) {
	data, err := scenarios.ReadFile("scenarios/" + name + ".yaml")
	if err != nil {
		data, err = readFile(name, in)
	}
	if errors.Is(err, fs.ErrNotExist) {
		near := nearest.Of(name, scenarioNames())
		return nil, fmt.Errorf("--scenario %s is neither a file nor a built-in scenario; %s", name, didYouMean(near, "see --list"))
	}
	if err != nil {
		return nil, fmt.Errorf("--scenario: %w", err)
	}
	return scenario.Parse(data)
}

func listScenarios(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, name := range scenarioNames() {
		s, err := readScenario(name, nil)
		if err != nil {
			return fmt.Errorf("simulate: %w", err)
		}
		fmt.Fprintf(w, "%s\t%s\n", name, s.Title)
	}
	return w.Flush()
}
