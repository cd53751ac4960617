package policy_test

import (
	"bytes"
	"os"
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

// kindOf says what a section is, or several of them.
func kindOf(s *jsonschema.Schema) string {
	switch {
	case s.Properties != nil:
		return "a mapping, see below"
	case s.Items != nil:
		return "a list of mappings, see below"
	}
	return "a mapping from names to mappings, see below"
}

// cell returns text for a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`).Replace(text)
}
