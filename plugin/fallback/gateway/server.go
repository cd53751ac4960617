package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/check"
)

// ServerConfig configures a [Server]. The zero value serves the local machine only.
type ServerConfig struct {
	// Addr is the address of the endpoints. Default: 127.0.0.1:8900. Without keys it must be a
	// loopback address, unless AllowNoKeys is set.
	Addr string
	// AdminAddr is the address of Admin, /healthz and /readyz. It has no authentication, so
	// only operators should reach it. Default: none.
	AdminAddr string
	// Admin serves pages for operators, such as metrics and the debug page. Optional.
	Admin http.Handler

	// CertFile and KeyFile are the TLS certificate, with its chain, and its private key, in
	// PEM. They are reloaded when they change. Default: no TLS.
	CertFile, KeyFile string
	// H2C also accepts HTTP/2 without TLS, which some proxies use. With TLS, HTTP/2 is always
	// accepted.
	H2C bool
	// AllowNoKeys lets a gateway without keys listen on addresses that are not loopback.
	AllowNoKeys bool

	// DrainDelay is how long new connections are still accepted after a shutdown begins, so
	// that load balancers notice it by /readyz. Default: none.
	DrainDelay time.Duration
	// Drain is how long calls in progress may continue after DrainDelay. Default: 30s.
	Drain time.Duration
	// HeaderTimeout is how long a client may take to send the headers of a request. Default:
	// 10s.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection without a request stays open. Default: 2m.
	IdleTimeout time.Duration
}

// Server is a [Gateway] that listens.
type Server struct {
	gateway *Gateway
	config  ServerConfig
	main    *http.Server
	admin   *http.Server
	cert    *certificate // nil without TLS

	listener, adminListener net.Listener // the latter is nil for none

	cut  func()        // ends the calls in progress
	done chan struct{} // closed by Close
	once sync.Once
}

// defaultAddr is the default of ServerConfig.Addr.
const defaultAddr = "127.0.0.1:8900"

// Listen opens the addresses of config. The caller must call Serve or Close.
func Listen(g *Gateway, config ServerConfig) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	addr, err := net.ResolveTCPAddr("tcp", config.Addr)
	if err != nil {
		return nil, fmt.Errorf("gateway: address %q: %w; set ServerConfig.Addr to a host and a port, such as %s", config.Addr, err, defaultAddr)
	}
	if g.config.Keys == nil && !config.AllowNoKeys && !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("gateway: without keys, anyone who reaches %s could make calls; configure keys (Config.Keys), listen on a loopback address such as %s, or allow it explicitly (ServerConfig.AllowNoKeys)", config.Addr, defaultAddr)
	}
	s := &Server{gateway: g, config: config, done: make(chan struct{})}
	if config.CertFile != "" {
		if s.cert, err = readCertificate(config.CertFile, config.KeyFile); err != nil {
			return nil, err
		}
	}
	if s.listener, err = net.ListenTCP("tcp", addr); err != nil {
		return nil, fmt.Errorf("gateway: %w; set another ServerConfig.Addr", err)
	}
	if config.AdminAddr != "" {
		if s.adminListener, err = net.Listen("tcp", config.AdminAddr); err != nil {
			_ = s.listener.Close()
			return nil, fmt.Errorf("gateway: %w; set another ServerConfig.AdminAddr", err)
		}
	}
	s.build()
	return s, nil
}

func (c ServerConfig) withDefaults() (ServerConfig, error) {
	problems := []error{
		check.NotNegative("gateway: ServerConfig.Drain", c.Drain, "0 for the default, or more"),
		check.NotNegative("gateway: ServerConfig.DrainDelay", c.DrainDelay, "0 for none, or more"),
		check.NotNegative("gateway: ServerConfig.HeaderTimeout", c.HeaderTimeout, "0 for the default, or more"),
		check.NotNegative("gateway: ServerConfig.IdleTimeout", c.IdleTimeout, "0 for the default, or more"),
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		problems = append(problems, errors.New("gateway: ServerConfig: one of CertFile and KeyFile is missing; TLS needs both"))
	}
	if c.Addr == "" {
		c.Addr = defaultAddr
	}
	for _, field := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&c.Drain, 30 * time.Second}, {&c.HeaderTimeout, 10 * time.Second}, {&c.IdleTimeout, 2 * time.Minute}} {
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	return c, errors.Join(problems...)
}

// build makes the two HTTP servers.
func (s *Server) build() {
	base, cut := context.WithCancelCause(context.Background())
	s.cut = func() { cut(errCut) }
	logger := slog.NewLogLogger(s.gateway.config.Logger.Handler(), slog.LevelDebug) // of what clients do wrong
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(s.config.H2C)
	s.main = &http.Server{
		Handler: s.gateway, Protocols: protocols, ErrorLog: logger,
		ReadHeaderTimeout: s.config.HeaderTimeout, IdleTimeout: s.config.IdleTimeout,
		MaxHeaderBytes: 2 * s.gateway.limits.MaxHeader, // below it, the gateway answers in the protocol's shape
		BaseContext:    func(net.Listener) context.Context { return base },
	}
	if s.cert != nil {
		s.main.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.cert.get}
	}
	admin := http.NewServeMux()
	admin.HandleFunc("/healthz", s.gateway.serveHealth)
	admin.HandleFunc("/readyz", s.gateway.serveHealth)
	if s.config.Admin != nil {
		admin.Handle("/", s.config.Admin)
	}
	s.admin = &http.Server{
		Handler: admin, ErrorLog: logger, ReadHeaderTimeout: s.config.HeaderTimeout, IdleTimeout: s.config.IdleTimeout, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return base },
	}
}

// Addr returns the address of the endpoints.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// AdminAddr returns the address for operators; nil if there is none.
func (s *Server) AdminAddr() net.Addr {
	if s.adminListener == nil {
		return nil
	}
	return s.adminListener.Addr()
}

// Serve serves until ctx ends, and then shuts down. /readyz fails at once. After DrainDelay,
// no connection is accepted. Calls in progress have Drain to end; then they are cut off. Serve
// returns nil after a shutdown, and an error if it cannot serve. It must be called at most
// once.
func (s *Server) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer s.Close()
	logger := s.gateway.config.Logger
	failed := make(chan error, 2)
	go func() { failed <- s.serveMain() }() // ends with main
	if s.adminListener != nil {
		go func() { failed <- s.admin.Serve(s.adminListener) }() // ends with admin
	}
	if s.cert != nil {
		go s.cert.watch(ctx, logger) // ends with ctx
	}
	select {
	case err := <-failed:
		if s.closed() {
			return nil
		}
		return fmt.Errorf("gateway: %w", err)
	case <-ctx.Done():
	}
	s.drain(logger)
	return nil
}

func (s *Server) serveMain() error {
	if s.cert != nil {
		return s.main.ServeTLS(s.listener, "", "")
	}
	return s.main.Serve(s.listener)
}

// drain lets the calls in progress end.
func (s *Server) drain(logger *slog.Logger) {
	s.gateway.draining.Store(true)
	logger.Info("gateway: shutting down; calls in progress go on", "delay", s.config.DrainDelay, "drain", s.config.Drain)
	delay := time.NewTimer(s.config.DrainDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-s.done:
		return
	}
	if err := s.shutdown(s.config.Drain); err == nil || s.closed() {
		return
	}
	logger.Warn("gateway: calls are still in progress after the drain time; they are cut off")
	s.cut()
	_ = s.shutdown(cutTime) // Close does the rest
}

// errCut is the cause of the end of a call that is cut off by a shutdown.
var errCut = errors.New("gateway: shutting down")

// cutTime is how long calls that are cut off have to send an error to their clients.
const cutTime = time.Second

func (s *Server) shutdown(within time.Duration) error {
	ctx, stop := context.WithTimeout(context.Background(), within)
	defer stop()
	return s.main.Shutdown(ctx)
}

// Close ends all calls and connections at once. A Serve in progress returns nil.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.done) })
	s.cut()
	err := errors.Join(s.main.Close(), s.admin.Close(), ignoreClosed(s.listener.Close()))
	if s.adminListener != nil {
		err = errors.Join(err, ignoreClosed(s.adminListener.Close()))
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *Server) closed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// serveHealth serves /healthz, which never fails, and /readyz, which fails during a shutdown.
// The policies of a gateway are always loaded.
func (g *Gateway) serveHealth(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path == "/readyz" && g.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "shutting down")
		return
	}
	fmt.Fprintln(w, "ok")
}
