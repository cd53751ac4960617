package peers

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Site is where one client of a row finds its targets.
type Site struct {
	Row
	Targets []*Target
	Text    []string // what the answer says, chunk by chunk

	client Client
	server *httptest.Server // nil in memory
}

// Target is one model of a site.
type Target struct {
	Kind Kind
	Name string
	URL  string // base URL without "/v1"; empty in memory

	calls atomic.Int64
}

// Figure is the cost of calls.
type Figure struct {
	Calls       int
	CPU         time.Duration // processor time of all calls, of the whole process, the server included
	Allocations uint64        // of all calls, of the whole process
}

// Open makes a client of peer for the row and makes the calls that open its breakers
// or fill its cache. The peer must be able to do the row.
func (r Row) Open(ctx context.Context, peer Peer) (*Site, error) {
	s := &Site{Row: r, Text: r.Text()}
	if r.Wire {
		s.server = httptest.NewServer(s.handler())
	}
	for i, kind := range r.Targets {
		target := &Target{Kind: kind, Name: "gpt-4o-mini-" + string(rune('a'+i))}
		if r.Wire {
			target.URL = fmt.Sprintf("%s/%d", s.server.URL, i)
		}
		s.Targets = append(s.Targets, target)
	}
	var err error
	if s.client, err = peer.New(s); err != nil {
		s.Close()
		return nil, fmt.Errorf("peers: %s: %s: %w", r.Name, peer.Name, err)
	}
	for range r.primed() {
		if err := s.Call(ctx, func(string) {}); err != nil {
			s.Close()
			return nil, fmt.Errorf("peers: %s: %s: %w", r.Name, peer.Name, err)
		}
	}
	return s, nil
}

// Close ends the client and the server.
func (s *Site) Close() {
	if s.client != nil {
		s.client.Close()
	}
	if s.server != nil {
		s.server.CloseClientConnections()
		s.server.Close()
	}
}

// Call makes one call.
func (s *Site) Call(ctx context.Context, show func(text string)) error {
	return s.client.Call(ctx, show)
}

// Run makes calls calls and returns what they cost. Every answer must be as long as
// the text of the site, and every target must be called as often as the row says.
func (s *Site) Run(ctx context.Context, calls int) (Figure, error) {
	before := make([]int64, len(s.Targets))
	for i, target := range s.Targets {
		before[i] = target.calls.Load()
	}
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	cpu := processCPU()
	if err := s.calls(ctx, calls); err != nil {
		return Figure{}, fmt.Errorf("peers: %s: %w", s.Name, err)
	}
	figure := Figure{Calls: calls, CPU: processCPU() - cpu}
	runtime.ReadMemStats(&end)
	figure.Allocations = end.Mallocs - start.Mallocs
	for i, target := range s.Targets {
		// A busy machine may cancel a silent target before the call has reached it.
		if got, want := target.calls.Load()-before[i], int64(calls)*s.called(i); got != want && target.Kind != Silent {
			return Figure{}, fmt.Errorf("peers: %s: target %d was called %d times in %d calls, want %d", s.Name, i, got, calls, want)
		}
	}
	return figure, nil
}

func (s *Site) calls(ctx context.Context, calls int) error {
	want := len(strings.Join(s.Text, ""))
	var left atomic.Int64
	left.Store(int64(calls))
	failures := make([]error, max(s.Parallel, 1))
	var wg sync.WaitGroup
	for i := range failures {
		wg.Go(func() {
			for left.Add(-1) >= 0 && failures[i] == nil {
				got := 0
				err := s.Call(ctx, func(text string) { got += len(text) })
				if err == nil && got != want {
					err = fmt.Errorf("the answer has %d bytes, want %d", got, want)
				}
				failures[i] = err
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// processCPU returns the processor time that the process has used, of all threads
// and in the kernel too.
func processCPU() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for another who or a bad pointer
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
