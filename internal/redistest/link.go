package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Link is a TCP port of loopback through which clients reach a server.
type Link struct {
	server   *Server
	listener net.Listener

	mu      sync.Mutex
	delay   time.Duration
	cut     chan struct{} // closed when a partition has ended; nil if there is none
	conns   map[net.Conn]bool
	refuses bool
}

// NewLink returns a link to a server, which ends with the test.
func NewLink(t testing.TB, server *Server) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{server: server, listener: listener, conns: make(map[net.Conn]bool)}
	go l.accept() // until the listener is closed
	t.Cleanup(func() {
		_ = listener.Close()
		l.Refuse()
		l.Mend()
	})
	return l
}

// URL returns the address of the link, as redis.Open takes it.
func (l *Link) URL() string { return "redis://" + l.listener.Addr().String() }

// Slow delays each answer of the server. It replaces what was wrong before.
func (l *Link) Slow(by time.Duration) { l.set(by, false, false) }

// Cut holds back all bytes, as a network does that loses packets: connections stay, and get
// what was held back when Mend is called.
func (l *Link) Cut() { l.set(0, true, false) }

// Refuse closes all connections, and new ones at once.
func (l *Link) Refuse() { l.set(0, false, true) }

// Mend makes the link work again.
func (l *Link) Mend() { l.set(0, false, false) }

func (l *Link) set(delay time.Duration, cut, refuses bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut != nil {
		close(l.cut)
		l.cut = nil
	}
	if cut {
		l.cut = make(chan struct{})
	}
	l.delay, l.refuses = delay, refuses
	if refuses {
		for conn := range l.conns {
			_ = conn.Close()
		}
	}
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.join(client) // until one side closes
	}
}

func (l *Link) join(client net.Conn) {
	if !l.keep(client) {
		return
	}
	defer l.drop(client)
	l.hold()
	server, err := net.Dial("unix", l.server.socket())
	if err != nil || !l.keep(server) {
		return
	}
	defer l.drop(server)
	go func() { // until client is closed
		l.copy(server, client, false)
		_ = server.Close()
	}()
	l.copy(client, server, true)
}

func (l *Link) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses {
		_ = conn.Close()
		return false
	}
	l.conns[conn] = true
	return true
}

func (l *Link) drop(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
	_ = conn.Close()
}

func (l *Link) copy(to, from net.Conn, answers bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		delay := l.hold()
		if answers && delay > 0 {
			time.Sleep(delay)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// hold waits until there is no partition, and returns the delay of answers.
func (l *Link) hold() time.Duration {
	for {
		l.mu.Lock()
		cut, delay := l.cut, l.delay
		l.mu.Unlock()
		if cut == nil {
			return delay
		}
		<-cut
	}
}
