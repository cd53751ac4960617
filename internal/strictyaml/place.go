package strictyaml

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Place is where a value stands, from 1; columns count characters. A scalar stands
// where it begins, a list or mapping in a section where its key does.
type Place struct{ Line, Column int }

// What a message repeats of a file, and of the parser, in bytes.
const (
	maxShown = 60

	// MaxMessage bounds a message of a parser that is repeated, in bytes.
	MaxMessage = 200
)

// Shown returns a value for a message: without anything that looks like a key or
// an address, and not too long.
func Shown(value string) string {
	safe := redact.Text(value, maxShown+1)
	if len(safe) <= maxShown {
		return safe
	}
	return redact.Text(value, maxShown) + "…"
}

// Quoted is Shown in quotes.
func Quoted(text string) string { return strconv.Quote(Shown(text)) }

// At returns the path of what is at path through keys (strings) and indices of
// lists (ints). A key with a dot is quoted, so that paths are unambiguous.
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

// locate returns the places of mistakes, which are in order of their offsets, in the value
// of n, a string. It reads the value and its source side by side: what the source
// has besides is indentation, folds, quotes and escapes. Where they do not agree,
// it is the place of n.
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

// opened returns the source from the first character of a value on.
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

// place returns where the value begins in the source, both up to their ends.
func (d *document) place(src, value string) Place {
	for src != "" && value != "" && src[0] != value[0] && isWhite(src[0]) {
		src = src[1:]
	}
	end := len(d.text) - len(src)
	line := sort.SearchInts(d.lines, end+1)
	return Place{line, utf8.RuneCountInString(d.text[d.lines[line-1]:end]) + 1}
}

// from returns the source from the beginning of n on.
func (d *document) from(n *yaml.Node) string {
	if n.Line > len(d.lines) { // the parser has more kinds of line ends
		return ""
	}
	src := d.text[d.lines[n.Line-1]:]
	for range n.Column - 1 {
		_, width := utf8.DecodeRuneInString(src)
		src = src[width:]
	}
	return src
}

// tagged reports whether a scalar has a tag of its own, as !error has: to a person
// that is text.
func (d *document) tagged(n *yaml.Node) bool {
	if d == nil || n.Line == 0 { // a default
		return false
	}
	src := d.from(n)
	return strings.HasPrefix(src, "!") && !strings.HasPrefix(src, "!!")
}

// align returns how many bytes of the source the next bytes of the value are, and
// how many those are; 0 for the source if the two do not agree.
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

// escape is align at a backslash: https://yaml.org/spec/1.2.2/#57-escaped-characters.
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
