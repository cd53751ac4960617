package strictyaml

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Format is the format of a file. It is immutable and safe for concurrent use.
type Format struct {
	kinds Kinds
	hints Hints
	root  *shape
	empty string
}

// New returns the format that a struct type describes. hints is optional advice on what people
// write by mistake. New panics if a field has a type or tag without a kind, and if a hint is about
// a place that the format does not have.
func New(t reflect.Type, kinds Kinds, hints Hints) *Format {
	f := &Format{kinds: kinds, hints: hints}
	f.root = f.shape(t, "", "")
	f.empty = "a mapping with " + f.root.section.allowed
	if required := f.root.section.required(); required != "" {
		f.empty = "a mapping with the key " + required + " at least"
	}
	f.checkHints()
	return f
}

// Scalars returns the scalars of the format by their Allowed.
func (f *Format) Scalars() map[string]*Scalar {
	all := make(map[string]*Scalar)
	f.each(func(s *shape) {
		if s.scalar != nil {
			all[s.scalar.Allowed] = s.scalar
		}
	})
	return all
}

// each calls visit for every shape of the format, outer ones first.
func (f *Format) each(visit func(*shape)) {
	var walk func(*shape)
	walk = func(s *shape) {
		visit(s)
		switch {
		case s.section != nil:
			for i := range s.section.fields {
				walk(s.section.fields[i].shape)
			}
		case s.elem != nil:
			walk(s.elem)
		}
	}
	walk(f.root)
}

// shape is the form of a value. Exactly one of scalar, section and elem is set. elem is the
// form of the elements of a list, or of a mapping with names as keys.
type shape struct {
	place    string // as in Hints
	scalar   *Scalar
	section  *section
	elem     *shape
	keys     *Scalar // of a mapping with names as keys; nil otherwise
	min, max int     // length of a list or mapping
}

// section is a mapping with fixed keys.
type section struct {
	name    string // of its Go type
	fields  []field
	keys    []string // of the fields
	allowed string   // the keys, for messages
	nulls   int      // index of the Go field that lists the null keys; -1 for none
}

// field is one key of a section.
type field struct {
	key      string
	name     string // of the Go field
	index    int    // of the Go field
	required bool
	nullable bool   // null is allowed, and listed in the section's nulls
	short    bool   // its value may stand in the place of the section
	fallback string // the default, "" for none
	shape    *shape
}

// maxKeys is the most keys that a mapping with names as keys may have.
const maxKeys = 1000

func (f *Format) shape(t reflect.Type, tag reflect.StructTag, place string) *shape {
	if s := f.kinds.scalarOf(t, tag); s != nil {
		return &shape{place: place, scalar: s}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return f.shape(t.Elem(), tag, place)
	case reflect.Struct:
		return &shape{place: place, section: f.section(t, place)}
	case reflect.Slice:
		least, most, _ := strings.Cut(tag.Get("items"), "..")
		return &shape{place: place, elem: f.shape(t.Elem(), tag, place+"[]"), min: mustParse(strconv.Atoi, least), max: mustParse(strconv.Atoi, most)}
	case reflect.Map:
		keys := f.kinds.Texts[tag.Get("keys")]
		if keys != nil {
			return &shape{place: place, elem: f.shape(t.Elem(), tag, place+".*"), keys: keys, max: maxKeys}
		}
	}
	panic(fmt.Sprintf("strictyaml: a field of type %v with tag %q has no shape", t, tag))
}

func (f *Format) section(t reflect.Type, place string) *section {
	s := &section{name: t.Name(), nulls: -1}
	for i := range t.NumField() {
		of := t.Field(i)
		key, option, _ := strings.Cut(of.Tag.Get("key"), ",")
		if of.Tag.Get("nulls") != "" {
			s.nulls = i
		}
		if key == "" {
			continue
		}
		s.fields = append(s.fields, field{
			key: key, name: of.Name, index: i, required: option == "required", nullable: option == "nullable", short: option == "short",
			fallback: of.Tag.Get("default"), shape: f.shape(of.Type, of.Tag, At(place, key)),
		})
		s.keys = append(s.keys, key)
	}
	s.allowed = strings.Join(s.keys, ", ")
	return s
}

// required returns the first key that a section must have, "" for none.
func (s *section) required() string {
	for _, f := range s.fields {
		if f.required {
			return f.key
		}
	}
	return ""
}

// alone describes the value of a short field in the place of its section.
func (f *field) alone() string { return "the value of its key " + f.key }

// short returns the field whose value may stand in the place of the section s, nil for none.
func (s *shape) short() *field {
	if s.section == nil {
		return nil
	}
	for i := range s.section.fields {
		if f := &s.section.fields[i]; f.short {
			return f
		}
	}
	return nil
}

// field returns the field with a key.
func (s *section) field(key string) (*field, bool) {
	for i := range s.fields {
		if s.fields[i].key == key {
			return &s.fields[i], true
		}
	}
	return nil, false
}

// allowed describes the allowed values, for messages.
func (s *shape) allowed() string {
	switch {
	case s.scalar != nil:
		return s.scalar.Allowed
	case s.short() != nil:
		return "a mapping with " + s.section.allowed + ", or " + s.short().alone()
	case s.section != nil:
		return "a mapping with " + s.section.allowed
	case s.keys != nil:
		return fmt.Sprintf("a mapping from names to %s, at most %d", s.elem.brief(), s.max)
	}
	size := fmt.Sprintf("at most %d", s.max)
	if s.min > 0 {
		size = fmt.Sprintf("%d to %d", s.min, s.max)
	}
	if s.elem.section != nil {
		return "a list of " + size + " mappings"
	}
	return "a list of " + size + ": " + s.elem.brief()
}

// instead says what to write instead of n, which does not have the shape s: its text as
// the required key of a mapping, or a mapping as an entry of a list. It returns "" if
// there is nothing to say.
func (s *shape) instead(n *yaml.Node) string {
	section, dash := s.section, ""
	if s.elem != nil && s.keys == nil {
		section, dash = s.elem.section, "- "
	}
	if section == nil || len(section.fields) == 0 {
		return ""
	}
	switch first := section.fields[0]; {
	case dash != "" && n.Kind == yaml.MappingNode:
		return "; write - before each mapping"
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && first.required && first.shape.scalar != nil:
		return "; write " + dash + first.key + ": " + Quoted(n.Value)
	}
	return ""
}

// brief is allowed for an element of a list or mapping.
func (s *shape) brief() string {
	if s.section != nil {
		return "mappings"
	}
	return s.allowed()
}
