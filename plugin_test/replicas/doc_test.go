// Package replicas_test tests shared state with real processes and a real Redis server. Each
// process is this test binary, started again; it runs the orders of the test.
//
// Without redis-server in PATH the tests skip. The figures that they print depend on the
// machine, so that only generous bounds fail by default:
//
//	REPLICAS_STRICT=1 REPLICAS_OUTAGE=30s go test -run . -v ./plugin_test/replicas
//
// asserts the figures of the documentation, with outages of 30 s.
package replicas_test
