// Command table measures every peer in every row and writes docs/benchmarks.md. It
// runs in the folder of this module:
//
//	go run ./table
//
// -rows and -peers select rows and peers by regular expressions. The result is then only
// printed, unless -o names a file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

func main() {
	log.SetOutput(io.Discard) // eino and genkit log each failover
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// page is where the whole table is written to by default.
const page = "../../docs/benchmarks.md"

// run makes the table that the arguments ask for. It writes it to out, and a line for
// each row to progress.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("table", flag.ContinueOnError)
	flags.SetOutput(progress)
	m := measuring{progress: progress}
	flags.IntVar(&m.rounds, "rounds", 7, "how often each figure is measured; the median counts")
	flags.DurationVar(&m.length, "for", 120*time.Millisecond, "processor time of one measurement")
	rows := flags.String("rows", "", "regular expression of the rows to measure; empty means all")
	only := flags.String("peers", "", "regular expression of the peers to measure, beside adk-fallback; empty means all")
	file := flags.String("o", "", "`file` to write (default: "+page+" for all rows and peers, otherwise none)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return fmt.Errorf("table: %w", err)
	}
	if m.rounds < 1 || m.length <= 0 {
		return errors.New("table: -rounds and -for must be positive")
	}
	selected, err := m.choose(*rows, *only)
	if err != nil {
		return err
	}
	report, err := m.all(ctx, selected)
	if err != nil {
		return err
	}
	text := report.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	if *file == "" {
		if *rows != "" || *only != "" {
			return nil
		}
		*file = page
	}
	if err := os.WriteFile(*file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	return nil
}

// choose returns the rows that the expression selects, and keeps the peers.
func (m *measuring) choose(rows, only string) (selected []peers.Row, _ error) {
	row, err := regexp.Compile(rows)
	if err != nil {
		return nil, fmt.Errorf("table: -rows: %w", err)
	}
	peer, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("table: -peers: %w", err)
	}
	for _, p := range peers.Peers() {
		if p.Name == peers.Ours || peer.MatchString(p.Name) {
			m.peers = append(m.peers, p)
		}
	}
	for _, r := range peers.Rows() {
		if row.MatchString(r.Name) {
			selected = append(selected, r)
		}
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("table: -rows %s selects no row", rows)
	}
	return selected, nil
}
