//go:build !noframeworks

package peers

// frameworks take minutes to compile.
var frameworks = []Peer{
	{"eino", "github.com/cloudwego/eino", true, []Feature{InMemory, Failover}, newEino},
	{"genkit", "github.com/firebase/genkit/go", true, []Feature{InMemory, OverHTTP, Failover}, newGenkit},
	{"bifrost/core", "github.com/maximhq/bifrost/core", true, []Feature{OverHTTP, Failover}, newBifrost},
}
