// Package replicas_test proves what replicas share: real processes over a real Redis
// server. Each process is this test binary, started again, and does what the test orders.
//
// Without redis-server in PATH the tests skip. The figures that they print depend on the
// machine, so that only generous bounds fail by default:
//
//	REPLICAS_STRICT=1 REPLICAS_OUTAGE=30s go test -run . -v ./plugin_test/replicas
//
// asserts the figures of the documentation, with outages of 30 s.
package replicas_test
