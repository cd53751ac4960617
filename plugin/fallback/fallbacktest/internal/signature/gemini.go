package signature

import (
	"crypto/sha256"
	"strconv"
)

// Gemini is what a Gemini model signs its calls with. As in reality it is worth
// nothing to another model, or to the same one behind the other API.
func Gemini(model string, vertex bool) []byte {
	sum := sha256.Sum256([]byte("gemini signature of " + model + " vertex " + strconv.FormatBool(vertex)))
	return sum[:]
}
