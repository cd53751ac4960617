package suite

// Runs returns how often a test repeats a property that it would try n times: under the race
// detector, which makes it about ten times as slow, a quarter as often. .ci/run runs the same
// tests without the detector.
func Runs(n int) int {
	if Race {
		return n/4 + 1
	}
	return n
}
