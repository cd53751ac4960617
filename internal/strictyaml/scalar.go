package strictyaml

import (
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/duration"
)

// Scalar is a kind of single values: how a value is read, and which values are allowed.
type Scalar struct {
	// Read returns the value, whose type must convert to the field's type, and whether it
	// is allowed. Nil if Compile is set.
	Read func(Value) (any, bool)
	// Allowed describes the allowed values, for messages.
	Allowed string
	Schema  *jsonschema.Schema
	// Secret says that a value that is not allowed may be a key, so messages do not show it.
	Secret bool

	// Compile compiles a text of a language of its own. It returns the mistakes in order of
	// their offsets. It is called once for each distinct text. Optional.
	Compile func(source string) (any, []Mistake)
	// MaxSource is the longest text of one value, and MaxSources that of all values in a
	// file, in bytes. Equal texts count once. They apply to Compile.
	MaxSource, MaxSources int
	// What is the plural name of the values, for messages.
	What string

	choices []string // all allowed words of an enumeration; else nil
}

// Mistake is a mistake in a text that is compiled.
type Mistake struct {
	Offset  int // in the text, in bytes
	Message string
}

// Value is a scalar of a file.
type Value struct {
	Tag  string // of YAML's core schema: !!str, !!int, !!float, !!bool or !!null
	Text string
}

// Kinds are the scalars of a format, in addition to bool, int, float64 and time.Duration.
type Kinds struct {
	// Types makes the kind of a Go type from the tag of a field.
	Types map[reflect.Type]func(reflect.StructTag) *Scalar
	// Texts has the kinds of strings by the names that the tags kind and keys use. ""
	// is the kind of a string without a tag.
	Texts map[string]*Scalar
}

// scalarOf returns the kind of a field of type t, nil if there is none.
func (k *Kinds) scalarOf(t reflect.Type, tag reflect.StructTag) *Scalar {
	if of, ok := k.Types[t]; ok {
		return of(tag)
	}
	if t == reflect.TypeFor[time.Duration]() {
		return durations.Between(tag)
	}
	switch t.Kind() {
	case reflect.Bool:
		return boolScalar()
	case reflect.Int:
		return Integers.Between(tag)
	case reflect.Float64:
		return floats.Between(tag)
	case reflect.String:
		if choices := tag.Get("enum"); choices != "" {
			return enumScalar(strings.Split(choices, "|"))
		}
		return k.Texts[tag.Get("kind")]
	}
	return nil
}

func boolScalar() *Scalar {
	return &Scalar{
		Read: func(v Value) (any, bool) {
			return strings.ToLower(v.Text) == "true", v.Tag == "!!bool" && coreTag(v.Text) == "!!bool"
		},
		Allowed: "true or false",
		Schema:  &jsonschema.Schema{Type: "boolean"},
	}
}

func enumScalar(choices []string) *Scalar {
	s := &Scalar{Schema: &jsonschema.Schema{Type: "string"}, choices: choices}
	for _, choice := range choices {
		s.Schema.Enum = append(s.Schema.Enum, choice)
	}
	s.Allowed = OneOf(choices)
	s.Read = func(v Value) (any, bool) {
		for _, choice := range choices {
			if v.Tag == "!!str" && v.Text == choice {
				return choice, true
			}
		}
		return nil, false
	}
	return s
}

// OneOf joins words as in "a, b or c". There must be at least one.
func OneOf(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Pattern returns the kind of strings that match a regular expression.
func Pattern(form, allowed string) *Scalar {
	re := regexp.MustCompile(form)
	return &Scalar{
		Allowed: allowed,
		Schema:  &jsonschema.Schema{Type: "string", Pattern: form},
		Read:    func(v Value) (any, bool) { return v.Text, v.Tag == "!!str" && re.MatchString(v.Text) },
	}
}

// Text returns the kind of strings of 1 to most characters.
func Text(most int, allowed string) *Scalar {
	return &Scalar{
		Allowed: allowed,
		Schema:  &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1), MaxLength: jsonschema.Ptr(most)},
		Read: func(v Value) (any, bool) {
			return v.Text, v.Tag == "!!str" && v.Text != "" && utf8.RuneCountInString(v.Text) <= most && utf8.ValidString(v.Text)
		},
	}
}

// AtMost bounds the length of a string in characters, and returns s. In the pattern, a bound costs
// memory: package regexp keeps a copy of all ranges of a class such as \p{L} for each repetition.
func (s *Scalar) AtMost(most int) *Scalar {
	s.Schema.MaxLength = jsonschema.Ptr(most)
	return s.Only(func(text string) bool { return utf8.RuneCountInString(text) <= most })
}

// Only adds a condition that a JSON Schema cannot express, and returns s.
func (s *Scalar) Only(good func(text string) bool) *Scalar {
	read := s.Read
	s.Read = func(v Value) (any, bool) {
		value, ok := read(v)
		return value, ok && good(v.Text)
	}
	return s
}

// ParseValue parses text as the value of a key in a file. The result is false if it is not a scalar.
func ParseValue(text string) (Value, bool) {
	d := readDocument([]byte("k: "+text), "")
	if d.root == nil || len(d.root.Content) != 2 || d.root.Content[1].Kind != yaml.ScalarNode {
		return Value{}, false
	}
	return valueOf(d.root.Content[1]), true
}

func valueOf(n *yaml.Node) Value { return Value{Tag: n.Tag, Text: n.Value} }

var durations = Measure[time.Duration]{
	What: "a duration", Such: []string{"30s", "1h30m"}, Text: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`,
	Parse: time.ParseDuration, Format: duration.Text,
}
