package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// output is what a command prints while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// served is a command serve under way.
type served struct {
	url, admin string
	log        *output
	stop       context.CancelFunc
	ended      chan error
}

// startServe runs serve until the test ends.
func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &served{log: &output{}, stop: stop, ended: make(chan error, 1)}
	root := newRoot()
	root.SetOut(s.log)
	root.SetErr(s.log)
	root.SetArgs(append([]string{"serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--log-format", "json", "--drain-delay", "0s"}, args...))
	go func() { s.ended <- root.ExecuteContext(ctx) }()
	t.Cleanup(stop)
	var ready struct {
		Msg     string
		Address string
		Admin   string `json:"admin_address"`
	}
	until(t, "serve is ready", func() bool {
		select {
		case err := <-s.ended:
			t.Fatalf("serve has ended: %v\n%s", err, s.log)
		default:
		}
		for line := range strings.Lines(s.log.String()) {
			if json.Unmarshal([]byte(line), &ready) == nil && ready.Msg == "serve: ready" {
				return true
			}
		}
		return false
	})
	s.url, s.admin = "http://"+ready.Address, "http://"+ready.Admin
	return s
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

const hello = `{"contents":[{"role":"user","parts":[{"text":"my diagnosis"}]}]}`

// ask makes a call to a route, and returns the status and the body.
func ask(t *testing.T, url, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(hello))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return do(t, req)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

// provider returns a provider that answers with the name of the model, and a function that
// returns a policy whose primary is a model of it.
func testProvider(t *testing.T) (policyOf func(model string) string) {
	t.Helper()
	server := fallbacktest.NewServer()
	t.Cleanup(server.Close)
	t.Setenv("TEST_KEY", "upstream")
	return func(model string) string {
		server.Script(model, fallbacktest.Text("I am "+model+"."))
		return fmt.Sprintf("primary: %[1]s\nobserve: {}\nmodels: {%[1]s: {provider: openai_chat, base_url: %[2]s/v1, credential_env: TEST_KEY}}\n", model, server.URL)
	}
}

func writeIn(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// B145: each file of a folder is a route, and its policy is replaced when the file changes. The
// second address shows what happens. The log has no query, body or key.
func TestServeServesAFolder(t *testing.T) {
	policyOf := testProvider(t)
	dir := t.TempDir()
	apiKey, hash := gateway.NewKey()
	chat := writeIn(t, dir, "chat.yaml", policyOf("small"))
	writeIn(t, dir, "code.yml", policyOf("large"))
	writeIn(t, dir, ".hidden.yaml", "no policy")
	writeIn(t, dir, "notes.txt", "no policy")
	keys := writeIn(t, dir, "keys.yaml", "keys: [{tenant: acme, sha256: "+hash+"}]")
	s := startServe(t, "--keys", keys, dir)
	for route, want := range map[string]string{"chat": "I am small.", "code": "I am large."} {
		if status, body := ask(t, s.url+"/v1beta/models/"+route+":generateContent?secret=query", apiKey); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, body %s; want %q", route, status, body, want)
		}
	}
	if status, body := ask(t, s.url+"/v1beta/models/chat:generateContent", "wrong-key"); status != 401 {
		t.Errorf("a wrong key: status %d, body %s; want 401", status, body)
	}
	for path, want := range map[string]string{"/metrics": `otel_scope_route="chat"`, "/debug/fallback/": "small", "/": "small", "/healthz": "ok", "/readyz": "ok"} {
		if status, body := get(t, s.admin+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, want 200 and %q", path, status, want)
		}
	}
	if status, _ := get(t, s.url+"/metrics"); status == 200 {
		t.Error("the first address has metrics")
	}
	writeIn(t, dir, "chat.yaml", "primary: [")
	until(t, "the broken file is reported", func() bool { return strings.Contains(s.log.String(), "the policy in use stays") })
	if status, body := ask(t, s.url+"/v1beta/models/chat:generateContent", apiKey); status != 200 {
		t.Errorf("with a broken file: status %d, body %s; want an answer of the policy in use", status, body)
	}
	if err := os.WriteFile(chat, []byte(policyOf("medium")), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the new policy is in use", func() bool {
		_, body := ask(t, s.url+"/v1beta/models/chat:generateContent", apiKey)
		return strings.Contains(body, "I am medium.")
	})
	s.stop()
	if err := <-s.ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	for _, secret := range []string{apiKey, "secret", "diagnosis", "I am", "acme", "wrong-key", "upstream"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, s.log)
		}
	}
	if want := `"endpoint":"POST /v1beta/models/{model...}","status":200,`; !strings.Contains(s.log.String(), want) {
		t.Errorf("the log lacks %s:\n%s", want, s.log)
	}
}

// B145: serve reports the mistakes of all its files with line and column, and does not begin.
func TestServeReportsMistakes(t *testing.T) {
	dir := t.TempDir()
	one, two := writeIn(t, dir, "one.yaml", "primary: 5\n"), writeIn(t, dir, "two.yaml", "primary: gpt-4o\nfallback: []\n")
	keys := writeIn(t, t.TempDir(), "keys.yaml", "keys:\n  - {tenant: acme}\n")
	out, err := run(t, "", "serve", "--keys", keys, dir)
	for _, want := range []string{one + ":1:10: primary: ", two + ":2:1: unknown key ", keys + ":2:5: keys[0]: missing key sha256"} {
		if !strings.Contains(out, want) {
			t.Errorf("output %q, want %q", out, want)
		}
	}
	if exitStatus(err) != exitProblems || err.Error() != "serve: the policy has errors; nothing is served" {
		t.Errorf("status %d, error %v; want %d", exitStatus(err), err, exitProblems)
	}
	good := write(t, testProvider(t)("small"))
	if _, err := run(t, "", "serve", "--keys", keys, good); exitStatus(err) != exitProblems || err.Error() != "serve: the keys file has errors; nothing is served" {
		t.Errorf("status %d, error %v; want %d", exitStatus(err), err, exitProblems)
	}
}

func TestServeRefusesWhatItCannotUse(t *testing.T) {
	policyOf := testProvider(t)
	good := write(t, policyOf("small"))
	empty, twins := t.TempDir(), t.TempDir()
	writeIn(t, twins, "a.yaml", policyOf("small"))
	writeIn(t, twins, "a.yml", policyOf("small"))
	odd := t.TempDir()
	writeIn(t, odd, "a:b.yaml", policyOf("small"))
	for args, want := range map[string]string{
		"serve":                             "serve needs exactly one FILE, or a FOLDER with several",
		"serve a b":                         "serve needs exactly one FILE, or a FOLDER with several",
		"serve none.yaml":                   "serve: stat none.yaml: no such file or directory",
		"serve " + empty:                    "serve: " + empty + " has no policy; a policy is a file *.yaml or *.yml in it",
		"serve " + twins:                    "have the same route, a; rename one",
		"serve " + odd:                      `serve: gateway: file name "a:b" is no name of a route; use letters, digits and marks such as - and _`,
		"serve --keys none.yaml " + good:    "serve: gateway: keys: stat none.yaml: no such file or directory",
		"serve --addr :0 " + good:           "serve: gateway: without keys, anyone who reaches :0 could make calls; configure keys (--keys), listen on a loopback address such as 127.0.0.1:8900, or allow it explicitly (--insecure-no-keys)",
		"serve --tls-cert cert.pem " + good: "serve: gateway: one of --tls-cert and --tls-key is missing; TLS needs both",
		"serve --max-body much " + good:     `serve: --max-body is "much"; it must be a size of at most 1024MiB, such as 20MiB`,
		"serve --max-body 2000MiB " + good:  `serve: --max-body is "2000MiB"; it must be a size of at most 1024MiB, such as 20MiB`,
		"serve --max-body 0 " + good:        "serve: --max-body is 0; it must be at least 1",
		"serve --drain -1s " + good:         "serve: --drain is -1s; it must be above 0s",
		"serve --drain-delay -1s " + good:   "serve: --drain-delay is -1s; it must be at least 0s",
		"serve --max-calls -1 " + good:      "serve: --max-calls is -1; it must be at least 1",
		"serve --drain soon " + good:        `serve: --drain is "soon"; it must be a duration, such as 30s`,
		"serve --log-format xml " + good:    `serve: --log-format is "xml"; it must be text or json`,
		"serve --log-level loud " + good:    `serve: --log-level is "loud"; it must be debug, info, warn or error`,
		"serve --adr :0 " + good:            "serve: unknown flag --adr; did you mean --addr?",
		"serve --addr nowhere " + good:      `serve: gateway: address "nowhere": address nowhere: missing port in address; set --addr to a host and a port, such as 127.0.0.1:8900`,
		"serve --addr 127.0.0.1:0 --admin-addr 192.0.2.1:0 " + good: "; set another --admin-addr",
		"keys new":             "keys new needs --tenant",
		"keys new --tenant \n": `keys new: --tenant is "\n"; it must be a name of at most 128 letters`,
		"keys new acme":        `keys new takes no arguments; remove "acme"`,
		"keys add":             `unknown command "add"; see adk-fallback keys --help`,
	} {
		out, err := run(t, "", strings.Split(args, " ")...)
		if exitStatus(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: status %d, error %v, output %q; want %d and %q", args, exitStatus(err), err, out, exitUsage, want)
		}
	}
}

// The log has the lines of the given level and above.
func TestServeLogsFromALevelOn(t *testing.T) {
	levels := []string{"debug", "info", "warn", "error"}
	for at, least := range levels {
		var log bytes.Buffer
		logger, err := (&serveFlags{logFormat: "text", logLevel: least}).logger(&log)
		if err != nil {
			t.Fatal(err)
		}
		for _, level := range levels {
			logger.Log(t.Context(), logLevels[level], "line of "+level)
		}
		for i, level := range levels {
			if got, want := strings.Contains(log.String(), "line of "+level), i >= at; got != want {
				t.Errorf("--log-level %s: a line of level %s is logged: %t, want %t", least, level, got, want)
			}
		}
	}
}

// What keys new prints can be appended to a keys file.
func TestKeysNewPrintsAnEntry(t *testing.T) {
	file := "keys:\n"
	var apiKeys []string
	for _, tenant := range []string{"acme", "Čapek & söhne"[:6], "true", "4711"} {
		root := newRoot()
		var out, errOut bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&errOut)
		root.SetArgs([]string{"keys", "new", "--tenant", tenant})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		file += out.String()
		apiKeys = append(apiKeys, strings.TrimSpace(errOut.String()))
		if strings.Contains(out.String(), apiKeys[len(apiKeys)-1]) {
			t.Errorf("the entry has the key: %s", out.String())
		}
	}
	if _, err := gateway.ParseKeys([]byte(file)); err != nil {
		t.Errorf("%v:\n%s", err, file)
	}
}

// newRelay returns the address of a proxy in front of a provider, which calls before ahead of
// each request.
func newRelay(t *testing.T, target string, before func()) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(relay.Close)
	return relay.URL
}
