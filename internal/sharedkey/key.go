// Package sharedkey makes the keys of state that replicas share.
package sharedkey

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxReadable is the longest name that a key shows as it is, in bytes.
const maxReadable = 80

// Of returns the key of something with that name, such as a model, among those of its kind.
// An unusual or long name is replaced by its SHA-256, so that a key is short and printable.
func Of(kind, name string) string {
	odd := strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
	if odd || name == "" || len(name) > maxReadable || strings.HasPrefix(name, "sha256:") {
		sum := sha256.Sum256([]byte(name))
		name = "sha256:" + hex.EncodeToString(sum[:])
	}
	return kind + ":" + name
}
