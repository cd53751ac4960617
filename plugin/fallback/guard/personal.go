package guard

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// personal matches, beside what package redact knows (keys, tokens, e-mail
// addresses, project ids), long numbers with or without separators: telephone
// and card numbers, and IBANs. A comma separates digits only where nothing else
// does: numbers in a list have a space after it. A name or an address of a street
// is not recognized by its form: rules for such data should deny.
var personal = regexp.MustCompile(`\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b` +
	`|(?i:\b[a-z]{2}[0-9]{2}[a-z0-9]{11,30}\b)` +
	`|\+?[0-9](?:(?:,| *(?:[()./_-] *){0,3})[0-9]){7,}`)

const placeholder = "[redacted]"

// redactedWords redacts secrets, over the whole text, and then personal data in what
// is left: a key or an address with digits in it must not be broken up. A line
// without either stays as it is, byte for byte.
func redactedWords(text string) string {
	plain := folded(text)
	spans := personalSpans(plain)
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	at := 0 // in plain, which has the same lines: where text starts
	for len(spans) > 0 {
		line := at + strings.LastIndexByte(plain[at:spans[0].Start], '\n') + 1
		kept := afterLines(text, strings.Count(plain[at:line], "\n"))
		b.WriteString(text[:kept])
		from, end := line, line
		for len(spans) > 0 && (from == line || spans[0].Start < end) {
			b.WriteString(plain[from:spans[0].Start] + placeholder)
			from = spans[0].End
			end = from + len(firstLine(plain[from:]))
			spans = spans[1:]
		}
		b.WriteString(plain[from:end])
		text = text[kept:]
		text = text[afterLines(text, strings.Count(plain[line:end], "\n")):]
		text = text[len(firstLine(text)):]
		at = end
	}
	b.WriteString(text)
	return b.String()
}

// personalSpans returns the places of secrets and personal data in order.
func personalSpans(text string) []redact.Span {
	var spans []redact.Span
	from := 0
	for _, secret := range append(redact.Spans(text), redact.Span{Start: len(text), End: len(text)}) {
		for gap := text[from:secret.Start]; gap != ""; {
			line := firstLine(gap)
			if mayBePersonal(line) {
				for _, m := range personal.FindAllStringIndex(line, -1) {
					spans = append(spans, redact.Span{Start: from + m[0], End: from + m[1]})
				}
			}
			n := min(len(line)+1, len(gap))
			from, gap = from+n, gap[n:]
		}
		if secret.End > secret.Start {
			spans = append(spans, secret)
		}
		from = secret.End
	}
	return spans
}

// mayBePersonal reports whether a line has what every match of personal has: eight
// digits, or two in a row behind two letters. Prose has neither.
func mayBePersonal(line string) bool {
	digits, row := 0, 0
	for i := range len(line) {
		switch c := line[i]; {
		case isDigit(c):
			digits++
			if row++; row == 2 && i >= 3 && isLetter(line[i-2]) && isLetter(line[i-3]) {
				return true
			}
		default:
			row = 0
		}
	}
	return digits >= 8
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// firstLine returns text before its first newline.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// afterLines returns where the line behind the first n starts.
func afterLines(text string, n int) int {
	at := 0
	for range n {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	return at
}

// folded returns text as ASCII where it only looks different: digits of other
// scripts, spaces and dashes of all kinds, full-width characters. What has no width
// is omitted, and so are marks on digits, such as those that make keycaps of them.
// Newlines stay.
func folded(text string) string {
	var b []byte
	copied, onDigit := 0, false // text[:copied] is in b
	for i := 0; i < len(text); {
		if c := text[i]; ' ' <= c && c <= '~' || c == '\n' { // most
			onDigit = isDigit(c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		to := foldedRune(r)
		if onDigit && unicode.IsMark(r) {
			to = -1
		}
		if to != r || r == utf8.RuneError {
			b = append(b, text[copied:i]...)
			if to >= 0 {
				b = utf8.AppendRune(b, to)
			}
			copied = i + n
		}
		if to >= 0 {
			onDigit = '0' <= to && to <= '9'
		}
		i += n
	}
	if b == nil && copied == 0 {
		return text
	}
	return string(append(b, text[copied:]...))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// foldedRune is folded for one character that is not of ASCII's visible ones, -1 for one
// that is omitted.
func foldedRune(r rune) rune {
	switch {
	case '！' <= r && r <= '～': // the full-width forms of ! to ~
		return r - '！' + '!'
	case unicode.IsLetter(r):
		return r
	case unicode.IsSpace(r) || unicode.IsControl(r):
		return ' '
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
		return -1
	case unicode.IsDigit(r):
		zero := r // the digits of a script, and of some side by side, stand in order
		for unicode.IsDigit(zero - 1) {
			zero--
		}
		return '0' + (r-zero)%10
	case unicode.Is(unicode.Pd, r) || r == '−':
		return '-'
	}
	return r
}
