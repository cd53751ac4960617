package redact

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// Digest is a short digest of a name that may be personal data, such as a tenant's, for
// metrics and pages: the first six bytes of its SHA-256. The zero value is that of no name.
type Digest [6]byte

// DigestOf returns the digest of a name as [match.Fold] has it, and the zero Digest for "".
// All ways to write a name have one digest, because a budget counts them as one tenant.
func DigestOf(name string) (d Digest) {
	if name = match.Fold(name); name != "" {
		sum := sha256.Sum256([]byte(name))
		copy(d[:], sum[:])
	}
	return d
}

// String returns twelve hexadecimal digits, and "" for no name.
func (d Digest) String() string {
	if d == (Digest{}) {
		return ""
	}
	return hex.EncodeToString(d[:])
}
