package policy

import (
	"fmt"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/duration"
)

// scalar is a kind of single values: how one is read, and what is allowed, said
// to people and to a JSON Schema.
type scalar struct {
	// read returns the value of n, of the field's type or one that converts to
	// it, and whether n is allowed. Nil for conditions, which say themselves what
	// is wrong with them.
	read    func(n *yaml.Node) (any, bool)
	allowed string
	schema  *jsonschema.Schema
	secret  bool // what is not allowed may be a key, and is not shown
}

// scalarOf returns the kind of a field of type t, nil if there is none.
func scalarOf(t reflect.Type, tag reflect.StructTag) *scalar {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return durations.between(tag)
	case reflect.TypeFor[Share]():
		return shares.between(tag)
	case reflect.TypeFor[USD]():
		return dollars.between(tag)
	case reflect.TypeFor[Bytes]():
		return sizes.between(tag)
	case reflect.TypeFor[Code]():
		return codeScalar()
	case reflect.TypeFor[Condition]():
		return conditionScalar()
	}
	switch t.Kind() {
	case reflect.Bool:
		return boolScalar()
	case reflect.Int:
		return integers.between(tag)
	case reflect.Float64:
		return floats.between(tag)
	case reflect.String:
		if choices := tag.Get("enum"); choices != "" {
			return enumScalar(strings.Split(choices, "|"))
		}
		return textScalar(tag.Get("kind"))
	}
	return nil
}

// measure is a kind of values that have an order.
type measure[T int | float64 | time.Duration | Share | USD | Bytes] struct {
	what   string
	such   []string // examples
	number string   // the JSON Schema type of its numbers, "" if it has none
	text   string   // the form of its text, "" if it has none
	parse  func(string) (T, error)
	format func(T) string
}

var (
	integers = measure[int]{
		what: "a whole number", number: "integer", parse: strconv.Atoi, format: strconv.Itoa,
	}
	floats = measure[float64]{
		what: "a number", number: "number", parse: parseFloat, format: formatFloat,
	}
	durations = measure[time.Duration]{
		what: "a duration", such: []string{"30s", "1h30m"}, text: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`,
		parse: time.ParseDuration, format: duration.Text,
	}
	shares = measure[Share]{
		what: "a share", such: []string{"80%", "0.8"}, number: "number", text: `^[0-9]+(\.[0-9]+)?%$`,
		parse: parseShare, format: Share.String,
	}
	dollars = measure[USD]{
		what: "US dollars", such: []string{"0.05", "$0.05"}, number: "number", text: `^\$[0-9]+(\.[0-9]+)?$`,
		parse: parseUSD, format: USD.String,
	}
	sizes = measure[Bytes]{
		what: "a size", such: []string{"64MiB"}, number: "integer", text: `^[0-9]+(\.[0-9]+)?([kMGT]?B|[KMGT]iB)$`,
		parse: parseBytes, format: Bytes.String,
	}
)

// between returns the kind of m's values that the tags min and max, written like
// the values, allow.
func (m measure[T]) between(tag reflect.StructTag) *scalar {
	least, most := mustParse(m.parse, tag.Get("min")), mustParse(m.parse, tag.Get("max"))
	form := regexp.MustCompile(m.text)
	s := &scalar{schema: schemaOf(m.number, m.text, float64(least), float64(most))}
	s.read = func(n *yaml.Node) (any, bool) {
		switch {
		case m.number != "" && (n.Tag == "!!int" || n.Tag == "!!float"):
			f, ok := parseNumber(n.Value)
			whole := m.number != "integer" || f == math.Trunc(f)
			return T(f), ok && whole && f >= float64(least) && f <= float64(most)
		case m.text != "" && n.Tag == "!!str" && form.MatchString(n.Value):
			value, err := m.parse(n.Value)
			return value, err == nil && value >= least && value <= most
		}
		return nil, false
	}
	if least == most {
		s.allowed = m.format(least)
		return s
	}
	s.allowed = fmt.Sprintf("%s from %s to %s", m.what, m.format(least), m.format(most))
	such := slices.DeleteFunc(slices.Clone(m.such), func(text string) bool {
		value, err := m.parse(text)
		return err != nil || value < least || value > most
	})
	if len(such) > 0 {
		s.allowed += ", such as " + strings.Join(such, " or ")
	}
	return s
}

// schemaOf returns the JSON Schema of a measure's values. It is no method of measure: one for all types is enough in a binary.
func schemaOf(number, form string, least, most float64) *jsonschema.Schema {
	value := &jsonschema.Schema{Type: number, Minimum: jsonschema.Ptr(least), Maximum: jsonschema.Ptr(most)}
	text := &jsonschema.Schema{Type: "string", Pattern: form}
	switch {
	case form == "":
		return value
	case number == "":
		return text
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{value, text}}
}

// mustParse reads a bound in a tag of this package's own types.
func mustParse[T any](parse func(string) (T, error), text string) T {
	value, err := parse(text)
	if err != nil {
		panic(fmt.Sprintf("policy: bound %q in a tag: %v", text, err))
	}
	return value
}

func boolScalar() *scalar {
	return &scalar{
		read: func(n *yaml.Node) (any, bool) {
			return strings.ToLower(n.Value) == "true", n.Tag == "!!bool" && coreTag(n.Value) == "!!bool"
		},
		allowed: "true or false",
		schema:  &jsonschema.Schema{Type: "boolean"},
	}
}

func conditionScalar() *scalar {
	return &scalar{
		allowed: `a condition, such as "error || latency > 3s"`,
		schema:  &jsonschema.Schema{Types: []string{"string", "boolean"}, MinLength: jsonschema.Ptr(1), MaxLength: jsonschema.Ptr(condition.MaxSource)},
	}
}

func codeScalar() *scalar {
	status := integers.between(`min:"400" max:"599"`)
	word := pattern(`^([45][0-9][0-9]|[A-Za-z][A-Za-z0-9_.-]{0,63})$`, "")
	return &scalar{
		read: func(n *yaml.Node) (any, bool) {
			if value, ok := status.read(n); ok {
				return strconv.Itoa(value.(int)), true
			}
			return word.read(n)
		},
		allowed: "an HTTP status from 400 to 599 or a provider's code, such as 429 or overloaded_error",
		schema:  &jsonschema.Schema{AnyOf: []*jsonschema.Schema{status.schema, word.schema}},
	}
}

func enumScalar(choices []string) *scalar {
	s := &scalar{schema: &jsonschema.Schema{Type: "string"}}
	for _, choice := range choices {
		s.schema.Enum = append(s.schema.Enum, choice)
	}
	s.allowed = strings.Join(choices, ", ")
	s.read = func(n *yaml.Node) (any, bool) {
		for _, choice := range choices {
			if n.Tag == "!!str" && n.Value == choice {
				return choice, true
			}
		}
		return nil, false
	}
	return s
}

// maxText bounds free text, in characters.
const maxText = 4096

// textScalar returns a kind of strings, "" for names.
func textScalar(kind string) *scalar {
	switch kind {
	case "":
		return pattern(`^[A-Za-z0-9][A-Za-z0-9._:/@ -]{0,127}$`, "a name: letters, digits and . _ : / @ -, at most 128 characters")
	case "pattern":
		return pattern(`^[A-Za-z0-9*][A-Za-z0-9._:/@ *-]{0,127}$`, "a name, in which * may stand for any text")
	case "state":
		return pattern(`^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$`, "a key of the session state, such as user:plan")
	case "fact":
		return pattern(`^(tenant|priority|data_class|region|labels\.[A-Za-z0-9_.-]{1,64})$`, "tenant, priority, data_class, region or labels.NAME")
	case "env":
		s := pattern(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`, "the name of an environment variable, such as OPENAI_API_KEY")
		s.secret = true
		return s
	case "url":
		s := pattern(`^https?://[^\s/?#@]+[^\s?#@]*$`, "an http or https URL without user, query and fragment")
		s.secret = true
		return s.only(func(text string) bool { u, err := url.Parse(text); return err == nil && u.Host != "" })
	case "timezone":
		s := pattern(`^[A-Za-z0-9_+/-]{1,64}$`, "a time zone of the IANA database, such as UTC or Europe/Berlin")
		return s.only(func(text string) bool { _, err := time.LoadLocation(text); return err == nil && text != "Local" })
	case "regexp":
		s := textScalar("text")
		s.schema.Format = "regex"
		s.allowed = fmt.Sprintf("a regular expression (https://pkg.go.dev/regexp/syntax) of at most %d characters", maxText)
		return s.only(func(text string) bool { _, err := regexp.Compile(text); return err == nil })
	case "text":
		s := &scalar{
			allowed: fmt.Sprintf("text of 1 to %d characters", maxText),
			schema:  &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1), MaxLength: jsonschema.Ptr(maxText)},
			read:    func(n *yaml.Node) (any, bool) { return n.Value, n.Tag == "!!str" },
		}
		return s.only(func(text string) bool {
			return text != "" && utf8.RuneCountInString(text) <= maxText && utf8.ValidString(text)
		})
	}
	return nil
}

func pattern(form, allowed string) *scalar {
	re := regexp.MustCompile(form)
	return &scalar{
		allowed: allowed,
		schema:  &jsonschema.Schema{Type: "string", Pattern: form},
		read:    func(n *yaml.Node) (any, bool) { return n.Value, n.Tag == "!!str" && re.MatchString(n.Value) },
	}
}

// only returns s with a further condition, which the schema cannot say.
func (s *scalar) only(good func(text string) bool) *scalar {
	read := s.read
	s.read = func(n *yaml.Node) (any, bool) {
		value, ok := read(n)
		return value, ok && good(n.Value)
	}
	return s
}
