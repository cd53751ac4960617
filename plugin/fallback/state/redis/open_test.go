package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	client "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// An error says what is wrong with a URL and contains nothing of it: each of these has a
// password.
func TestOpenKeepsPasswordsOutOfErrors(t *testing.T) {
	for url, want := range map[string]string{
		"":                                           "must begin with redis://, rediss:// or unix://",
		"hunter22@redis:6379":                        "must begin with",
		"http://:hunter22@redis:6379":                "must begin with",
		"redis://:hunter22@redis:port":               "URL is not valid",
		"redis://:hunter22@redis:6379/hunter22":      "URL is not valid",
		"redis://:hun/ter22@redis:6379":              "URL is not valid",
		"redis://:%zzhunter22@redis:6379":            "URL is not valid",
		"redis://:hunter22@redis:6379/0?hunter22=1":  "URL is not valid",
		"redis://:hunter22@redis?db=hunter22":        "URL is not valid",
		"rediss://:hunter22@redis?read_timeout=ter2": "URL is not valid",
		"redis://:hunter22\x00@redis":                "URL is not valid",
	} {
		_, err := redis.Open(url)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "state/redis: ") {
			t.Errorf("Open(%q): %v; want %q", url, err, want)
			continue
		}
		for i := range len("hunter22") - 3 {
			if part := "hunter22"[i : i+4]; strings.Contains(err.Error(), part) {
				t.Errorf("Open(%q): %v; contains %s", url, err, part)
			}
		}
	}
}

// A URL's user, password and database are used; Open itself connects to nothing.
func TestOpenFollowsTheURL(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireUserAuth("ada", "s3cret/word")
	store := open(t, "redis://ada:s3cret%2Fword@"+server.Addr()+"/3")
	if n := server.TotalConnectionCount(); n != 0 {
		t.Errorf("%d connections after Open; want none", n)
	}
	if err := store.Set(t.Context(), "key", []byte("value"), 1e9); err != nil {
		t.Fatal(err)
	}
	if !server.DB(3).Exists("key") {
		t.Error("the key is not in database 3")
	}
}

// A rediss URL connects by TLS and checks the server's certificate.
func TestOpenWithTLS(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // of a certificate that nobody trusts
	defer lender.Close()
	server := miniredis.NewMiniRedis()
	if err := server.StartTLS(&tls.Config{Certificates: lender.TLS.Certificates}); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	set := func(query string) (err error) {
		store := open(t, "rediss://"+server.Addr()+query)
		for range 30 { // on a busy machine, a handshake may take longer than an operation may
			if err = operations["Set"](t.Context(), store); !errors.Is(err, context.DeadlineExceeded) {
				break
			}
		}
		return err
	}
	if err := set("?skip_verify=true"); err != nil {
		t.Error(err)
	}
	if err := set(""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v; want that the certificate is not trusted", err)
	}
}

// The client says nothing of itself to the server, and asks for no notifications of maintenance.
func TestClientIsSilent(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL())
	for name, do := range operations {
		if err := do(t.Context(), store); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := client.NewClient(&client.Options{
		Network: "unix", Addr: strings.TrimPrefix(server.URL(), "unix://"),
		DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = c.Close() }()
	for _, section := range []string{"commandstats", "errorstats"} {
		text, err := c.Info(t.Context(), section).Result()
		if err != nil || strings.Contains(text, "cmdstat_client") || strings.Contains(text, "errorstat_ERR") {
			t.Errorf("error %v, %s", err, text)
		}
	}
}
