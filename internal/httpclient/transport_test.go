package httpclient_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
)

// Calls that run at the same time leave their connections to the next ones.
func TestConnectionsAreKept(t *testing.T) {
	const calls = 200
	var made atomic.Int64
	var together sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		together.Done()
		together.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := &http.Client{Transport: httpclient.Transport()}
	defer client.CloseIdleConnections()
	for range 3 {
		together.Add(calls)
		var running sync.WaitGroup
		for range calls {
			running.Go(func() {
				resp, err := client.Get(server.URL)
				if err != nil {
					t.Error(err)
					together.Done()
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			})
		}
		running.Wait()
	}
	if n := made.Load(); n > 2*calls { // a connection may come back late
		t.Errorf("%d connections for 3 times %d calls at a time, want few more than the calls of the first time", n, calls)
	}
}
