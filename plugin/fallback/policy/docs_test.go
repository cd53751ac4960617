package policy_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

const docs = "../../../docs/policy.md"

// docs/policy.md says what the code says. Run the tests of this package with
// -update after a change.
func TestDocsAreUpToDate(t *testing.T) {
	tmpl, err := template.ParseFiles("testdata/policy.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := tmpl.Execute(&want, map[string]any{
		"Example":  string(read(t, "testdata/good/example.yaml")),
		"Names":    condition.Names(),
		"Sections": docSections("The file", "", policy.Schema()),
	}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(docs, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), string(read(t, docs))); diff != "" {
		t.Errorf("docs/policy.md (-want +got):\n%s", diff)
	}
}

type docSection struct {
	Title, Doc string
	Keys       []docKey
}

type docKey struct {
	Key, Allowed, Default, Doc string
	Required                   bool
}

// docSections returns the section that s describes, and those within it.
func docSections(title, path string, s *jsonschema.Schema) []docSection {
	section := docSection{Title: title, Doc: cell(s.Description)}
	var within []docSection
	for _, name := range s.PropertyOrder {
		property := s.Properties[name]
		doc, allowed, _ := strings.Cut(property.Description, " Allowed: ")
		key := docKey{Key: name, Doc: cell(doc), Allowed: cell(strings.TrimSuffix(allowed, ".")), Required: slices.Contains(s.Required, name)}
		if property.Default != nil {
			key.Default = "`" + strings.Trim(string(property.Default), `"`) + "`"
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		if inner, suffix := sectionIn(property); inner != nil {
			inner.Description = property.Description
			within = append(within, docSections("`"+at+suffix+"`", at+suffix, inner)...)
		}
		if key.Allowed == "" {
			key.Allowed = kindOf(property)
		}
		section.Keys = append(section.Keys, key)
	}
	return append([]docSection{section}, within...)
}

// sectionIn returns the schema of the section that a value is or has many of,
// and how paths write that; nil if it is none.
func sectionIn(s *jsonschema.Schema) (*jsonschema.Schema, string) {
	switch {
	case s.Properties != nil:
		return s, ""
	case s.Items != nil && s.Items.Properties != nil:
		return s.Items, "[]"
	case s.Type == "object" && s.AdditionalProperties.Properties != nil:
		return s.AdditionalProperties, ".NAME"
	}
	return nil, ""
}

// kindOf says what a section is, or how many of them there may be.
func kindOf(s *jsonschema.Schema) string {
	switch {
	case s.Properties != nil:
		return "a mapping, see below"
	case s.Items != nil && *s.MinItems == 0:
		return fmt.Sprintf("a list of at most %d mappings, see below", *s.MaxItems)
	case s.Items != nil:
		return fmt.Sprintf("a list of %d to %d mappings, see below", *s.MinItems, *s.MaxItems)
	}
	return fmt.Sprintf("a mapping from names to mappings, at most %d, see below", *s.MaxProperties)
}

// The bounds of lists and mappings are in the tables, also where they are of
// sections.
func TestDocsTellBounds(t *testing.T) {
	text := string(read(t, docs))
	for key, want := range map[string]string{
		"fallbacks": "a list of at most 32 mappings", "arms": "a list of 2 to 16 mappings", "rules": "a list of 1 to 256 mappings", "alerts": "a list of 1 to 64 mappings",
		"models": "a mapping from names to mappings, at most 1000", "tenants": "a mapping from names to mappings, at most 1000",
	} {
		if !regexp.MustCompile(`(?m)^\| ` + "`" + key + "`" + `( \(required\))? \| ` + want + `\b`).MatchString(text) {
			t.Errorf("docs/policy.md does not say of %s that it is %s", key, want)
		}
	}
}

// cell returns text for a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`).Replace(text)
}
