package strictyaml

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Reference returns the format in Markdown: a table of keys for each section, under a
// heading of level 3. title is the heading of the outermost section.
func (f *Format) Reference(title string, sources embed.FS) string {
	var b strings.Builder
	writeSection(&b, title, "", "", f.Schema("", sources))
	return b.String()
}

// writeSection writes the section that s describes, and the sections within it.
func writeSection(b *strings.Builder, title, path, doc string, s *jsonschema.Schema) {
	fmt.Fprintf(b, "\n### %s\n", title)
	if doc != "" {
		fmt.Fprintf(b, "\n%s\n", cell(doc))
	}
	b.WriteString("\n| key | allowed | default | meaning |\n|---|---|---|---|\n")
	var within []func()
	for _, name := range s.PropertyOrder {
		property := s.Properties[name]
		meaning, allowed, _ := strings.Cut(property.Description, " Allowed: ")
		allowed = cell(strings.TrimSuffix(allowed, "."))
		at := strings.TrimPrefix(path+"."+name, ".")
		if inner, suffix := sectionIn(property); inner != nil {
			within = append(within, func() { writeSection(b, "`"+at+suffix+"`", at+suffix, property.Description, inner) })
		}
		if allowed == "" {
			allowed = kindOf(property)
		}
		key, standard := "`"+name+"`", ""
		if slices.Contains(s.Required, name) {
			key += " (required)"
		}
		if property.Default != nil {
			standard = "`" + strings.Trim(string(property.Default), `"`) + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", key, allowed, standard, cell(meaning))
	}
	for _, write := range within {
		write()
	}
}

// sectionIn returns the schema of the section that a value is or contains, and the suffix
// for it in paths; nil if there is none.
func sectionIn(s *jsonschema.Schema) (*jsonschema.Schema, string) {
	switch {
	case s.Properties != nil:
		return s, ""
	case len(s.AnyOf) > 0 && s.AnyOf[0].Properties != nil: // or null
		return s.AnyOf[0], ""
	case s.Items != nil && s.Items.Properties != nil:
		return s.Items, "[]"
	case s.Type == "object" && s.AdditionalProperties.Properties != nil:
		return s.AdditionalProperties, ".NAME"
	}
	return nil, ""
}

// kindOf describes a value that is or contains sections.
func kindOf(s *jsonschema.Schema) string {
	switch {
	case s.Properties != nil:
		return "a mapping, see below"
	case len(s.AnyOf) > 0 && s.AnyOf[1].Type == "null":
		return "a mapping, see below, or null"
	case len(s.AnyOf) > 0:
		return "a mapping, see below, or " + s.AnyOf[1].Description
	case s.Items != nil && *s.MinItems == 0:
		return fmt.Sprintf("a list of at most %d mappings, see below", *s.MaxItems)
	case s.Items != nil:
		return fmt.Sprintf("a list of %d to %d mappings, see below", *s.MinItems, *s.MaxItems)
	}
	return fmt.Sprintf("a mapping from names to mappings, at most %d, see below", *s.MaxProperties)
}

// cell escapes text for a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`).Replace(text)
}
