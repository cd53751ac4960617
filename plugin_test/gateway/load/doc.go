// Command load measures the gateway under load beside nginx as a plain reverse proxy, in one
// run and in front of the same provider. Provider, proxies and generator are processes on
// one machine. It needs Linux, and nginx for the comparison.
//
//	go run ./load                 # latency, throughput and streams: about 5 minutes
//	go run ./load -soak 10m       # memory and goroutines under faults
package main
