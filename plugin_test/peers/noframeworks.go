//go:build noframeworks

package peers

var frameworks []Peer
