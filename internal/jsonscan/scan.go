package jsonscan

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errCut = errors.New("the JSON ends before it is complete")

// ErrNotObject is data that does not begin as a JSON object does.
var ErrNotObject = errors.New("not a JSON object")

// Members calls visit with each member of the JSON object in data: the key without
// its quotes, and the value as it is written. Values are delimited, not checked:
// what is used of them has to be decoded, with [Unquote], [Each] or Members. It
// allocates nothing, and takes a fraction of the time that decoding needs, which
// counts where an event of a few letters carries a hundred bytes of other fields.
func Members(data []byte, visit func(key, value []byte)) error {
	i := skipSpace(data, 0)
	if i == len(data) {
		return errCut
	}
	if data[i] != '{' {
		return ErrNotObject
	}
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		return atEnd(data, i+1)
	}
	for {
		if i == len(data) {
			return errCut
		}
		if data[i] != '"' {
			return errors.New("a key is expected in the JSON object")
		}
		end := skipString(data, i)
		if end < 0 {
			return errCut
		}
		key := data[i+1 : end-1]
		if i = skipSpace(data, end); i == len(data) {
			return errCut
		}
		if data[i] != ':' {
			return errors.New("a colon is expected in the JSON object")
		}
		i = skipSpace(data, i+1)
		end = SkipValue(data, i)
		if end < 0 {
			return errCut
		}
		if end == i {
			return errors.New("a value is expected in the JSON object")
		}
		visit(key, data[i:end])
		if i = skipSpace(data, end); i == len(data) {
			return errCut
		}
		switch data[i] {
		case ',':
			i = skipSpace(data, i+1)
		case '}':
			return atEnd(data, i+1)
		default:
			return errors.New("a comma is expected in the JSON object")
		}
	}
}

// atEnd checks that nothing but space follows.
func atEnd(data []byte, i int) error {
	if skipSpace(data, i) != len(data) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// skipString returns where the string ends that begins at i, or -1.
func skipString(data []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		backslashes := 0
		for data[i-1-backslashes] == '\\' {
			backslashes++
		}
		i++
		if backslashes%2 == 0 {
			return i
		}
	}
}

// SkipValue returns where the value ends that begins at data[i], with no space before it; -1 if it does not end.
func SkipValue(data []byte, i int) int {
	if i == len(data) {
		return -1
	}
	switch data[i] {
	case '"':
		return skipString(data, i)
	case '{', '[':
		for depth := 0; i < len(data); {
			switch data[i] {
			case '"':
				if i = skipString(data, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	for i < len(data) && strings.IndexByte(",}] \n\t\r", data[i]) < 0 {
		i++
	}
	return i
}

// Depth returns how deep JSON is nested: 0 for a value that is neither object nor array. It does
// not check anything else.
func Depth(data []byte) (deepest int) {
	for i, now := 0, 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			end := skipString(data, i)
			if end < 0 {
				return deepest
			}
			i = end - 1
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}
	return deepest
}

// Unquote returns the text of a JSON string; false for another value. What is no
// UTF-8 becomes U+FFFD, as in package json.
func Unquote(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	inner := value[1 : len(value)-1]
	first := bytes.IndexByte(inner, '\\')
	switch {
	case first < 0 && utf8.Valid(inner):
		return string(inner), true
	case first < 0:
		return valid(string(inner)), true
	}
	var text strings.Builder // its text needs no copy
	text.Grow(len(inner))
	text.Write(inner[:first])
	ok := unescape(&text, inner[first:])
	if !utf8.ValidString(text.String()) {
		return valid(text.String()), ok
	}
	return text.String(), ok
}

// valid replaces each byte that is not UTF-8 by U+FFFD, as package json does.
func valid(s string) string { return string([]rune(s)) }

// unescape writes to dst what a JSON string with escapes says. It returns false for an
// escape that JSON does not have. Half of a surrogate pair becomes U+FFFD.
func unescape(dst *strings.Builder, s []byte) bool {
	for len(s) > 0 {
		n := bytes.IndexByte(s, '\\')
		if n < 0 {
			dst.Write(s)
			return true
		}
		dst.Write(s[:n])
		s = s[n+1:]
		if len(s) == 0 {
			return false
		}
		c := s[0]
		s = s[1:]
		switch c {
		case '"', '\\', '/':
			dst.WriteByte(c)
		case 'n':
			dst.WriteByte('\n')
		case 't':
			dst.WriteByte('\t')
		case 'r':
			dst.WriteByte('\r')
		case 'b':
			dst.WriteByte('\b')
		case 'f':
			dst.WriteByte('\f')
		case 'u':
			r, ok := hex4(s)
			if !ok {
				return false
			}
			s = s[4:]
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
					low, ok = hex4(s[2:])
				}
				if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
					s = s[6:]
				}
			}
			dst.WriteRune(r)
		default:
			return false
		}
	}
	return true
}

// hex4 reads four hexadecimal digits.
func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	r := rune(0)
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
