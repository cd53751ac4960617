// Command replicas shows three gateways that share breakers and limits on one Redis server.
// Their provider fails and recovers repeatedly. README.md shows the output.
//
// main.go starts the parts, replica.go is one gateway, scenes.go has the scenes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"github.com/alicebob/miniredis/v2"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func main() {
	log.SetOutput(io.Discard) // the Gemini client logs there
	slog.SetDefault(slog.New(slog.DiscardHandler))
	redis := flag.String("redis", "", "`HOST:PORT` of a Redis server (default: one in memory)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *redis); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run plays all scenes. redis is the address of a server; "" for one in memory.
func run(ctx context.Context, out io.Writer, redis string) error {
	provider := fallbacktest.NewServer()
	defer provider.Close()
	if redis == "" {
		server, err := miniredis.Run()
		if err != nil {
			return fmt.Errorf("replicas: %w", err)
		}
		defer server.Close()
		redis = server.Addr()
	}
	s := &stage{out: out, provider: provider}
	for _, name := range []string{"a", "b", "c"} {
		r, err := open(ctx, name, provider.URL, redis)
		if err != nil {
			return fmt.Errorf("replicas: %w", err)
		}
		defer r.close()
		s.replicas = append(s.replicas, r)
	}
	return s.play(ctx)
}
