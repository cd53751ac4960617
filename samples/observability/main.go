// Command observability shows what metrics, the debug page and alerts tell of an outage.
// README.md shows what it prints, and how to connect Prometheus and Grafana.
//
// An application's part is in [open]; outage.go has the built-in provider and the load,
// readout.go prints the metrics.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	_ "github.com/glebarez/sqlite" // registers the driver of the queue's file
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

//go:embed fallback.yaml
var file []byte

// options are the command's flags.
type options struct {
	serve bool          // until Ctrl-C, and play the outage again and again
	addr  string        // of the server
	phase time.Duration // how long each phase takes
}

func main() {
	log.SetOutput(io.Discard) // the Gemini client logs there
	var o options
	flag.BoolVar(&o.serve, "serve", false, "serve metrics and the debug page until Ctrl-C, and repeat the outage")
	flag.StringVar(&o.addr, "addr", "127.0.0.1:9464", "`address` to serve at, with -serve")
	flag.DurationVar(&o.phase, "phase", 0, "length of each phase of the outage (default: 2s, and 4m with -serve)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) error {
	server := fallbacktest.NewServer()
	defer server.Close()
	if o.phase == 0 {
		o.phase = 2 * time.Second
		if o.serve {
			o.phase = 4 * time.Minute // long enough for the alerts
		}
	}
	d, err := open(ctx, server)
	if err != nil {
		return err
	}
	defer d.close()
	if !o.serve {
		return d.play(ctx, out, o.phase)
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("observability: %w", err)
	}
	web := &http.Server{Handler: d.handler(), ReadHeaderTimeout: 5 * time.Second}
	go web.Serve(listener) // ends with Close
	defer web.Close()
	fmt.Fprintf(out, "metrics     http://%s/metrics\ndebug page  http://%[1]s/debug/fallback/\n\n", listener.Addr())
	for ctx.Err() == nil {
		if err := d.play(ctx, out, o.phase); err != nil {
			return err
		}
	}
	return nil
}

// desk is the application: a help desk whose model is the policy.
type desk struct {
	server   *fallbacktest.Server
	model    model.LLM
	registry *prometheus.Registry
	page     *debugpage.Page
	queue    *jobs.Queue
	close    func()
}

// open builds the model of the policy, with metrics, a debug page and a queue for deferred
// answers.
func open(ctx context.Context, server *fallbacktest.Server) (d *desk, err error) {
	d = &desk{server: server, registry: prometheus.NewRegistry(), page: debugpage.New(debugpage.Config{AllowBreakerControl: true})}
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(d.registry))
	if err != nil {
		return nil, fmt.Errorf("observability: %w", err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))

	dir, err := os.MkdirTemp("", "adk-fallback-")
	if err != nil {
		return nil, fmt.Errorf("observability: %w", err)
	}
	quiet := slog.New(slog.DiscardHandler) // an application would log; here the screen shows it
	d.queue, err = jobs.Open(ctx, jobs.Config{File: filepath.Join(dir, "jobs.db"), Workers: 2, Backoff: 30 * time.Second, Deliver: deliver, Logger: quiet})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("observability: %w", err), os.RemoveAll(dir))
	}
	p, err := spec.Parse(file)
	if err != nil {
		return nil, err
	}
	models, err := d.models(ctx)
	if err != nil {
		return nil, err
	}
	d.model, err = policy.Build(ctx, p, models, // an application would use policy.Watch
		policy.WithMeterProvider(meters), policy.WithHooks(d.page.Hooks()), policy.WithDeferred(degrade.DeferredConfig{Queue: d.queue}), policy.WithLogger(quiet))
	if err != nil {
		return nil, err
	}
	d.page.Watch(d.model)
	observer, err := observe.New(meters.Meter("observability"), nil)
	if err != nil {
		return nil, err
	}
	observer.WatchJobs(d.queue)

	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.queue.Run(ctx, d.model) }() // ends with cancel
	d.close = func() {
		cancel()
		<-ended
		d.queue.Close()
		os.RemoveAll(dir)
	}
	return d, nil
}

// handler serves the metrics and the debug page.
func (d *desk) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{}))
	mux.Handle("/debug/fallback/", d.page)
	mux.Handle("/{$}", http.RedirectHandler("/debug/fallback/", http.StatusFound))
	return mux
}
