// Package duration writes durations as people write them in files.
package duration

import (
	"strings"
	"time"
)

// Text returns d without the zeros that time.Duration's own text ends with: 5m,
// not 5m0s.
func Text(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
