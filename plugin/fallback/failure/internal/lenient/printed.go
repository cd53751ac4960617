package lenient

import (
	"iter"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

// Errors are often all that is left of their details: fmt prints genai.APIError's as maps, Python prints messages of
// google.rpc as text. Both keep what decides:
//
//	Details: [map[@type:type.googleapis.com/google.rpc.RetryInfo retryDelay:600s]]
//	[violations { quota_id: "GenerateRequestsPerDay…" quota_value: 20 } , retry_delay { seconds: 33 }]
//	[reason: "RATE_LIMIT_EXCEEDED" metadata { key: "quota_limit_value" value: "0" }]

var (
	// printedMarks are in every text that holds printed details.
	printedMarks = prose.Phrases("map[", "violations {", "retry_delay {", "metadata {", `reason: "`)
	// printedKeys are the members that are read, in lower case as the text is.
	printedKeys = prose.Phrases("retrydelay:", "quotaresetdelay:", "quotaresettimestamp:", "quotaid:", "quotametric:", "quotavalue:", "reason:",
		"quota_id:", "quota_metric:", "quota_value:", `key: "quota_limit"`, `key: "quota_limit_value"`, `key: "quotaresetdelay"`,
		`key: "quotaresettimestamp"`, "retry_delay {")
)

// IsProtoText reports whether the first brace, behind head, is one of protobuf's text format, not of JSON.
func IsProtoText(head string) bool {
	for _, name := range [...]string{"violations ", "retry_delay ", "metadata ", "links "} {
		if strings.HasSuffix(head, name) {
			return true
		}
	}
	return false
}

// Printed returns those members of details printed into a text that matter for a verdict. Their names are in lower case, and
// their values are strings; that of retry_delay is a map of strings.
func Printed(t *prose.Text) iter.Seq2[string, any] {
	return func(yield func(key string, value any) bool) {
		if !t.HasAny(printedMarks) {
			return
		}
		for i := range printedKeys {
			mark := &printedKeys[i]
			key := strings.Trim(strings.TrimPrefix(mark.String(), "key: "), `:{ "`)
			for rest := t.String(); ; {
				_, after, found := strings.Cut(rest, mark.String())
				if !found {
					break
				}
				if !yield(key, printedMember(key, after)) {
					return
				}
				rest = after
			}
		}
	}
}

// printedMember returns the value at the start of a text that follows the key of a member.
func printedMember(key, text string) any {
	if key == "retry_delay" {
		inside, _, _ := strings.Cut(text, "}")
		delay := map[string]any{}
		for _, unit := range [...]string{"seconds", "nanos"} {
			if _, after, found := strings.Cut(inside, unit+":"); found {
				delay[unit] = printedValue(after)
			}
		}
		return delay
	}
	text = strings.TrimLeft(text, " \r\n")
	value := printedValue(strings.TrimPrefix(text, "value:"))
	if key == "quotaresettimestamp" {
		value = strings.ToUpper(value) // RFC 3339 has T and Z
	}
	return value
}

// printedValue returns the value at the start of a text, without its quotes.
func printedValue(text string) string {
	text = strings.TrimLeft(text, " \"")
	if n := strings.IndexAny(text, " \"\r\n,]}"); n >= 0 {
		text = text[:n]
	}
	return text
}
