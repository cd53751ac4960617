// Command table measures every peer in every row and prints the processor time of
// a call, as a multiple of bifrost/core's.
//
//	go run ./table [-rounds 15] [-calls 400]
package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

func main() {
	rounds := flag.Int("rounds", 15, "how often each figure is measured; the median counts")
	calls := flag.Int("calls", 400, "calls of one measurement")
	flag.Parse()
	if err := run(*rounds, *calls); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(rounds, calls int) error {
	if rounds < 1 || calls < 1 {
		return fmt.Errorf("table: -rounds and -calls must be at least 1")
	}
	machine()
	server := peers.NewServer()
	defer server.Close()
	fmt.Printf("\n%-20s %-14s %12s %15s %11s %13s %15s\n", "row", "peer", "CPU µs/call", "× "+peers.Bifrost, "× "+peers.Floor, "wall µs/call", "new conns/call")
	for _, row := range peers.Rows() {
		figures, err := measure(row, server, rounds, calls)
		if err != nil {
			return err
		}
		write(row, figures)
	}
	return nil
}

// figures are those of one row, by peer, one for each round.
type figures map[string][]peers.Figure

// measure has the peers take turns, so that what else the machine does falls on
// all of them.
func measure(row peers.Row, server *peers.Server, rounds, calls int) (figures, error) {
	all, clients := make(figures), make(map[string]peers.Client)
	defer func() {
		for _, client := range clients {
			client.Close()
		}
	}()
	for round := range rounds + 1 {
		for _, peer := range peers.Peers() {
			n := calls
			if round == 0 { // warms the client up
				client, err := row.Open(server, peer)
				if err != nil {
					return nil, fmt.Errorf("table: %s: %w", peer.Name, err)
				}
				clients[peer.Name], n = client, max(calls/10, 128)
			}
			runtime.GC() // the garbage of one is not the next one's to collect
			figure, err := row.Run(context.Background(), server, clients[peer.Name], n)
			if err != nil {
				return nil, fmt.Errorf("table: %s: %w", peer.Name, err)
			}
			if round > 0 {
				all[peer.Name] = append(all[peer.Name], figure)
			}
		}
	}
	return all, nil
}

// write prints the medians. A ratio is the median of those of single rounds, which
// were measured one right after the other.
func write(row peers.Row, all figures) {
	cpu := func(f peers.Figure) float64 { return float64(f.CPUPerCall()) / float64(time.Microsecond) }
	for _, peer := range peers.Peers() {
		own := all[peer.Name]
		beside := func(name string) float64 {
			return median(len(own), func(i int) float64 { return cpu(own[i]) / cpu(all[name][i]) })
		}
		wall := func(i int) float64 { return float64(own[i].Wall) / float64(own[i].Calls) / float64(time.Microsecond) }
		conns := func(i int) float64 { return float64(own[i].Connections) / float64(own[i].Calls) }
		fmt.Printf("%-20s %-14s %12.0f %15.2f %11.2f %13.0f %15.4f\n", row.Name, peer.Name,
			median(len(own), func(i int) float64 { return cpu(own[i]) }), beside(peers.Bifrost), beside(peers.Floor), median(len(own), wall), median(len(own), conns))
	}
}

// median returns the median of n values.
func median(n int, value func(i int) float64) float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = value(i)
	}
	slices.Sort(values)
	return values[n/2]
}

// machine prints what the figures depend on.
func machine() {
	fmt.Printf("%s %s/%s, %d × %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cmp.Or(processor(), "processor of unknown name"))
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, dep := range info.Deps {
		switch dep.Path {
		case "github.com/maximhq/bifrost/core", "github.com/openai/openai-go/v3", "google.golang.org/adk/v2", "google.golang.org/genai":
			fmt.Println(dep.Path, dep.Version)
		}
	}
}

// processor is the processor's name as Linux tells it, else "".
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return ""
}
