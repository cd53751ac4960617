package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"
)

// settings are the flags.
type settings struct {
	provider string        // run as the provider on this address, and nothing else
	proxy    string        // run as a proxy on this address, and nothing else
	to       string        // base URL that the proxy passes requests on to
	root     string        // folder of the module adk-fallback
	self     string        // this program's file
	rate     int           // requests a second of the open loop
	round    time.Duration // of a measurement
	rounds   int           // of measurements, whose median is printed
	streams  int           // at the same time
	soak     time.Duration
}

func main() {
	var s settings
	flag.StringVar(&s.provider, "provider", "", "run as the provider on `ADDRESS`")
	flag.StringVar(&s.proxy, "proxy", "", "run as a proxy on `ADDRESS`")
	flag.StringVar(&s.to, "to", "", "with -proxy: the `URL` that it passes requests on to")
	flag.StringVar(&s.root, "root", "../..", "`FOLDER` of the module adk-fallback")
	flag.IntVar(&s.rate, "rate", 1000, "requests a second of the open loop")
	flag.DurationVar(&s.round, "round", 4*time.Second, "length of a measurement")
	flag.IntVar(&s.rounds, "rounds", 7, "measurements, whose median is printed")
	flag.IntVar(&s.streams, "streams", 5000, "slow streams at the same time")
	flag.DurationVar(&s.soak, "soak", 0, "run only the soak, for this long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	if s.provider != "" {
		return provide(ctx, s.provider)
	}
	if s.proxy != "" {
		return relay(ctx, s.proxy, s.to)
	}
	var err error
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	b, err := start(ctx, s)
	if err != nil {
		return err
	}
	defer b.stop()
	fmt.Printf("%s, %d CPUs, %s/%s; provider, proxy and generator beside each other\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	if s.soak > 0 {
		return b.soak(ctx, s)
	}
	if err := b.latency(ctx, s); err != nil {
		return err
	}
	if err := b.throughput(ctx, s); err != nil {
		return err
	}
	if err := b.flood(ctx, s); err != nil {
		return err
	}
	return b.slowStreams(ctx, s)
}
