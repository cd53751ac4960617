package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Seal encrypts nothing, but the encrypted content of a reasoning item that it
// returns can be told from what another vendor made; Open undoes it.
func Seal(data []byte) string {
	sum := sha256.Sum256(append([]byte("fallbacktest"), data...))
	return "gAAAAA" + base64.RawURLEncoding.EncodeToString(append(sum[:8:8], data...))
}

// Open returns what Seal was given; ok is false if it has not made s.
func Open(s string) (data []byte, ok bool) {
	rest, ok := strings.CutPrefix(s, "gAAAAA")
	if !ok {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil || len(raw) < 8 {
		return nil, false
	}
	return raw[8:], Seal(raw[8:]) == s
}
