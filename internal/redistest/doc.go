// Package redistest starts Redis servers for tests, from the binary of the machine, and puts
// what can go wrong between a client and a server. In CI, .ci/run installs the binary.
//
//	server := redistest.Start(t) // skips the test if the machine has no redis-server
//	link := redistest.NewLink(t, server)
//	store, err := redis.Open(link.URL())
//	link.Cut() // a partition
package redistest
