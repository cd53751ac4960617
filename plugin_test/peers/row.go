package peers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Row is one thing that is measured of every peer.
type Row struct {
	Name     string
	Targets  []string // paths of the [Server], asked in order
	Stream   bool
	Parallel int // goroutines that call at a time; 0 means 1
}

// Rows returns all rows.
func Rows() []Row {
	return []Row{
		{Name: "unary", Targets: []string{"/up"}},
		{Name: fmt.Sprintf("stream of %d", Chunks), Targets: []string{"/up"}, Stream: true},
		{Name: "failover on 503", Targets: []string{"/503", "/up"}},
		{Name: "failover on 429", Targets: []string{"/429", "/up"}},
		{Name: "unary, 64 at a time", Targets: []string{"/up"}, Parallel: 64},
	}
}

// Figure is what calls have cost.
type Figure struct {
	Calls       int
	CPU, Wall   time.Duration // of all calls; CPU is that of the whole process, the server included
	Connections int64         // that the server saw opened
	Requests    int64         // that the server saw
}

// CPUPerCall returns the processor time of one call.
func (f Figure) CPUPerCall() time.Duration { return f.CPU / time.Duration(f.Calls) }

// Run makes calls calls as row says and returns what they cost. Every answer is
// checked: it must be the whole [Answer], and every target must have been asked.
func (row Row) Run(ctx context.Context, server *Server, client Client, calls int) (Figure, error) {
	connections, requests := server.Counts()
	cpu, started := processCPU(), time.Now()
	if err := row.calls(ctx, client, calls); err != nil {
		return Figure{}, err
	}
	figure := Figure{Calls: calls, Wall: time.Since(started), CPU: processCPU() - cpu}
	figure.Connections, figure.Requests = server.Counts()
	figure.Connections -= connections
	figure.Requests -= requests
	if want := int64(calls * len(row.Targets)); figure.Requests != want {
		return Figure{}, fmt.Errorf("peers: %s: the server saw %d requests, want %d", row.Name, figure.Requests, want)
	}
	return figure, nil
}

func (row Row) calls(ctx context.Context, client Client, calls int) error {
	var left atomic.Int64
	left.Store(int64(calls))
	failures := make([]error, max(row.Parallel, 1))
	var wg sync.WaitGroup
	for i := range failures {
		wg.Go(func() {
			for left.Add(-1) >= 0 && failures[i] == nil {
				text, err := client.Call(ctx, row.Stream)
				if err == nil && text != Answer {
					err = fmt.Errorf("peers: %s: the answer has %d bytes, want %d", row.Name, len(text), len(Answer))
				}
				failures[i] = err
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// Open makes a client of peer for row.
func (row Row) Open(server *Server, peer Peer) (Client, error) {
	var targets []string
	for _, path := range row.Targets {
		targets = append(targets, server.URL+path)
	}
	return peer.New(targets...)
}

// processCPU returns the processor time that the process has used, of all threads
// and in the kernel too.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // RUSAGE_SELF is always allowed
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
