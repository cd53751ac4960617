package peers

import (
	"slices"
	"strings"
	"time"
)

// Row is one thing that is measured of every peer: a call, the targets that it
// meets and how many of them are made at a time. The zero value of a field is what
// most rows have.
type Row struct {
	Name    string
	Wire    bool   // the targets are a server on loopback; otherwise they answer from memory
	Targets []Kind // in the order of the chain; never empty

	Cooling bool          // the targets that are down are behind breakers that have opened
	Cached  bool          // the answer is in a cache
	Hedge   time.Duration // after so long without content the next target is called too; 0 means never

	Chunks   int // of a streamed answer; 0 means that the call is not streamed
	Messages int // of the conversation, with the system's; 0 means 4
	Bytes    int // of the last message; 0 means that of an ordinary question
	Tools    int
	Parallel int // goroutines that call at a time; 0 means 1
}

// Kind says how a target behaves.
type Kind int

// The kinds of targets.
const (
	Up      Kind = iota // answers
	Down503             // fails with status 503
	Down429             // fails with status 429
	Silent              // says nothing until the call is cancelled
	Breaks              // fails after half of the chunks of its stream
)

// Feature is what a row needs of a peer. Its value is the word of a cell that the
// peer cannot fill.
type Feature string

// The features.
const (
	InMemory Feature = "in memory" // calls models that are not behind HTTP
	OverHTTP Feature = "client"    // has a client for chat completions
	Failover Feature = "failover"
	Breaker  Feature = "breaker"
	Cache    Feature = "cache"
	Hedge    Feature = "hedge"
	Resume   Feature = "resume" // continues a stream that has broken, without a repeated or a missing word
)

// Needs returns the features that a peer must have for the row.
func (r Row) Needs() []Feature {
	needs := []Feature{InMemory}
	if r.Wire {
		needs[0] = OverHTTP
	}
	add := func(f Feature, needed bool) {
		if needed {
			needs = append(needs, f)
		}
	}
	add(Breaker, r.Cooling)
	add(Cache, r.Cached)
	add(Hedge, r.Hedge > 0)
	add(Resume, r.resumes())
	add(Failover, len(r.Targets) > 1)
	return needs
}

// called returns how often one call of the row calls the target at i.
func (r Row) called(i int) int64 {
	switch {
	case r.Cached, slices.Contains(r.Targets[:i], Up):
		return 0
	case r.Cooling && r.Targets[i] != Up:
		return 0
	}
	return 1
}

// openAfter is how many failures in a row open a breaker.
const openAfter = 5

// primed returns how many calls open the breakers of the row, or fill its cache.
func (r Row) primed() int {
	switch {
	case r.Cooling:
		return openAfter
	case r.Cached:
		return 1
	}
	return 0
}

// Rows returns all rows: those in memory, then those over loopback HTTP.
func Rows() []Row {
	var (
		many   = append(slices.Repeat([]Kind{Down503}, 15), Up)
		pair   = Row{Targets: []Kind{Up, Up}}
		alone  = Row{Targets: []Kind{Up}, Cached: true}
		broken = Row{Targets: []Kind{Breaks, Up}}
	)
	both := []Row{
		pair.with("healthy call", func(*Row) {}),
		pair.with("healthy stream of 64", func(r *Row) { r.Chunks = 64 }),
		pair.with("failover on 503", func(r *Row) { r.Targets = []Kind{Down503, Up} }),
		pair.with("failover on 429", func(r *Row) { r.Targets = []Kind{Down429, Up} }),
		pair.with("failover, stream of 64", func(r *Row) { r.Targets, r.Chunks = []Kind{Down503, Up}, 64 }),
		pair.with("open breaker in front", func(r *Row) { r.Targets, r.Cooling = []Kind{Down503, Up}, true }),
		pair.with("16 targets, 15 failing", func(r *Row) { r.Targets = many }),
		pair.with("16 targets, 15 cooling", func(r *Row) { r.Targets, r.Cooling = many, true }),
		pair.with("hedge, not needed", func(r *Row) { r.Hedge = time.Minute }),
		pair.with("hedge, first is silent", func(r *Row) { r.Targets, r.Hedge = []Kind{Silent, Up}, time.Millisecond }),
		pair.with("64 goroutines", func(r *Row) { r.Parallel = 64 }),
		pair.with("1,000 goroutines", func(r *Row) { r.Parallel = 1000 }),
		pair.with("10 messages", func(r *Row) { r.Messages = 10 }),
		pair.with("1,000 messages", func(r *Row) { r.Messages = 1000 }),
		pair.with("64 tools", func(r *Row) { r.Tools = 64 }),
		pair.with("prompt of 1 KB", func(r *Row) { r.Bytes = 1 << 10 }),
		pair.with("prompt of 1 MB", func(r *Row) { r.Bytes = 1 << 20 }),
		pair.with("stream of 10", func(r *Row) { r.Chunks = 10 }),
		pair.with("stream of 10,000", func(r *Row) { r.Chunks = 10_000 }),
	}
	rows := append(slices.Clip(both),
		alone.with("cache hit", func(*Row) {}),
		alone.with("cache hit, 20 messages, 10 tools", func(r *Row) { r.Messages, r.Tools = 20, 10 }),
		broken.with("stream of 2,500, broken and resumed", func(r *Row) { r.Chunks = 2500 }),
		broken.with("stream of 10,000, broken and resumed", func(r *Row) { r.Chunks = 10_000 }),
	)
	for _, row := range both {
		rows = append(rows, row.with(row.Name, func(r *Row) { r.Wire = true }))
	}
	return rows
}

// with returns a copy of r with another name and what change sets.
func (r Row) with(name string, change func(*Row)) Row {
	r.Name = name
	change(&r)
	return r
}

// Text is what the answer of the row says, chunk by chunk. An answer that is not
// streamed is one chunk of 64 words.
func (r Row) Text() []string {
	if r.Chunks == 0 {
		return []string{strings.Join(words(64), "")}
	}
	return words(r.Chunks)
}

// resumes reports whether the stream of the row breaks, to be continued by the next
// target.
func (r Row) resumes() bool { return slices.Contains(r.Targets, Breaks) }
