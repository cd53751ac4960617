package failure

import "strings"

// Errors are often all that is left of their details: fmt prints genai.APIError's as maps, Python prints messages of
// google.rpc as text. Both keep what decides:
//
//	Details: [map[@type:type.googleapis.com/google.rpc.RetryInfo retryDelay:600s]]
//	[violations { quota_id: "GenerateRequestsPerDay…" quota_value: 20 } , retry_delay { seconds: 33 }]
//	[reason: "RATE_LIMIT_EXCEEDED" metadata { key: "quota_limit_value" value: "0" }]

var (
	// printedMarks are in every text that holds printed details.
	printedMarks = phrasesOf("map[", "violations {", "retry_delay {", "metadata {", `reason: "`)
	// printedKeys are the members that are read, in lower case as the text is.
	printedKeys = phrasesOf("retrydelay:", "quotaresetdelay:", "quotaresettimestamp:", "quotaid:", "quotametric:", "quotavalue:", "reason:",
		"quota_id:", "quota_metric:", "quota_value:", `key: "quota_limit"`, `key: "quota_limit_value"`, `key: "quotaresetdelay"`,
		`key: "quotaresettimestamp"`, "retry_delay {")
)

// isProtoText reports whether the first brace, behind head, is one of protobuf's text format, not of JSON.
func isProtoText(head string) bool {
	for _, name := range [...]string{"violations ", "retry_delay ", "metadata ", "links "} {
		if strings.HasSuffix(head, name) {
			return true
		}
	}
	return false
}

// printed reads details that were printed into the text.
func (e *evidence) printed() {
	if !e.prose.hasAny(printedMarks) {
		return
	}
	for i := range printedKeys {
		mark := printedKeys[i].s
		key := strings.Trim(strings.TrimPrefix(mark, "key: "), `:{ "`)
		for rest := e.text; e.nodes < maxNodes; e.nodes++ {
			_, after, found := strings.Cut(rest, mark)
			if !found {
				break
			}
			e.printedField(key, after)
			rest = after
		}
	}
}

// printedField reads the member key, whose value stands at the start of a text.
func (e *evidence) printedField(key, text string) {
	if key == "retry_delay" {
		inside, _, _ := strings.Cut(text, "}")
		delay := map[string]any{}
		for _, unit := range [...]string{"seconds", "nanos"} {
			if _, after, found := strings.Cut(inside, unit+":"); found {
				delay[unit] = printedValue(after)
			}
		}
		e.hint(jsonDuration(delay, 0))
		return
	}
	text = strings.TrimLeft(text, " \r\n")
	value := printedValue(strings.TrimPrefix(text, "value:"))
	if key == "quotaresettimestamp" {
		value = strings.ToUpper(value) // RFC 3339 has T and Z
	}
	e.field(key, value, 1)
}

// printedValue returns the value at the start of a text, without its quotes.
func printedValue(text string) string {
	text = strings.TrimLeft(text, " \"")
	if n := strings.IndexAny(text, " \"\r\n,]}"); n >= 0 {
		text = text[:n]
	}
	return text
}
