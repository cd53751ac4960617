package strictyaml

import (
	"embed"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the format as a JSON Schema (draft 2020-12), with which editors complete
// and check a file. It has every key and the form of each value, but it does not check
// languages that are compiled, nor what the caller finds by comparing values. The caller
// may change it. sources has the Go files of the struct and its parts, whose comments
// describe the keys: a program that needs no schema does not contain them.
func (f *Format) Schema(title string, sources embed.FS) *jsonschema.Schema {
	s := describer(comments(sources)).schema(f.root)
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = title
	return s
}

// comments returns the comment of each field of the format's types, as one line, by
// Type.Field. The sources must be formatted by gofmt: package go/parser would add a
// megabyte to every binary.
func comments(sources embed.FS) map[string]string {
	all := make(map[string]string)
	files, _ := sources.ReadDir(".") // an embedded folder is always there
	for _, entry := range files {
		source, _ := sources.ReadFile(entry.Name())
		section, doc := "", ""
		for line := range strings.Lines(string(source)) {
			line = strings.TrimRight(line, "\n")
			comment, isComment := strings.CutPrefix(line, "\t// ")
			switch {
			case strings.HasPrefix(line, "type ") && strings.HasSuffix(line, " struct {"):
				section = strings.Fields(line)[1]
			case line == "}":
				section = ""
			case section != "" && isComment:
				doc += " " + comment
				continue
			case section != "" && strings.HasPrefix(line, "\t"):
				name, _, _ := strings.Cut(line[1:], " ")
				all[section+"."+name] = strings.TrimPrefix(doc, " ")
			}
			doc = ""
		}
	}
	return all
}

// describer makes schemas. It has the descriptions of fields by Type.Field.
type describer map[string]string

func (d describer) schema(s *shape) *jsonschema.Schema {
	switch {
	case s.scalar != nil:
		return s.scalar.Schema.CloneSchemas()
	case s.section != nil:
		return d.section(s.section)
	case s.keys != nil:
		return &jsonschema.Schema{
			Type: "object", AdditionalProperties: d.schema(s.elem), MaxProperties: jsonschema.Ptr(s.max),
			PropertyNames: s.keys.Schema.CloneSchemas(),
		}
	}
	return &jsonschema.Schema{Type: "array", Items: d.schema(s.elem), MinItems: jsonschema.Ptr(s.min), MaxItems: jsonschema.Ptr(s.max)}
}

func (d describer) section(s *section) *jsonschema.Schema {
	all := &jsonschema.Schema{
		Type: "object", Properties: make(map[string]*jsonschema.Schema), PropertyOrder: slices.Clone(s.keys),
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range s.fields {
		property := d.schema(f.shape)
		if f.nullable {
			property = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{property, {Type: "null"}}}
		}
		if short := f.shape.short(); short != nil {
			alone := d.schema(short.shape)
			alone.Description = short.alone()
			property = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{property, alone}}
		}
		property.Description = d[s.name+"."+f.name]
		if f.shape.section == nil && (f.shape.elem == nil || f.shape.elem.section == nil) {
			property.Description += " Allowed: " + f.shape.allowed() + orNull(f) + "."
		}
		if f.fallback != "" {
			property.Default = defaultJSON(f)
		}
		if f.required {
			all.Required = append(all.Required, f.key)
		}
		all.Properties[f.key] = property
	}
	return all
}

func orNull(f field) string {
	if f.nullable {
		return ", or null"
	}
	return ""
}

// defaultJSON returns the default of f in JSON.
func defaultJSON(f field) json.RawMessage {
	switch f.shape.scalar.Schema.Type {
	case "boolean", "integer", "number":
		return json.RawMessage(f.fallback)
	}
	quoted, _ := json.Marshal(f.fallback) // cannot fail for a string
	return quoted
}
