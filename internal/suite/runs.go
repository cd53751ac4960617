package suite

// Runs returns how often a test tries a property: n times, or about a quarter of that under the
// race detector, which makes the test about ten times as slow. .ci/run also runs these tests
// without the detector.
func Runs(n int) int {
	if Race {
		return n/4 + 1
	}
	return n
}
