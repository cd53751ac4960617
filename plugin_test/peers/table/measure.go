package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// measuring is how rows are measured.
type measuring struct {
	peers    []peers.Peer
	rounds   int
	length   time.Duration // processor time of one measurement
	progress io.Writer
}

// report is what was measured.
type report struct {
	peers []peers.Peer
	lines []line
}

// line has the cells of a row, in the order of the peers.
type line struct {
	peers.Row
	cells []cell
}

// cell is what a call of one peer costs.
type cell struct {
	cannot      peers.Feature // that the peer lacks; the rest is zero then
	cpu         float64       // nanoseconds
	allocations float64
	ratio       float64 // of this module's processor time to the peer's
}

func (m *measuring) all(ctx context.Context, rows []peers.Row) (*report, error) {
	r := &report{peers: m.peers}
	for _, row := range rows {
		l, err := m.row(ctx, row)
		if err != nil {
			return nil, err
		}
		r.lines = append(r.lines, l)
	}
	return r, nil
}

// row lets the peers take turns, so that other load on the machine affects all of them.
func (m *measuring) row(ctx context.Context, row peers.Row) (line, error) {
	started := time.Now()
	sites, calls := make([]*peers.Site, len(m.peers)), make([]int, len(m.peers))
	defer func() {
		for _, site := range sites {
			if site != nil {
				site.Close()
			}
		}
	}()
	for i, peer := range m.peers {
		if peer.Cannot(row) != "" {
			continue
		}
		var err error
		if sites[i], err = row.Open(ctx, peer); err != nil {
			return line{}, err
		}
		if calls[i], err = m.warm(ctx, sites[i]); err != nil {
			return line{}, err
		}
	}
	figures := make([][]peers.Figure, len(m.peers))
	for range m.rounds {
		for i, site := range sites {
			if site == nil {
				continue
			}
			runtime.GC() // the garbage of one is not the next one's to collect
			figure, err := site.Run(ctx, calls[i])
			if err != nil {
				return line{}, fmt.Errorf("table: %s: %w", m.peers[i].Name, err)
			}
			figures[i] = append(figures[i], figure)
		}
	}
	fmt.Fprintf(m.progress, "%-40s %5.1f s\n", row.Name, time.Since(started).Seconds())
	return m.line(row, figures), nil
}

// warm makes calls until it knows how many fill one measurement.
func (m *measuring) warm(ctx context.Context, site *peers.Site) (calls int, _ error) {
	for calls = max(site.Parallel, 1); ; calls *= 2 {
		figure, err := site.Run(ctx, calls)
		if err != nil {
			return 0, err
		}
		if figure.CPU*4 >= m.length {
			return max(int(float64(calls)*float64(m.length)/float64(figure.CPU)), site.Parallel, 1), nil
		}
	}
}

// line makes medians of the rounds. A ratio is the median of those of single rounds,
// which were measured one right after the other.
func (m *measuring) line(row peers.Row, figures [][]peers.Figure) line {
	ours := slices.IndexFunc(m.peers, func(p peers.Peer) bool { return p.Name == peers.Ours })
	cpu := func(f peers.Figure) float64 { return float64(f.CPU) / float64(f.Calls) }
	l := line{Row: row}
	for i, peer := range m.peers {
		own := figures[i]
		if len(own) == 0 {
			l.cells = append(l.cells, cell{cannot: peer.Cannot(row)})
			continue
		}
		l.cells = append(l.cells, cell{
			cpu:         median(own, func(_ int, f peers.Figure) float64 { return cpu(f) }),
			allocations: median(own, func(_ int, f peers.Figure) float64 { return float64(f.Allocations) / float64(f.Calls) }),
			ratio:       median(own, func(round int, f peers.Figure) float64 { return cpu(figures[ours][round]) / cpu(f) }),
		})
	}
	return l
}

// median returns the median of what value returns for each of figures.
func median(figures []peers.Figure, value func(i int, f peers.Figure) float64) float64 {
	values := make([]float64, len(figures))
	for i, f := range figures {
		values[i] = value(i, f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
