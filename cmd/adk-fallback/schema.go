package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// printSchema prints the format of policy files for editors.
func printSchema(out io.Writer) error {
	if err := printJSONSchema(out, spec.Schema()); err != nil {
		return fmt.Errorf("check: --schema: %w", err)
	}
	return nil
}

func printJSONSchema(out io.Writer, schema *jsonschema.Schema) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(schema)
}
