// Package race tells tests whether the race detector is on, which makes code about ten times as
// slow and makes a sync.Pool drop items at random.
package race

// Runs returns how often a test tries a property: n times, or about a quarter of that under the
// race detector. .ci/run also runs these tests without the detector.
func Runs(n int) int {
	if Enabled {
		return n/4 + 1
	}
	return n
}

// Every returns n, or 5n under the race detector, for a test that tries every n-th of many cases.
// .ci/run also runs these tests without the detector.
func Every(n int) int {
	if Enabled {
		return 5 * n
	}
	return n
}
