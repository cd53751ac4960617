package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// printSchema prints the format of policy files for editors.
func printSchema(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(spec.Schema()); err != nil {
		return fmt.Errorf("check: --schema: %w", err)
	}
	return nil
}
