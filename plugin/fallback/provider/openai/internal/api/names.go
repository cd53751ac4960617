package api

import (
	"hash/fnv"
	"strconv"
)

// maxName bounds the name of a function or schema, in bytes.
// https://github.com/openai/openai-openapi
const maxName = 64

// Names maps the function names sent to the API to the original names, where the two
// differ. It may be nil.
type Names map[string]string

// Original returns the name of the function that the model calls name.
func (n Names) Original(name string) string {
	if original, ok := n[name]; ok {
		return original
	}
	return name
}

// Wire returns the name for the API, and remembers which one it stands for.
func (n *Names) Wire(name string) string {
	allowed := AllowedID(name, maxName)
	if allowed != name {
		if *n == nil {
			*n = Names{}
		}
		(*n)[allowed] = name
	}
	return allowed
}

// AllowedID returns s if it has only letters, digits, "_" and "-", at least one and at
// most limit of them. Otherwise it returns a text that has, and that differs for
// different s.
func AllowedID(s string, limit int) string {
	ok := s != "" && len(s) <= limit
	for i := 0; i < len(s) && ok; i++ {
		ok = isAllowed(s[i])
	}
	if ok {
		return s
	}
	const suffix = 1 + 8
	b := make([]byte, 0, limit)
	for i := 0; i < len(s) && len(b) < limit-suffix; i++ {
		if c := s[i]; isAllowed(c) {
			b = append(b, c)
		} else {
			b = append(b, '_')
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	b = append(b, '_')
	return string(strconv.AppendUint(b, uint64(h.Sum32()), 36))
}

func isAllowed(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
