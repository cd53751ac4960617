package strictyaml

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Measure is a kind of ordered values.
type Measure[T ~int | ~int64 | ~float64] struct {
	What   string   // for messages, such as "a share"
	Such   []string // examples
	Number string   // the JSON Schema type of values written as numbers, "" for none
	Text   string   // the form of values written as text, a regular expression; "" for none
	Parse  func(string) (T, error)
	Format func(T) string
}

var (
	// Integers are whole numbers.
	Integers = Measure[int]{What: "a whole number", Number: "integer", Parse: strconv.Atoi, Format: strconv.Itoa}

	floats = Measure[float64]{What: "a number", Number: "number", Parse: ParseFloat, Format: FormatFloat}
)

// Between returns the kind of values between the tags min and max, which are written like
// the values. It panics if a tag cannot be parsed.
func (m Measure[T]) Between(tag reflect.StructTag) *Scalar {
	least, most := mustParse(m.Parse, tag.Get("min")), mustParse(m.Parse, tag.Get("max"))
	form := regexp.MustCompile(m.Text)
	s := &Scalar{Schema: schemaOf(m.Number, m.Text, float64(least), float64(most))}
	s.Read = func(v Value) (any, bool) {
		switch {
		case m.Number != "" && (v.Tag == "!!int" || v.Tag == "!!float"):
			f, ok := parseNumber(v.Text)
			whole := m.Number != "integer" || f == math.Trunc(f)
			return T(f), ok && whole && f >= float64(least) && f <= float64(most)
		case m.Text != "" && v.Tag == "!!str" && form.MatchString(v.Text):
			value, err := m.Parse(v.Text)
			return value, err == nil && value >= least && value <= most
		}
		return nil, false
	}
	if least == most {
		s.Allowed = m.Format(least)
		return s
	}
	s.Allowed = fmt.Sprintf("%s from %s to %s", m.What, m.Format(least), m.Format(most))
	such := slices.DeleteFunc(slices.Clone(m.Such), func(text string) bool {
		value, err := m.Parse(text)
		return err != nil || value < least || value > most
	})
	if len(such) > 0 {
		s.Allowed += ", such as " + strings.Join(such, " or ")
	}
	return s
}

// schemaOf returns the JSON Schema of a measure's values. It is not a method of Measure, so that a binary has it only once.
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

// mustParse parses a bound in a tag.
func mustParse[T any](parse func(string) (T, error), text string) T {
	value, err := parse(text)
	if err != nil {
		panic(fmt.Sprintf("strictyaml: bound %q in a tag: %v", text, err))
	}
	return value
}

// ParseFloat parses a number of YAML's core schema.
func ParseFloat(text string) (float64, error) {
	value, ok := parseNumber(text)
	if !ok {
		return 0, fmt.Errorf("strictyaml: %q is not a number", text)
	}
	return value, nil
}

// ParseShare parses a part of 1, such as 0.8 or 80%.
func ParseShare(text string) (float64, error) {
	digits, percent := strings.CutSuffix(text, "%")
	value, err := ParseFloat(digits)
	if percent {
		value /= 100
	}
	return value, err
}

// FormatFloat formats a number without an exponent.
func FormatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
