package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	keys      string
	server    gateway.ServerConfig
	limits    gateway.Limits
	logFormat string
	logLevel  string
	control   bool
}

func newServe() *cobra.Command {
	f := serveFlags{limits: gateway.Limits{MaxBody: 20 << 20}}
	cmd := &cobra.Command{
		Use:   "serve FILE|FOLDER",
		Short: "Serve policies over HTTP, to clients of OpenAI and Gemini",
		Long: `Serve answers requests in the protocols of OpenAI and Gemini with the models of a policy. A FOLDER has several policies:
each file *.yaml or *.yml in it is a route, named after the file without its extension. A file is reloaded when it
changes; if the new file has mistakes, they are logged, and the current policy stays in use.

--keys names a file with the hashes of API keys, one or more for each tenant; see adk-fallback keys new. Without keys,
serve listens on loopback addresses only.

--admin-addr is for operators and has no authentication: /metrics (for Prometheus), /debug/fallback/ (the status page),
/healthz and /readyz. The latter two are also served at --addr.

On SIGTERM, SIGHUP or Ctrl-C, /readyz fails. After --drain-delay, no connection is accepted. Calls in progress have
--drain to end; a second signal ends them at once. Logs go to standard error. Each request has a line, without its query,
body and key, unless --log-level is warn or error.

docs/gateway.md describes the endpoints, docs/gateway-operation.md keys, limits, shutdown and logs.

` + exitHelp,
		Example: `  adk-fallback serve fallback.yaml
  adk-fallback serve --keys keys.yaml --addr :8900 policies/
  adk-fallback serve --keys keys.yaml --addr :443 --tls-cert cert.pem --tls-key key.pem fallback.yaml
  curl http://127.0.0.1:8900/v1/models`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("serve needs exactly one FILE, or a FOLDER with several")
			}
			return nil
		},
		ValidArgsFunction: completeOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return serve(cmd.Context(), args[0], &f, cmd.ErrOrStderr())
		},
	}
	f.register(cmd)
	return cmd
}

// register adds the flags to a command.
func (f *serveFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.server.Addr, "addr", "127.0.0.1:8900", "`address` of the endpoints")
	flags.StringVar(&f.server.AdminAddr, "admin-addr", "127.0.0.1:8901", "`address` of the pages for operators; \"\" for none")
	flags.BoolVar(&f.control, "admin-control", false, "let the status page open and close breakers")
	flags.StringVar(&f.keys, "keys", "", "`file` with the hashes of API keys")
	flags.BoolVar(&f.server.AllowNoKeys, "insecure-no-keys", false, "listen on any address without keys")
	flags.StringVar(&f.server.CertFile, "tls-cert", "", "`file` with the TLS certificate and its chain, in PEM")
	flags.StringVar(&f.server.KeyFile, "tls-key", "", "`file` with the private key of --tls-cert, in PEM")
	flags.BoolVar(&f.server.H2C, "h2c", false, "also accept HTTP/2 without TLS")
	flags.DurationVar(&f.server.Drain, "drain", 30*time.Second, "how long calls in progress may continue after --drain-delay")
	flags.DurationVar(&f.server.DrainDelay, "drain-delay", time.Second, "how long connections are still accepted after a signal to end")
	flags.Var((*size)(&f.limits.MaxBody), "max-body", "largest body of a request, such as 20MiB")
	flags.IntVar(&f.limits.MaxCalls, "max-calls", 10_000, "maximum `number` of calls in progress at a time, including streams")
	flags.IntVar(&f.limits.MaxTenantCalls, "max-tenant-calls", 0, "maximum `number` of calls in progress of a tenant (default: half of --max-calls)")
	flags.StringVar(&f.logFormat, "log-format", "text", "`format` of the log: text or json")
	flags.StringVar(&f.logLevel, "log-level", "info", "lowest `level` that is logged: debug, info, warn or error; requests are info")
	_ = cmd.MarkFlagFilename("keys", policyExtensions...) // fails for a flag that does not exist
	_ = cmd.MarkFlagFilename("tls-cert", "pem", "crt")
	_ = cmd.MarkFlagFilename("tls-key", "pem", "key")
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(slices.Sorted(maps.Keys(logLevels)), cobra.ShellCompDirectiveNoFileComp))
	completeNothing(cmd, "addr", "admin-addr", "drain", "drain-delay", "max-body", "max-calls", "max-tenant-calls")
}

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// logger returns a logger with the format and the level of the flags.
func (f *serveFlags) logger(out io.Writer) (*slog.Logger, error) {
	level, ok := logLevels[f.logLevel]
	if !ok {
		return nil, fmt.Errorf("serve: --log-level is %.64q; it must be debug, info, warn or error", f.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(out, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, options)), nil
	}
	return nil, fmt.Errorf("serve: --log-format is %.64q; it must be text or json", f.logFormat)
}

// asFlags replaces the fields that errors of package gateway name with the flags and files that set them.
var asFlags = strings.NewReplacer(
	"Config.Keys", "--keys", "ServerConfig.AllowNoKeys", "--insecure-no-keys", "ServerConfig.AdminAddr", "--admin-addr", "ServerConfig.Addr", "--addr",
	"ServerConfig: one of CertFile and KeyFile", "one of --tls-cert and --tls-key", "Config.Routes: ", "file name ",
)

// check returns an error for a flag that the library would take for its default.
func (f *serveFlags) check() error {
	for _, flag := range []struct {
		name  string
		value int64
		least int64
	}{
		{"max-calls", int64(f.limits.MaxCalls), 1}, {"max-tenant-calls", int64(f.limits.MaxTenantCalls), 0}, {"max-body", int64(f.limits.MaxBody), 1},
	} {
		if flag.value < flag.least {
			return fmt.Errorf("serve: --%s is %d; it must be at least %d", flag.name, flag.value, flag.least)
		}
	}
	switch {
	case f.server.Drain <= 0:
		return fmt.Errorf("serve: --drain is %v; it must be above 0s", f.server.Drain)
	case f.server.DrainDelay < 0:
		return fmt.Errorf("serve: --drain-delay is %v; it must be at least 0s", f.server.DrainDelay)
	}
	return nil
}

// serve serves until ctx ends or a signal comes.
func serve(ctx context.Context, path string, f *serveFlags, errOut io.Writer) error {
	logger, err := f.logger(errOut)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // it is ignored under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	go boundGarbage(ctx)
	files, err := routeFiles(path, f.keys)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	h, err := openHouse(ctx, files, f, logger, errOut)
	if err != nil {
		return err
	}
	defer h.close()
	server, err := gateway.Listen(h.gateway, f.server)
	if err != nil {
		return errors.New("serve: " + asFlags.Replace(err.Error()))
	}
	attributes := []any{"address", server.Addr().String(), "routes", strings.Join(h.names, " "), "keys", f.keys != "", "tls", f.server.CertFile != ""}
	if addr := server.AdminAddr(); addr != nil {
		attributes = append(attributes, "admin_address", addr.String())
	}
	logger.Info("serve: ready", attributes...)
	go func() { // ends with ctx
		for _, end := range []func(){stop, func() { _ = server.Close() }} {
			select {
			case <-signals:
				end()
			case <-h.done:
				return
			}
		}
	}()
	if err := server.Serve(ctx); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// size is a number of bytes as a flag.
type size int

// Type names the type for messages.
func (s *size) Type() string { return "size" }

func (s *size) String() string {
	switch n := int(*s); {
	case n > 0 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "MiB"
	case n > 0 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + "KiB"
	default:
		return strconv.Itoa(n)
	}
}

// Set reads a number of bytes, with KiB or MiB behind it or without.
func (s *size) Set(text string) error {
	unit := 1
	if number, ok := strings.CutSuffix(text, "MiB"); ok {
		text, unit = number, 1<<20
	} else if number, ok := strings.CutSuffix(text, "KiB"); ok {
		text, unit = number, 1<<10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > 1<<30/unit {
		return errors.New("not a size of at most 1024MiB")
	}
	*s = size(n * unit)
	return nil
}
