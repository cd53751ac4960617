package peers

import (
	"context"
	"slices"
)

// Client makes the call of a row. It is safe for concurrent use.
type Client interface {
	// Call makes one call and passes the text of the answer to show, chunk by chunk
	// if it is streamed. show is never called concurrently.
	Call(ctx context.Context, show func(text string)) error
	// Close frees what the client holds.
	Close()
}

// Peer is a way to call models.
type Peer struct {
	Name   string
	Module string // path of its Go module; empty for the standard library and for this module
	// Alternative is true for a peer that a user could choose instead of this module. The
	// others are for comparison: a bound, or this module used in another way.
	Alternative bool
	Has         []Feature
	// New makes a client for the targets of a site whose row it can do.
	New func(*Site) (Client, error)
}

// The names of the peers that others are compared with.
const (
	Ours  = "adk-fallback"
	Floor = "net/http"
)

// Peers returns all peers, this module first. Built with the tag noframeworks, it leaves
// out the frameworks.
func Peers() []Peer {
	return slices.Concat([]Peer{
		{Ours, "", false, []Feature{InMemory, OverHTTP, Failover, Breaker, Cache, Hedge, Resume}, newOurs},
		{"policy file", "", false, []Feature{InMemory, OverHTTP, Failover, Breaker, Cache, Hedge, Resume}, newPolicy},
		{"failsafe-go", "github.com/failsafe-go/failsafe-go", true, []Feature{InMemory, OverHTTP, Failover, Breaker, Cache, Hedge}, newFailsafe},
	}, frameworks, []Peer{
		{"openai-go", "github.com/openai/openai-go/v3", true, []Feature{OverHTTP, Failover}, newSDK},
		{Floor, "", false, []Feature{OverHTTP, Failover}, newFloor},
	})
}

// Cannot returns the feature of the row that the peer lacks, or "" if it can do it.
func (p Peer) Cannot(row Row) Feature {
	for _, need := range row.Needs() {
		if !slices.Contains(p.Has, need) {
			return need
		}
	}
	return ""
}
