package spec

import (
	"embed"
	"reflect"
	"strconv"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec/internal/hints"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec/internal/texts"
)

// sources are the files whose comments describe the keys. So godoc, the schema and
// docs/policy.md have the same text.
//
//go:embed file.go file_cascade.go file_alerts.go file_model.go file_limits.go file_rules.go file_switch.go
var sources embed.FS

// format is the format of a policy file.
var format = sync.OnceValue(func() *strictyaml.Format {
	return strictyaml.New(reflect.TypeFor[Policy](), strictyaml.Kinds{
		Types: map[reflect.Type]func(reflect.StructTag) *strictyaml.Scalar{
			reflect.TypeFor[Share]():     shares.Between,
			reflect.TypeFor[USD]():       dollars.Between,
			reflect.TypeFor[Bytes]():     sizes.Between,
			reflect.TypeFor[Code]():      codes,
			reflect.TypeFor[Condition](): conditions,
		},
		Texts: texts.Kinds(),
	}, hints.All)
})

// Schema returns the format of a policy file as a JSON Schema (draft 2020-12), with which
// editors complete and check a file. It has every key and the form of each value, but it
// does not check conditions, nor what [Check] finds by comparing values. The caller may
// change it.
func Schema() *jsonschema.Schema { return format().Schema("adk-fallback policy", sources) }

// Default returns a section with the values that an empty one in a file has.
func Default[Section any]() *Section {
	var section Section
	format().SetDefaults(&section)
	return &section
}

var (
	shares = strictyaml.Measure[Share]{
		What: "a share", Such: []string{"80%", "0.8"}, Number: "number", Text: `^[0-9]+(\.[0-9]+)?%$`,
		Parse: parseShare, Format: Share.String,
	}
	dollars = strictyaml.Measure[USD]{
		What: "US dollars", Such: []string{"0.05", "$0.05"}, Number: "number", Text: `^\$[0-9]+(\.[0-9]+)?$`,
		Parse: parseUSD, Format: USD.String,
	}
	sizes = strictyaml.Measure[Bytes]{
		What: "a size", Such: []string{"64MiB"}, Number: "integer", Text: `^[0-9]+(\.[0-9]+)?([kMGT]?B|[KMGT]iB)$`,
		Parse: parseBytes, Format: Bytes.String,
	}
)

// maxConditions is the most text that the different conditions of a file may have, in
// bytes. It bounds the cost of a hostile file.
const maxConditions = 4 << 10

func conditions(reflect.StructTag) *strictyaml.Scalar {
	return &strictyaml.Scalar{
		Allowed:    `a condition, such as "error || latency > 3s"`,
		Schema:     &jsonschema.Schema{Types: []string{"string", "boolean"}, MinLength: jsonschema.Ptr(1), MaxLength: jsonschema.Ptr(condition.MaxSource)},
		Compile:    compileCondition,
		What:       "conditions",
		MaxSource:  condition.MaxSource,
		MaxSources: maxConditions,
	}
}

func codes(reflect.StructTag) *strictyaml.Scalar {
	status := strictyaml.Integers.Between(`min:"400" max:"599"`)
	word := strictyaml.Pattern(`^([45][0-9][0-9]|[A-Za-z][A-Za-z0-9_.:#/-]{0,63})$`, "")
	return &strictyaml.Scalar{
		Read: func(v strictyaml.Value) (any, bool) {
			if value, ok := status.Read(v); ok {
				return strconv.Itoa(value.(int)), true
			}
			return word.Read(v)
		},
		Allowed: "an HTTP status from 400 to 599, a kind of failure, any, or a provider's code, such as 429, network or RESOURCE_EXHAUSTED",
		Schema:  &jsonschema.Schema{AnyOf: []*jsonschema.Schema{status.Schema, word.Schema}},
	}
}
