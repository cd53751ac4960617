package call

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/clip"
)

// shortMessageBytes is the length of each message when the whole does not fit: enough
// for a status and a few words.
const shortMessageBytes = 48

// fit returns m within MaxMetadataBytes as JSON. Its attempts must be bounded.
func (m Metadata) fit() Metadata {
	for _, text := range m.names() {
		*text = cut(*text, MaxNameBytes)
	}
	m.Reason = readable(m.Reason, MaxMessageBytes)
	m.Adapted = boundedTexts(m.Adapted)
	m.Notice = cut(m.Notice, MaxNoticeBytes)
	if len(m.Attempts) > MaxAttempts {
		surplus := len(m.Attempts) - MaxAttempts
		m.Attempts = slices.Delete(slices.Clone(m.Attempts), 1, 1+surplus)
		m.AttemptsDropped += surplus
	}
	if !m.Triggered || m.jsonBytes(atMost) <= MaxMetadataBytes || m.jsonBytes(quotedBytes) <= MaxMetadataBytes {
		return m
	}
	m.Attempts = slices.Clone(m.Attempts)
	for i := range m.Attempts {
		m.Attempts[i].Message = clip.Words(m.Attempts[i].Message, shortMessageBytes)
	}
	for len(m.Attempts) > 1 && m.jsonBytes(quotedBytes) > MaxMetadataBytes {
		m.Attempts = slices.Delete(m.Attempts, 1, 2)
		m.AttemptsDropped++
	}
	if m.jsonBytes(quotedBytes) > MaxMetadataBytes {
		m.Adapted = nil
	}
	return m
}

// names lists the texts that are names.
func (m *Metadata) names() [9]*string {
	return [...]*string{
		&m.OriginalModel, &m.FallbackModel, &m.ErrorCode, &m.ModelName, &m.ModelVersion, &m.CacheStatus, &m.Degraded, &m.ExperimentID, &m.Cohort,
	}
}

// boundedTexts returns at most MaxAdapted of texts, each cut to MaxAdaptedBytes.
func boundedTexts(texts []string) []string {
	texts = slices.Clone(texts[:min(len(texts), MaxAdapted)])
	for i, text := range texts {
		texts[i] = cut(text, MaxAdaptedBytes)
	}
	return texts
}

// jsonBytes returns an upper bound of the length of Map as JSON, given an upper bound
// of the length of a text.
func (m *Metadata) jsonBytes(quoted func(string) int) int {
	const perField = 40 // key, number, quotes, colon, comma; of all keys on average
	n := 17 * perField
	n += quoted(m.Reason) + quoted(m.Notice)
	for _, text := range m.names() {
		n += quoted(*text)
	}
	for _, text := range m.Adapted {
		n += quoted(text) + len(`"",`)
	}
	for i := range m.Attempts {
		n += m.Attempts[i].jsonBytes(quoted)
	}
	return n
}

// jsonBytes returns an upper bound of the length of a's map as JSON.
func (a *Attempt) jsonBytes(quoted func(string) int) int {
	var digits [20]byte
	n := len(`{},`)
	for _, f := range a.texts() {
		if f.value != "" {
			n += len(f.key) + len(`"":"",`) + quoted(f.value)
		}
	}
	for _, f := range a.numbers() {
		if f.value != 0 {
			n += len(f.key) + len(`"":,`) + len(strconv.AppendInt(digits[:0], int64(f.value), 10))
		}
	}
	return n
}

// atMost is a cheaper, looser quotedBytes.
func atMost(s string) int { return 6 * len(s) }

// quotedBytes returns an upper bound of the length of s inside a JSON string.
func quotedBytes(s string) int {
	n := 0
	for _, r := range s {
		n += quotedRuneBytes(r)
	}
	return n
}

// quotedRuneBytes counts a rune that encoding/json escapes or replaces as the six bytes
// of \u0000.
func quotedRuneBytes(r rune) int {
	switch {
	case r < ' ', r == '"', r == '\\', r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029', r == utf8.RuneError:
		return 6
	default:
		return utf8.RuneLen(r)
	}
}

// Fits reports whether metadata keeps a model's name whole: an outer loop reads the
// name of the next model there.
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
