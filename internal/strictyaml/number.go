package strictyaml

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The forms of plain scalars in the core schema of YAML 1.2, which editors use:
// https://yaml.org/spec/1.2.2/#1032-tag-resolution
var (
	coreInt   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	coreNone  = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.nan|\.NaN|\.NAN)$`) // also !!float, but not allowed as a value
)

// tagByCore gives each plain scalar in n its tag of the core schema. The parser treats some
// other texts as numbers and dates.
func tagByCore(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && n.Tag != "!!merge" {
		n.Tag = coreTag(n.Value)
	}
	for _, within := range n.Content {
		tagByCore(within)
	}
}

func coreTag(plain string) string {
	switch plain {
	case "", "~", "null", "Null", "NULL":
		return "!!null"
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return "!!bool"
	}
	switch {
	case coreInt.MatchString(plain):
		return "!!int"
	case coreFloat.MatchString(plain), coreNone.MatchString(plain):
		return "!!float"
	}
	return "!!str"
}

// parseNumber parses a number of the core schema. A number that is too large is infinite.
func parseNumber(text string) (value float64, ok bool) {
	base := 0
	switch {
	case coreFloat.MatchString(text):
		value, _ = strconv.ParseFloat(text, 64)
		return value, true
	case !coreInt.MatchString(text):
		return 0, false
	case strings.HasPrefix(text, "0x"):
		base = 16
	default:
		base = 8
	}
	whole, err := strconv.ParseUint(text[2:], base, 64)
	return float64(whole), err == nil
}
