package strictyaml

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Place is the place of a value in a file. Line and Column count from 1; columns count
// characters. The place of a scalar is its first character, and that of a list or mapping
// in a section is its key.
type Place struct{ Line, Column int }

// Limits of quoted text, in bytes.
const (
	maxShown = 60 // of a value in a message

	// MaxMessage is the longest message of a parser that is quoted, in bytes.
	MaxMessage = 200
)

// Shown returns a value as a message may show it: shortened, and without anything that
// looks like a key or an e-mail address.
func Shown(value string) string {
	safe := redact.Text(value, maxShown+1)
	if len(safe) <= maxShown {
		return safe
	}
	return redact.Text(value, maxShown) + "…"
}

// Quoted returns Shown(text) in quotes.
func Quoted(text string) string { return strconv.Quote(Shown(text)) }

// At returns path extended by keys (strings) and indices of lists (ints). A key with a dot
// is quoted, so that paths are unambiguous.
func At(path string, rest ...any) string {
	for _, step := range rest {
		switch step := step.(type) {
		case int:
			path += "[" + strconv.Itoa(step) + "]"
		case string:
			path = join(path, step)
		}
	}
	return path
}

func join(path, key string) string {
	switch {
	case path == "":
		return key
	case strings.ContainsAny(key, `.[]"`):
		return path + "[" + strconv.Quote(key) + "]"
	}
	return path + "." + key
}

// locate returns the places of mistakes in the value of n, a string. The mistakes must be
// in order of their offsets. It reads the value and its source side by side; the source
// also has indentation, folds, quotes and escapes. If the two do not match, the place is
// that of n.
func (d *document) locate(n *yaml.Node, mistakes []Mistake) []Place {
	if len(mistakes) == 0 {
		return nil
	}
	src := d.opened(n)
	value, agree := n.Value, true
	places := make([]Place, len(mistakes))
	for i, mistake := range mistakes {
		for agree && len(value) > len(n.Value)-mistake.Offset {
			inSource, inValue := align(n.Style, src, value)
			agree = inSource > 0
			src, value = src[inSource:], value[inValue:]
		}
		if places[i] = (Place{n.Line, n.Column}); agree {
			places[i] = d.place(src, value)
		}
	}
	return places
}

// opened returns the source from the first character of n's value on.
func (d *document) opened(n *yaml.Node) string {
	src := d.from(n)
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		_, src, _ = strings.Cut(src, "\n")
	case n.Style&yaml.DoubleQuotedStyle != 0:
		_, src, _ = strings.Cut(src, `"`)
	case n.Style&yaml.SingleQuotedStyle != 0:
		_, src, _ = strings.Cut(src, "'")
	}
	return src
}

// place returns the place of value, where src and value are the rests of the source and the value.
func (d *document) place(src, value string) Place {
	for src != "" && value != "" && src[0] != value[0] && isWhite(src[0]) {
		src = src[1:]
	}
	end := len(d.text) - len(src)
	line := sort.SearchInts(d.lines, end+1)
	return Place{line, utf8.RuneCountInString(d.text[d.lines[line-1]:end]) + 1}
}

// from returns the source from the place of n on.
func (d *document) from(n *yaml.Node) string {
	if n.Line > len(d.lines) { // the parser knows more line breaks
		return ""
	}
	src := d.text[d.lines[n.Line-1]:]
	for range n.Column - 1 {
		_, width := utf8.DecodeRuneInString(src)
		src = src[width:]
	}
	return src
}

// tagged reports whether a scalar has a tag of its own. A person who writes !error means
// text.
func (d *document) tagged(n *yaml.Node) bool {
	if d == nil || n.Line == 0 { // a default, not from a file
		return false
	}
	src := d.from(n)
	return strings.HasPrefix(src, "!") && !strings.HasPrefix(src, "!!")
}

// align returns the number of bytes in the source and in the value that correspond to each
// other; inSource is 0 if the two do not match.
func align(style yaml.Style, src, value string) (inSource, inValue int) {
	if src == "" {
		return 0, 0
	}
	_, char := utf8.DecodeRuneInString(value)
	switch {
	case style&yaml.SingleQuotedStyle != 0 && strings.HasPrefix(src, "''"):
		return 2, 1
	case style&yaml.DoubleQuotedStyle != 0 && src[0] == '\\':
		return escape(src, char)
	case src[0] == value[0]:
		return 1, 1
	case src[0] == '\n' && value[0] == ' ': // a fold
		return 1, 1
	case isWhite(src[0]):
		return 1, 0
	}
	return 0, 0
}

func isWhite(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// escape is align for a backslash in the source: https://yaml.org/spec/1.2.2/#57-escaped-characters.
func escape(src string, char int) (inSource, inValue int) {
	width := 2
	switch {
	case len(src) < width:
		return 0, 0
	case src[1] == '\n':
		return width, 0
	case src[1] == 'x':
		width = 4
	case src[1] == 'u':
		width = 6
	case src[1] == 'U':
		width = 10
	}
	return min(width, len(src)), char
}
