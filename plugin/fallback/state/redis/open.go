package redis

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Open returns a store on the server of a URL, which is one of
//
//	redis://USER:PASSWORD@HOST:PORT/DATABASE
//	rediss://USER:PASSWORD@HOST:PORT/DATABASE    (TLS)
//	unix://USER:PASSWORD@/PATH?db=DATABASE
//
// User, password, port (6379) and database (0) are optional. Parameters are those of
// go-redis's ParseURL, such as ?pool_size=32. Open makes no connection. An error contains
// no part of the URL. Closing the store closes its connections.
func Open(url string) (state.Store, error) {
	options, err := redis.ParseURL(url)
	if err != nil { // its text quotes the URL
		scheme, _, _ := strings.Cut(url, "://")
		if scheme != "redis" && scheme != "rediss" && scheme != "unix" {
			return nil, errors.New("state/redis: URL must begin with redis://, rediss:// or unix://")
		}
		return nil, errors.New("state/redis: URL is not valid; must be like redis://user:password@host:6379/0, with % escapes for special characters of the password, and parameters that go-redis knows")
	}
	configure(options)
	client := redis.NewClient(options)
	s := New(client).(*store)
	s.close = client.Close
	return s, nil
}

// configure makes operations end with their contexts, and the client silent. It keeps the
// timeouts and sizes of the URL.
func configure(o *redis.Options) {
	// By default, the client waits 10 s for a frozen server, even after the context has ended.
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	o.DialerRetries = 1
	for _, d := range []*time.Duration{&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout} {
		if *d == 0 {
			*d = timeout
		}
	}
	if o.PoolSize == 0 {
		o.PoolSize = 16 // a connection runs thousands of scripts a second
	}
	o.PipelinePoolSize = -1 // no pipelines
	o.ReadBufferSize, o.WriteBufferSize = 4<<10, 4<<10
	if o.Protocol == 0 {
		o.Protocol = 2 // every server and proxy supports it
	}
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.Dialer = quietly(redis.NewDialer(&redis.Options{DialTimeout: o.DialTimeout, TLSConfig: o.TLSConfig}))
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// quietly replaces a connection that cannot be made by one that fails at its first use.
// Otherwise the client would print each failure to standard error, and after some failures
// try only once a second.
func quietly(d dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d(ctx, network, address)
		if err != nil {
			return failed{err: err}, nil
		}
		return conn, nil
	}
}

// failed is a connection that could not be made.
type failed struct {
	err error
}

func (f failed) Read([]byte) (int, error)         { return 0, f.err }
func (f failed) Write([]byte) (int, error)        { return 0, f.err }
func (f failed) Close() error                     { return nil }
func (f failed) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (f failed) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (f failed) SetDeadline(time.Time) error      { return nil }
func (f failed) SetReadDeadline(time.Time) error  { return nil }
func (f failed) SetWriteDeadline(time.Time) error { return nil }
