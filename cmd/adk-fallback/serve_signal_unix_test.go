//go:build unix

package main

import (
	"io"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// B145: after SIGTERM, or SIGHUP from a closed terminal, a call in progress ends as it would have, and serve returns.
func TestServeDrainsOnSignal(t *testing.T) {
	for name, signals := range map[string][]syscall.Signal{
		"one signal": {syscall.SIGTERM}, "two signals": {syscall.SIGTERM, syscall.SIGTERM}, "hangup": {syscall.SIGHUP},
	} {
		t.Run(name, func(t *testing.T) {
			if signal.Ignored(signals[0]) {
				t.Skipf("%v is ignored, as under nohup: run the test without it", signals[0])
			}
			server := fallbacktest.NewServer()
			defer server.Close()
			t.Setenv("TEST_KEY", "upstream")
			open := make(chan struct{})
			asked := make(chan struct{}, 1)
			relay := newRelay(t, server.URL, func() { asked <- struct{}{}; <-open })
			server.Script("small", fallbacktest.Text("It is sunny."))
			s := startServe(t, write(t, "primary: small\nmodels: {small: {provider: openai_chat, base_url: "+relay+"/v1, credential_env: TEST_KEY}}\n"))
			type result struct {
				body string
				err  error
			}
			answer := make(chan result, 1)
			go func() {
				resp, err := http.Post(s.url+"/v1beta/models/small:generateContent", "application/json", strings.NewReader(hello))
				if err != nil {
					answer <- result{err: err}
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				answer <- result{string(body), err}
			}()
			<-asked
			if err := syscall.Kill(syscall.Getpid(), signals[0]); err != nil {
				t.Fatal(err)
			}
			until(t, "the drain", func() bool { return strings.Contains(s.log.String(), "shutting down") })
			if len(signals) == 2 {
				if err := syscall.Kill(syscall.Getpid(), signals[1]); err != nil {
					t.Fatal(err)
				}
				if err := <-s.ended; err != nil {
					t.Errorf("serve: %v", err)
				}
				if got := <-answer; got.err == nil && strings.Contains(got.body, "sunny") {
					t.Errorf("answer %q after a second signal", got.body)
				}
				close(open)
				return
			}
			select {
			case err := <-s.ended:
				t.Fatalf("serve has ended with a call in progress: %v", err)
			default:
			}
			close(open)
			if got := <-answer; got.err != nil || !strings.Contains(got.body, "It is sunny.") {
				t.Errorf("error %v, answer %q; want the whole answer", got.err, got.body)
			}
			if err := <-s.ended; err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}
}
