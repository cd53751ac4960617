package spec

import (
	"embed"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// sources are the files whose comments describe the keys. So godoc, the schema and
// docs/policy.md have the same text.
//
//go:embed file.go file_cascade.go file_alerts.go file_model.go file_takes.go file_limits.go file_rules.go file_switch.go
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
		Texts: texts(),
	})
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

// maxText is the longest free text, in characters.
const maxText = 4096

// maxNotice is the longest notice, in bytes: call.MaxNoticeBytes.
const maxNotice = 512

// texts returns the kinds of strings by the tag kind; "" is names.
func texts() map[string]*strictyaml.Scalar {
	name := strictyaml.Pattern(`^[\p{L}\p{N}][\p{L}\p{M}\p{N}._:/@|+ -]{0,127}$`, "a name of at most 128 letters, digits, spaces and . _ : / @ | + -, beginning with a letter or digit")
	pattern := strictyaml.Pattern(`^[\p{L}\p{N}*][\p{L}\p{M}\p{N}._:/@|+ *-]{0,127}$`, "a name, in which * stands for any text")
	env := strictyaml.Pattern(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`, "the name of an environment variable, such as OPENAI_API_KEY")
	env.Secret = true
	address := strictyaml.Pattern(`^https?://[^\s/?#@]+[^\s?#@]*$`, "an http or https URL without user, query and fragment, its host in ASCII")
	address.Secret = true
	server := strictyaml.Pattern(`^(rediss?://[^\s/?#@]+(/[0-9]*)?|unix://[^\s?#@]+(\?db=[0-9]+)?)$`, "a redis, rediss or unix URL without user and password, such as redis://localhost:6379/0; url_env can name a variable that holds one with them")
	server.Secret = true
	expression := strictyaml.Text(maxText, fmt.Sprintf("a regular expression (https://pkg.go.dev/regexp/syntax) of at most %d characters", maxText))
	expression.Schema.Format = "regex"
	zone := strictyaml.Pattern(`^[A-Za-z0-9_+/-]{1,64}$`, "a time zone of the IANA database, such as UTC or Europe/Berlin")
	return map[string]*strictyaml.Scalar{
		"":         name,
		"label":    strictyaml.Pattern(`^([A-Za-z]|_[A-Za-z0-9])[A-Za-z0-9_]{0,62}$`, "the name of a Prometheus label, such as team"),
		"pattern":  pattern,
		"state":    strictyaml.Pattern(`^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$`, "a key of the session state, such as user:plan"),
		"fact":     strictyaml.Pattern(`^(tenant|priority|data_class|region|labels\.[A-Za-z0-9_.-]{1,64})$`, "tenant, priority, data_class, region or labels.NAME"),
		"env":      env.Only(func(text string) bool { return !looksLikeKey(text) }),
		"redis":    server.Only(func(text string) bool { _, err := url.Parse(text); return err == nil }),
		"prefix":   strictyaml.Pattern(`^[A-Za-z0-9][A-Za-z0-9._:/{}-]{0,63}$`, "at most 64 letters, digits and . _ : / { } -, beginning with a letter or digit"),
		"url":      address.Only(func(text string) bool { u, err := url.Parse(text); return err == nil && isPlainHost(u.Hostname()) }),
		"timezone": zone.Only(func(text string) bool { _, err := time.LoadLocation(text); return err == nil && text != "Local" }),
		"regexp":   expression.Only(func(text string) bool { _, err := regexp.Compile(text); return err == nil }),
		"notice":   strictyaml.Text(maxNotice, fmt.Sprintf("text of 1 to %d bytes", maxNotice)).Only(func(text string) bool { return len(text) <= maxNotice }),
		"text":     strictyaml.Text(maxText, fmt.Sprintf("text of 1 to %d characters", maxText)),
	}
}

// isPlainHost reports whether a host has one spelling alone: in ASCII, without a dot at
// its end. Others reach the same server under another name.
func isPlainHost(host string) bool {
	return host != "" && !strings.HasSuffix(host, ".") && !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' })
}

// looksLikeKey reports whether a word that could be the name of an environment variable is
// more likely a key, written there by mistake: a name consists of words, a key mixes
// letters of both cases and digits.
func looksLikeKey(word string) bool {
	var lower, upper, digits, run, longest int
	for _, c := range word {
		switch {
		case c == '_':
			run = -1
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z':
			lower++
		default:
			upper++
		}
		run++
		longest = max(longest, run)
	}
	return redact.Text(word, len(word)+1) != word || longest >= 16 && digits > 0 && (lower > 0 && upper > 0 || digits >= 4)
}
