package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// debugPath is the path of the status page.
const debugPath = "/debug/fallback/"

// routeFile is a policy file and the name of its route.
type routeFile struct{ name, file string }

// routeFiles returns the policy files of a path: the path itself, or the files in it if it is a
// folder, in order. It skips the keys file, and hidden files, in which Kubernetes keeps versions.
func routeFiles(path, keys string) ([]routeFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []routeFile{{routeName(path), path}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []routeFile
	for _, entry := range entries {
		file := filepath.Join(path, entry.Name())
		if ext := filepath.Ext(file); strings.HasPrefix(entry.Name(), ".") || ext != ".yaml" && ext != ".yml" || isSame(file, keys) {
			continue
		}
		if i := slices.IndexFunc(files, func(f routeFile) bool { return f.name == routeName(file) }); i >= 0 {
			return nil, fmt.Errorf("%s and %s have the same route, %s; rename one", files[i].file, file, files[i].name)
		}
		files = append(files, routeFile{routeName(file), file})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no policy; a policy is a file *.yaml or *.yml in it", path)
	}
	return files, nil
}

func routeName(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// isSame reports whether two names are of the same file.
func isSame(file, other string) bool {
	a, err := os.Stat(file)
	b, err2 := os.Stat(other)
	return err == nil && err2 == nil && os.SameFile(a, b)
}

// house has all that serve serves: a gateway, and its pages for operators.
type house struct {
	gateway *gateway.Gateway
	names   []string // of the routes
	lives   []*policy.Live
	done    chan struct{} // closed by close
}

// openHouse builds all policies. It prints the mistakes of every file to errOut. Policies and
// keys are reloaded until ctx ends.
func openHouse(ctx context.Context, files []routeFile, f *serveFlags, logger *slog.Logger, errOut io.Writer) (_ *house, err error) {
	h := &house{done: make(chan struct{})}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("serve: metrics: %w", err)
	}
	meters := sdk.NewMeterProvider(sdk.WithReader(exporter))
	page := debugpage.New(debugpage.Config{AllowBreakerControl: f.control})
	config := gateway.Config{Routes: map[string]*policy.Live{}, Limits: f.limits, Logger: logger}
	var problems []error
	for _, file := range files {
		var provider metric.MeterProvider = meters
		if len(files) > 1 {
			provider = routeMeters{meters, file.name}
		}
		live, err := policy.WatchLive(ctx, file.file, anthropic.Provider, policy.WithLogger(logger.With("route", file.name)),
			policy.WithHooks(page.Hooks()), policy.WithMeterProvider(provider), policy.WithState(redis.Open))
		if err != nil {
			problems = append(problems, printedProblems(errOut, file.file, err))
			continue
		}
		page.Watch(live.Model())
		h.lives, h.names = append(h.lives, live), append(h.names, file.name)
		config.Routes[file.name] = live
		if live.Policy().Observe == nil {
			logger.Warn("serve: the policy has no section observe, so /metrics does not have its calls", "file", file.file)
		}
	}
	if f.keys != "" {
		if config.Keys, err = gateway.WatchKeys(ctx, f.keys, 0, logger); err != nil {
			problems = append(problems, printedProblems(errOut, f.keys, err))
		}
	}
	if problems != nil {
		return nil, oneOf(problems)
	}
	if h.gateway, err = gateway.New(config); err != nil {
		return nil, errors.New("serve: " + asFlags.Replace(err.Error()))
	}
	admin := http.NewServeMux()
	admin.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	admin.Handle(debugPath, page)
	admin.Handle("/{$}", http.RedirectHandler(debugPath, http.StatusFound))
	f.server.Admin = admin
	return h, nil
}

func (h *house) close() {
	close(h.done)
	for _, live := range h.lives {
		_ = live.Close() // always nil: it waits for refreshes of the cache
	}
}

// printedProblems prints the mistakes of a file, and returns errProblems, or else the error.
func printedProblems(out io.Writer, file string, err error) error {
	if bad, ok := errors.AsType[*spec.Error](err); ok {
		return errors.Join(errProblems, printProblems(out, file, bad.Problems))
	}
	if bad, ok := errors.AsType[*gateway.KeysError](err); ok {
		return errors.Join(errKeys, printProblems(out, file, bad.Problems))
	}
	return err
}

// oneOf returns what serve says of errors, some of which may be printed already.
func oneOf(problems []error) error {
	rest := slices.DeleteFunc(slices.Clone(problems), func(err error) bool { return errors.Is(err, errProblems) })
	switch {
	case len(rest) > 0:
	case !slices.ContainsFunc(problems, func(err error) bool { return !errors.Is(err, errKeys) }):
		return fmt.Errorf("serve: %w; nothing is served", errKeys)
	default:
		return fmt.Errorf("serve: %w", errServed)
	}
	for i, err := range rest {
		rest[i] = fmt.Errorf("serve: %w", err)
	}
	return errors.Join(rest...)
}

// errServed is errProblems for files that are no policies too.
var errServed = fmt.Errorf("%w; nothing is served", errProblems)

// errKeys is errProblems for a keys file.
var errKeys = keysProblems{errProblems}

type keysProblems struct{ error }

func (keysProblems) Error() string   { return "the keys file has errors" }
func (e keysProblems) Unwrap() error { return e.error }

// routeMeters makes meters whose metrics have the name of the route, so that those of several
// policies differ.
type routeMeters struct {
	metric.MeterProvider
	route string
}

// Meter implements metric.MeterProvider.
func (r routeMeters) Meter(name string, options ...metric.MeterOption) metric.Meter {
	return r.MeterProvider.Meter(name, append(options, metric.WithInstrumentationAttributes(attribute.String("route", r.route)))...)
}
