package scenario

import (
	"cmp"
	"embed"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// sources are the files whose comments describe the keys.
//
//go:embed file.go file_model.go file_event.go
var sources embed.FS

// MaxFile is the largest scenario file, in bytes.
const MaxFile = strictyaml.MaxFile

// Problem is one problem of a file, with its place.
type Problem = strictyaml.Problem

// Error has all problems of a file, in its order. At most 100 are listed.
type Error struct {
	Problems []Problem
	File     string // its name; "" if unknown
}

// Error returns a line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scenario: %s has problems:", cmp.Or(e.File, "the file"))
	for _, p := range e.Problems {
		b.WriteString("\n" + p.String())
	}
	return b.String()
}

// Parse reads a scenario file. If there is any mistake, it returns an *[Error] with all of
// them. It does not panic, whatever data is.
func Parse(data []byte) (*Scenario, error) {
	s := &Scenario{}
	s.doc = format().Decode(data, s)
	if s.doc.Problems = append(s.doc.Problems, s.check()...); len(s.doc.Problems) > 0 {
		return nil, &Error{Problems: strictyaml.AtMost(strictyaml.InOrder(s.doc.Problems))}
	}
	return s, nil
}

// Schema returns the format of a scenario file as a JSON Schema (draft 2020-12). The caller
// may change it.
func Schema() *jsonschema.Schema { return format().Schema("adk-fallback scenario", sources) }

// Reference returns the keys of a scenario file in Markdown, as in docs/simulate.md.
func Reference() string { return format().Reference("The file", sources) }

// Default returns a section with the values that an empty one in a file has.
func Default[Section any]() *Section {
	var section Section
	format().SetDefaults(&section)
	return &section
}

var format = sync.OnceValue(func() *strictyaml.Format {
	const maxText = 300
	return strictyaml.New(reflect.TypeFor[Scenario](), strictyaml.Kinds{
		Types: map[reflect.Type]func(reflect.StructTag) *strictyaml.Scalar{reflect.TypeFor[Share](): shares.Between},
		Texts: map[string]*strictyaml.Scalar{
			"":     strictyaml.Pattern(`^[\p{L}\p{N}][\p{L}\p{M}\p{N}._:/@|+ -]{0,127}$`, "a name of at most 128 letters, digits, spaces and . _ : / @ | + -, beginning with a letter or digit"),
			"text": strictyaml.Text(maxText, fmt.Sprintf("text of 1 to %d characters", maxText)),
		},
	}, strictyaml.Hints{"": {"primary": aPolicy, "fallbacks": aPolicy}})
})

const aPolicy = "it belongs in a policy, which is a FILE of simulate; a scenario has traffic, models and events"

var shares = strictyaml.Measure[Share]{
	What: "a share", Such: []string{"80%", "0.8"}, Number: "number", Text: `^[0-9]+(\.[0-9]+)?%$`,
	Parse: parseShare, Format: Share.String,
}

func parseShare(text string) (Share, error) {
	value, err := strictyaml.ParseShare(text)
	return Share(value), err
}

// all reports whether shares add up to 1, but for rounding.
func all(sum Share) bool { return math.Abs(float64(sum)-1) < 1e-6 }
