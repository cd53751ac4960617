// Package lenient reads structured data from text in any state: JSON that is damaged, escaped, cut off, or printed by
// another language, and the details of errors as Go and Python print them. It returns what is there and never fails.
package lenient

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of what is read. Callers that read strings in objects as objects count both together.
const MaxDepth = 64

// Object reads the JSON object at the start of s, which must be a brace, whatever state the object is in. It returns the
// object with the rest of the text, and whether the object was cut off. Values are of the types of encoding/json.
//
// Errors arrive damaged: joined from stream chunks with a comma too many, with raw newlines in strings, cut off at the
// end, or printed by Python ({'error': None}). encoding/json gives nothing for those; this reads what is there. It never
// goes deeper than MaxDepth: it then returns what it has read so far.
func Object(s string) (obj map[string]any, rest string, cut bool) {
	p := parser{s: uncover(s)}
	obj, _ = p.value(0).(map[string]any)
	return obj, p.s[p.i:], p.cut
}

// String returns the text of a JSON string that is the whole of s, and false if s is no such string.
func String(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	text, n := unescape(s[1:], '"')
	return text, n == len(s)-1
}

// maxEscapes bounds how often an object's text is unescaped.
const maxEscapes = 4

// straight undoes what blogs and word processors make of quotation marks.
var straight = strings.NewReplacer("“", `"`, "”", `"`, "‘", "'", "’", "'")

// uncover returns a text that starts with an object, with the quotation marks of that object as JSON has them, and not
// escaped as in a string, encoded as in a web page, or curled as in a blog.
func uncover(s string) string {
	for range maxEscapes {
		switch inner := strings.TrimLeft(s[1:], " \t\r\n"); {
		case strings.HasPrefix(inner, `\`):
			s, _ = unescape(s, 0)
		case strings.HasPrefix(inner, "&quot;"), strings.HasPrefix(inner, "&#34;"):
			s = html.UnescapeString(s)
		case strings.HasPrefix(inner, "“"):
			s = straight.Replace(s)
		default:
			return s
		}
	}
	return s
}

type parser struct {
	s   string
	i   int
	cut bool // s ended within an object
}

func (p *parser) value(depth int) any {
	p.space()
	if p.i >= len(p.s) {
		return nil
	}
	switch c := p.s[p.i]; c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"', '\'':
		return p.quoted()
	default:
		return bare(p.word())
	}
}

func (p *parser) object(depth int) map[string]any {
	obj := map[string]any{}
	if depth >= MaxDepth {
		p.i = len(p.s)
		return obj
	}
	p.i++
	for {
		p.space()
		if p.i >= len(p.s) || p.s[p.i] == ']' {
			p.cut = p.cut || p.i >= len(p.s)
			return obj // cut off, or closed by the wrong bracket: let the outer level see it
		}
		var key string
		switch c := p.s[p.i]; c {
		case '}':
			p.i++
			return obj
		case '"', '\'':
			key = p.quoted()
		case ':', '{', '[':
			p.i++
			continue
		default:
			key = p.word()
		}
		p.blank()
		if p.i < len(p.s) && p.s[p.i] == ':' {
			p.i++
			obj[strings.TrimSpace(key)] = p.value(depth + 1)
		}
	}
}

func (p *parser) array(depth int) []any {
	var list []any
	if depth >= MaxDepth {
		p.i = len(p.s)
		return nil
	}
	p.i++
	for {
		p.space()
		if p.i >= len(p.s) || p.s[p.i] == '}' {
			return list
		}
		switch p.s[p.i] {
		case ']':
			p.i++
			return list
		case ':':
			p.i++
		default:
			list = append(list, p.value(depth+1))
		}
	}
}

// quoted reads a string up to its closing quote, or to the end.
func (p *parser) quoted() string {
	quote := p.s[p.i]
	p.i++
	text, n := unescape(p.s[p.i:], quote)
	p.i += n
	return text
}

// word reads what has no quotes: a number, true, null, None, a JavaScript key. It always moves on.
func (p *parser) word() string {
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(",:]}{[\"' \t\r\n", p.s[p.i]) < 0 {
		p.i++
	}
	if p.i == start {
		p.i++
	}
	return p.s[start:p.i]
}

// space skips blanks and stray commas.
func (p *parser) space() {
	for p.i < len(p.s) && (isBlank(p.s[p.i]) || p.s[p.i] == ',') {
		p.i++
	}
}

func (p *parser) blank() {
	for p.i < len(p.s) && isBlank(p.s[p.i]) {
		p.i++
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// bare gives an unquoted word its type.
func bare(w string) any {
	switch w {
	case "null", "None", "undefined":
		return nil
	case "true", "True":
		return true
	case "false", "False":
		return false
	}
	if f, err := strconv.ParseFloat(w, 64); err == nil {
		return f
	}
	return w
}

// unescape reads s up to an unescaped quote and returns the text and the offset behind the quote.
func unescape(s string, quote byte) (string, int) {
	end := strings.IndexByte(s, quote)
	if end < 0 {
		end = len(s)
	}
	if strings.IndexByte(s[:end], '\\') < 0 {
		return s[:end], min(end+1, len(s))
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == quote:
			return b.String(), i + 1
		case c != '\\' || i+1 == len(s):
			b.WriteByte(c)
			i++
		case s[i+1] == 'u' && i+6 <= len(s):
			if r, err := strconv.ParseUint(s[i+2:i+6], 16, 32); err == nil && utf8.ValidRune(rune(r)) {
				b.WriteRune(rune(r))
			} else {
				b.WriteRune(utf8.RuneError) // half of a surrogate pair: no rule looks at such text
			}
			i += 6
		default:
			b.WriteByte(escaped(s[i+1]))
			i += 2
		}
	}
	return b.String(), len(s)
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b', 'f':
		return ' '
	}
	return c
}
