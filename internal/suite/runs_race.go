//go:build race

package suite

// Race tells whether the race detector runs.
const Race = true
