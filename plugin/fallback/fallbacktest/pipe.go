package fallbacktest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// pipeListener accepts in-memory connections, for a server that has no socket.
type pipeListener struct {
	incoming chan net.Conn
	closed   chan struct{}
	close    func() // closes closed, once
}

func newPipeListener() *pipeListener {
	l := &pipeListener{incoming: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.close()
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

// dial hands one end of a new connection to Accept and returns the other. It has
// the form of [http.Transport.DialContext]; the address does not matter.
func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	server, client := net.Pipe()
	wasReset := new(atomic.Bool)
	select {
	case l.incoming <- &pipeConn{server, wasReset}:
		return &pipeConn{client, wasReset}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr{}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipeConn is one end of a [net.Pipe] that can be reset as a TCP connection can.
type pipeConn struct {
	net.Conn
	reset *atomic.Bool // shared by both ends
}

// SetLinger with 0 makes the next Close a reset, as on [net.TCPConn].
func (c *pipeConn) SetLinger(sec int) error {
	c.reset.Store(sec == 0)
	return nil
}

func (c *pipeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.asReset("read", err)
}

func (c *pipeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.asReset("write", err)
}

// asReset turns the error of a closed pipe into that of a reset connection.
func (c *pipeConn) asReset(op string, err error) error {
	if (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) && c.reset.Load() {
		return &net.OpError{Op: op, Net: "pipe", Addr: pipeAddr{}, Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
