package fallbacktest

import (
	"fmt"
	"net"
	"net/http"
	"sync"

	"google.golang.org/genai"
)

// Server is a [Provider] behind an HTTP server of its own.
type Server struct {
	*Provider
	URL string // base URL, such as http://127.0.0.1:41235, without a slash at the end

	http      *http.Server
	transport *http.Transport
	served    chan struct{}  // closed when the accept loop has returned
	conns     sync.WaitGroup // one for each connection that is served
}

// NewServer starts a server on a free port of the loopback interface. It panics
// if there is none, as httptest.NewServer does. The caller must call Close.
func NewServer() *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("fallbacktest: no loopback port to listen on: %v", err))
	}
	return start(l, "http://"+l.Addr().String(), &http.Transport{})
}

// NewPipeServer starts a server whose connections are in memory. Only the clients
// that it makes reach it ([Server.Client], [Server.ClientConfig],
// [Server.VertexClientConfig]). Nothing in it waits outside of Go's channels and
// timers: made inside a [testing/synctest] bubble, it runs on the bubble's time.
// It must then be closed inside that bubble. The caller must call Close.
func NewPipeServer() *Server {
	l := newPipeListener()
	return start(l, "http://pipe.test", &http.Transport{DialContext: l.dial})
}

// start serves on l until Close. It owns one goroutine for the accept loop, and
// net/http one for each connection; Close ends and awaits them.
func start(l net.Listener, url string, transport *http.Transport) *Server {
	s := &Server{
		Provider:  &Provider{},
		URL:       url,
		transport: transport,
		served:    make(chan struct{}),
	}
	s.http = &http.Server{Handler: s.Provider, ConnState: s.track}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l)
	}()
	return s
}

// track counts connections. The first state of each is reported by the accept
// loop, so none is added once that has returned.
func (s *Server) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// Close ends every exchange that is still under way, with its connection, and
// returns when nothing of the server is left running. Records stay readable and
// are final. A second Close does nothing.
func (s *Server) Close() {
	s.transport.CloseIdleConnections()
	_ = s.http.Close() // closes the connections, which ends their requests' contexts
	<-s.served
	s.conns.Wait()
}

// Client returns a new HTTP client that reaches the server. It has no timeout.
// All clients share their connections.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.transport} }

// ClientConfig returns a new configuration for a genai client, and so for ADK's
// gemini.NewModel, that calls this server as the Gemini API, with a made-up key.
func (s *Server) ClientConfig() *genai.ClientConfig {
	return &genai.ClientConfig{
		Backend:     genai.BackendGeminiAPI,
		APIKey:      "fallbacktest",
		HTTPClient:  s.Client(),
		HTTPOptions: genai.HTTPOptions{BaseURL: s.URL},
	}
}

// VertexClientConfig is [Server.ClientConfig] for Vertex AI, with a made-up
// project and no credentials.
func (s *Server) VertexClientConfig() *genai.ClientConfig {
	return &genai.ClientConfig{
		Backend:     genai.BackendVertexAI,
		Project:     "fallbacktest",
		Location:    "us-central1",
		HTTPClient:  s.Client(),
		HTTPOptions: genai.HTTPOptions{BaseURL: s.URL},
	}
}
