package call

import (
	"encoding/json"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// shortMessageBytes is what is left of each message when the whole does not
// fit: enough for a status and a few words.
const shortMessageBytes = 48

// fit returns m with every text redacted or cut, and the whole within
// MaxMetadataBytes as JSON.
func (m Metadata) fit() Metadata {
	m.ModelName, m.ModelVersion = cut(m.ModelName, MaxNameBytes), cut(m.ModelVersion, MaxNameBytes)
	m.CacheStatus, m.Degraded = cut(m.CacheStatus, MaxNameBytes), cut(m.Degraded, MaxNameBytes)
	m.ExperimentID, m.Cohort = cut(m.ExperimentID, MaxNameBytes), cut(m.Cohort, MaxNameBytes)
	if !m.Triggered {
		return m
	}
	m.OriginalModel, m.FallbackModel = cut(m.OriginalModel, MaxNameBytes), cut(m.FallbackModel, MaxNameBytes)
	m.ErrorCode = cut(m.ErrorCode, MaxNameBytes)
	m.Reason = cut(redact.Text(m.Reason, MaxMessageBytes), MaxMessageBytes)
	m.Adapted = boundedTexts(m.Adapted)
	var log Log
	log.Restore(m.Attempts, m.AttemptsDropped)
	m.Attempts, m.AttemptsDropped = log.Snapshot()
	if m.jsonBytes() <= MaxMetadataBytes {
		return m
	}
	for i := range m.Attempts {
		m.Attempts[i].Message = cut(m.Attempts[i].Message, shortMessageBytes)
	}
	for len(m.Attempts) > 1 && m.jsonBytes() > MaxMetadataBytes {
		m.Attempts = append(m.Attempts[:1], m.Attempts[2:]...)
		m.AttemptsDropped++
	}
	return m
}

// boundedTexts returns at most MaxAdapted of texts, each cut to MaxAdaptedBytes.
func boundedTexts(texts []string) []string {
	texts = slices.Clone(texts[:min(len(texts), MaxAdapted)])
	for i, text := range texts {
		texts[i] = cut(text, MaxAdaptedBytes)
	}
	return texts
}

// jsonBytes is an upper bound of the length of Map as JSON.
func (m Metadata) jsonBytes() int {
	const (
		perField   = 40 // key, quotes, colon, comma
		perAttempt = 170
	)
	n := 15 * perField
	for _, text := range []string{m.OriginalModel, m.FallbackModel, m.ErrorCode, m.Reason} {
		n += quotedBytes(text)
	}
	for _, field := range m.optional() {
		n += quotedBytes(field.value)
	}
	for _, text := range m.Adapted {
		n += quotedBytes(text) + len(`"",`)
	}
	for _, a := range m.Attempts {
		n += perAttempt + quotedBytes(a.Model) + quotedBytes(a.Code) + quotedBytes(a.Kind) + quotedBytes(a.Reason) + quotedBytes(a.Message)
	}
	return n
}

// quotedBytes is an upper bound of the length of s inside a JSON string.
func quotedBytes(s string) int {
	n := 0
	for _, r := range s {
		n += quotedRuneBytes(r)
	}
	return n
}

// quotedRuneBytes counts what encoding/json escapes, and what it replaces, as
// the six bytes of \u0000.
func quotedRuneBytes(r rune) int {
	switch {
	case r < ' ', r == '"', r == '\\', r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029', r == utf8.RuneError:
		return 6
	default:
		return utf8.RuneLen(r)
	}
}

// Fits tells whether a model's name is kept whole in metadata: an outer loop
// reads the name of the next model there.
func Fits(name string) bool { return cut(name, MaxNameBytes) == name }

// cut shortens s, at a character's boundary, so that it takes at most limit
// bytes inside a JSON string.
func cut(s string, limit int) string {
	if len(s)*6 <= limit {
		return s // whatever is in it
	}
	n := 0
	for i, r := range s {
		if n += quotedRuneBytes(r); n > limit {
			return s[:i]
		}
	}
	return s
}

// read copies the value under key into dst if it has dst's type.
func read[T any](fields map[string]any, key string, dst *T) bool {
	value, ok := fields[key].(T)
	if ok {
		*dst = value
	}
	return ok
}

// readInt reads an int that may have become a float or a number text in JSON.
func readInt(fields map[string]any, key string, dst *int) bool {
	switch value := fields[key].(type) {
	case int:
		*dst = value
	case int64:
		*dst = int(value)
	case float64:
		if value != math.Trunc(value) || math.Abs(value) > math.MaxInt32 {
			return false
		}
		*dst = int(value)
	case json.Number:
		n, err := value.Int64()
		if err != nil {
			return false
		}
		*dst = int(n)
	default:
		return false
	}
	return true
}
