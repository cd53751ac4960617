// Command table measures every peer in every row and prints the processor time of
// a call, as a multiple of bifrost/core's.
//
//	go run ./table [-rounds 5] [-calls 2000]
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
	rounds := flag.Int("rounds", 5, "how often each figure is measured; the median counts")
	calls := flag.Int("calls", 2000, "calls of one measurement")
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

func write(row peers.Row, all figures) {
	cpu := func(peer string) float64 {
		return median(all[peer], func(f peers.Figure) float64 { return float64(f.CPUPerCall()) / float64(time.Microsecond) })
	}
	for _, peer := range peers.Peers() {
		name, own := peer.Name, cpu(peer.Name)
		wall := median(all[name], func(f peers.Figure) float64 { return float64(f.Wall) / float64(f.Calls) / float64(time.Microsecond) })
		conns := median(all[name], func(f peers.Figure) float64 { return float64(f.Connections) / float64(f.Calls) })
		fmt.Printf("%-20s %-14s %12.0f %15.2f %11.2f %13.0f %15.4f\n", row.Name, name, own, own/cpu(peers.Bifrost), own/cpu(peers.Floor), wall, conns)
	}
}

func median(all []peers.Figure, of func(peers.Figure) float64) float64 {
	values := make([]float64, len(all))
	for i, figure := range all {
		values[i] = of(figure)
	}
	slices.Sort(values)
	return values[len(values)/2]
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
