package policy

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// shape is what a value of the file looks like, read from the type and the tags
// of the field that it goes to. Exactly one of scalar, section and elem is set;
// elem is that of a list, or of a mapping from names that keys allows.
//
// The tags of a field:
//
//	key       its key; ",required" if a section must have it
//	min, max  the bounds of a value that has an order, written like the value
//	enum      the words allowed, separated by |
//	kind      what text is: see textScalar; without it, a name
//	items     the length of a list, such as 1..16
//	keys      what the keys of a mapping are: a kind; without it, names
//	default   the value that a section without it gets, written like the value
type shape struct {
	scalar   *scalar
	section  *section
	elem     *shape
	keys     *scalar
	min, max int // the length of a list or mapping
}

// section is a mapping with fixed keys.
type section struct {
	name    string // of its Go type
	fields  []field
	keys    []string // of the fields
	allowed string   // the keys, for messages
}

// field is one key of a section.
type field struct {
	key      string
	name     string // of the Go field
	index    int    // of the Go field
	required bool
	fallback string // the default, "" for none
	shape    *shape
}

// maxKeys bounds the mappings from names.
const maxKeys = 1000

// policyShape is the shape of a whole file.
var policyShape = sync.OnceValue(func() *shape { return mustShape(reflect.TypeFor[Policy](), "") })

// mustShape panics for a field that has no shape, which no field of Policy is.
func mustShape(t reflect.Type, tag reflect.StructTag) *shape {
	if s := scalarOf(t, tag); s != nil {
		return &shape{scalar: s}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return mustShape(t.Elem(), tag)
	case reflect.Struct:
		return &shape{section: mustSection(t)}
	case reflect.Slice:
		least, most, _ := strings.Cut(tag.Get("items"), "..")
		return &shape{elem: mustShape(t.Elem(), tag), min: mustParse(strconv.Atoi, least), max: mustParse(strconv.Atoi, most)}
	case reflect.Map:
		keys := textScalar(tag.Get("keys"))
		if keys != nil {
			return &shape{elem: mustShape(t.Elem(), tag), keys: keys, max: maxKeys}
		}
	}
	panic(fmt.Sprintf("policy: a field of type %v with tag %q has no shape", t, tag))
}

func mustSection(t reflect.Type) *section {
	s := &section{name: t.Name()}
	for i := range t.NumField() {
		f := t.Field(i)
		key, option, _ := strings.Cut(f.Tag.Get("key"), ",")
		if key == "" {
			continue
		}
		s.fields = append(s.fields, field{
			key: key, name: f.Name, index: i, required: option == "required",
			fallback: f.Tag.Get("default"), shape: mustShape(f.Type, f.Tag),
		})
		s.keys = append(s.keys, key)
	}
	s.allowed = strings.Join(s.keys, ", ")
	return s
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

// allowed says what a value of this shape may be.
func (s *shape) allowed() string {
	switch {
	case s.scalar != nil:
		return s.scalar.allowed
	case s.section != nil:
		return "a mapping with " + s.section.allowed
	case s.keys != nil:
		return fmt.Sprintf("a mapping from names to %s, at most %d", s.elem.brief(), s.max)
	case s.min == 0:
		return fmt.Sprintf("a list of at most %d: %s", s.max, s.elem.brief())
	}
	return fmt.Sprintf("a list of %d to %d: %s", s.min, s.max, s.elem.brief())
}

// brief is allowed for something inside of something else.
func (s *shape) brief() string {
	if s.section != nil {
		return "mappings"
	}
	return s.allowed()
}
