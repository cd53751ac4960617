package anthropic

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

var errNoObject = errors.New("the data is no whole JSON object")

// members calls visit with each member of the JSON object in data: the key
// without its quotes, and the value as it is written. Values are delimited, not
// checked. It allocates nothing: most events of a stream are a few letters in a
// hundred bytes of JSON, and decoding them by reflection would cost more than all
// else that is done with them.
func members(data []byte, visit func(key, value []byte)) error {
	rest := skipSpace(data)
	if len(rest) == 0 || rest[0] != '{' {
		return errNoObject
	}
	rest = skipSpace(rest[1:])
	if len(rest) > 0 && rest[0] == '}' {
		return atEnd(rest[1:])
	}
	for {
		n := stringEnd(rest)
		if n < 0 {
			return errNoObject
		}
		key := rest[1 : n-1]
		rest = skipSpace(rest[n:])
		if len(rest) == 0 || rest[0] != ':' {
			return errNoObject
		}
		rest = skipSpace(rest[1:])
		if n = valueEnd(rest); n <= 0 {
			return errNoObject
		}
		visit(key, rest[:n])
		rest = skipSpace(rest[n:])
		switch {
		case len(rest) > 0 && rest[0] == ',':
			rest = skipSpace(rest[1:])
		case len(rest) > 0 && rest[0] == '}':
			return atEnd(rest[1:])
		default:
			return errNoObject
		}
	}
}

func skipSpace(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t' || s[0] == '\r' || s[0] == '\n') {
		s = s[1:]
	}
	return s
}

func atEnd(rest []byte) error {
	if len(skipSpace(rest)) > 0 {
		return errNoObject
	}
	return nil
}

// stringEnd returns the length of the JSON string that s begins with, or -1.
func stringEnd(s []byte) int {
	if len(s) == 0 || s[0] != '"' {
		return -1
	}
	for i := 1; ; {
		n := bytes.IndexByte(s[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		slashes := 0
		for s[i-1-slashes] == '\\' {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
}

// valueEnd returns the length of the JSON value that s begins with, or -1.
func valueEnd(s []byte) int {
	if len(s) == 0 {
		return -1
	}
	switch s[0] {
	case '"':
		return stringEnd(s)
	case '{', '[':
		return bracketEnd(s)
	}
	if n := bytes.IndexAny(s, ",}] \t\r\n"); n >= 0 {
		return n
	}
	return -1 // it may go on
}

func bracketEnd(s []byte) int {
	for i, depth := 0, 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			n := stringEnd(s[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// unquote returns the text of a JSON string, "" for any other value. What is no
// UTF-8 becomes U+FFFD.
func unquote(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// object decodes s if it is one JSON object.
func object(s string) (m map[string]any, ok bool) {
	err := json.Unmarshal([]byte(s), &m)
	return m, err == nil && m != nil
}
