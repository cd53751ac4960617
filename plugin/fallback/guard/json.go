package guard

import (
	"math"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// maxBroken bounds the places in a text at which JSON seems to start but does not.
const maxBroken = 64

// redactedText returns text without secrets and personal data. JSON in the text loses what
// an equal object would lose. It is written anew only if a name in it marks a secret;
// everything else stays byte for byte.
func redactedText(text string) string {
	if strings.IndexByte(text, '"') < 0 {
		return redactedWords(text)
	}
	var b strings.Builder
	rest, broken := text, 0
	for at := 0; broken < maxBroken; {
		next := strings.IndexAny(rest[at:], "{[")
		if next < 0 {
			break
		}
		at += next
		value, length, ok := decoded(rest[at:])
		if !ok {
			broken++
			at++
			continue
		}
		if clean, ok := rewritten(value, rest[at:at+length]); ok {
			b.WriteString(rest[:at] + clean)
			rest, at = rest[at+length:], 0
			continue
		}
		at += length
	}
	b.WriteString(rest)
	return redactedWords(b.String())
}

// rewritten returns text, which is the JSON of value, redacted. ok is false if package
// redact finds every secret in the text without the names.
func rewritten(value any, text string) (clean string, ok bool) {
	var c cleaner
	whole := c.value(nil, value)
	if !c.named {
		return "", false
	}
	if found, _, valid := decoded(redact.Text(text, math.MaxInt32/2)); valid {
		var rest cleaner
		if rest.value(nil, found); !rest.named {
			return "", false
		}
	}
	data, err := plainjson.Marshal(whole)
	if err != nil {
		return placeholder, true
	}
	return string(data), true
}
