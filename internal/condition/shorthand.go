package condition

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
)

const durationLiteral = "a duration literal such as 3000ms, 1.5s or 1h30m, in the units ns us ms s m h, of at most 2562047h"

// expand rewrites the shorthands of src to CEL. Strings, comments and names do not change. Words that are not CEL but have
// an obvious meaning (and, or, =) are errors; they are rewritten too, so that the rest can be checked.
func expand(src string) *expansion {
	x := &expansion{src: src}
	for i := 0; i < len(src); {
		i += x.token(i)
	}
	x.out.WriteString(src[x.copied:])
	x.source = common.NewTextSource(x.out.String())
	return x
}

// An expansion is a rewritten source with the origin of each of its bytes.
type expansion struct {
	src    string
	out    strings.Builder
	copied int // src[:copied] is in out
	edits  []edit
	source common.Source // made from out

	errs    Errors
	guessed bool // a value replaces something unreadable, so errors about types may be wrong
}

// An edit says that out[out:outEnd] replaces src[src:srcEnd].
type edit struct{ out, outEnd, src, srcEnd int }

func (x *expansion) replace(start, end int, with string) {
	x.out.WriteString(x.src[x.copied:start])
	at := x.out.Len()
	x.out.WriteString(with)
	x.copied = end
	x.edits = append(x.edits, edit{out: at, outEnd: x.out.Len(), src: start, srcEnd: end})
}

// at returns the offset in src, in bytes, of a position in the rewritten text, which CEL gives as a line from 1 and a column
// of characters from 0. An unknown position is the start.
func (x *expansion) at(pos common.Location) int { return x.offset(x.outOffset(pos)) }

func (x *expansion) outOffset(pos common.Location) int {
	chars, ok := x.source.LocationOffset(pos)
	if !ok {
		return 0
	}
	for i := range x.out.String() {
		if chars <= 0 {
			return i
		}
		chars--
	}
	return x.out.Len()
}

// offset returns the offset in src of an offset in the rewritten text; inside of a rewritten token, that of its start.
func (x *expansion) offset(out int) int {
	moved := 0
	for _, e := range x.edits {
		switch {
		case out < e.out:
			return out + moved
		case out < e.outEnd:
			return e.src
		}
		moved = e.srcEnd - e.outEnd
	}
	return min(out+moved, len(x.src))
}

// token reads the token at i, rewrites it if needed, and returns its length.
func (x *expansion) token(i int) int {
	s := x.src[i:]
	switch c := s[0]; {
	case strings.HasPrefix(s, "//"):
		return lineLen(s)
	case c == '"' || c == '\'':
		return stringLen(s, false)
	case c == '`':
		return 1 + len(untilAfter(s[1:], "`"))
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		return x.number(i)
	case isLetter(c):
		return x.word(i)
	default:
		return x.operator(i)
	}
}

func (x *expansion) number(i int) int {
	s := x.src[i:]
	if n := durationLen(s); n > 0 {
		x.replace(i, i+n, `duration("`+s[:n]+`")`)
		return n
	}
	n := numberLen(s)
	if strings.HasPrefix(s[n:], "%") {
		if f, err := strconv.ParseFloat(s[:n], 64); err == nil {
			x.replace(i, i+n+1, double(f/100))
			return n + 1
		}
	}
	if end := n + wordLen(s[n:]); end > n { // 5min, 3d
		x.fail(i, unexpected(strconv.Quote(s[:end]), "a number, or "+durationLiteral))
		x.replace(i, i+end, "0")
		x.guessed = true
		return end
	}
	return n
}

func (x *expansion) word(i int) int {
	s := x.src[i:]
	n := wordLen(s)
	word := s[:n]
	if n < len(s) && (s[n] == '"' || s[n] == '\'') {
		switch strings.ToLower(word) {
		case "b":
			return n + stringLen(s[n:], false)
		case "r", "br":
			return n + stringLen(s[n:], true)
		}
	}
	if strings.HasSuffix(strings.TrimRight(x.src[:i], " \t\r\n"), ".") {
		return n // a label: labels.and
	}
	switch strings.ToLower(word) {
	case "and":
		x.instead(i, word, "&&")
	case "or":
		x.instead(i, word, "||")
	case "not":
		x.instead(i, word, "!")
	}
	return n
}

func (x *expansion) operator(i int) int {
	s := x.src[i:]
	for _, op := range []string{"&&", "||", "==", "!=", "<=", ">="} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	switch s[0] {
	case '&', '|', '=':
		x.instead(i, s[:1], s[:1]+s[:1])
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// instead reports found at i and replaces it by meant.
func (x *expansion) instead(i int, found, meant string) {
	x.fail(i, unexpected(strconv.Quote(found), strconv.Quote(meant)))
	x.replace(i, i+len(found), meant)
}

func (x *expansion) fail(offset int, message string) {
	x.errs = append(x.errs, &Error{Offset: offset, Message: message})
}
