package gateway_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// running is a server under way.
type running struct {
	*gateway.Server
	url   string
	stop  context.CancelFunc
	ended chan error
}

// listen starts a server on the loopback interface, which ends with the test.
func listen(t *testing.T, g *gateway.Gateway, config gateway.ServerConfig) *running {
	t.Helper()
	config.Addr = "127.0.0.1:0"
	s, err := gateway.Listen(g, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{s, "http://" + s.Addr().String(), stop, make(chan error, 1)}
	go func() { r.ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		_ = s.Close()
	})
	return r
}

// dial opens a connection and sends text on it.
func (r *running) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// request is a request for content as it is written.
func request(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// fetch sends a request and returns the status and body.
func fetch(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := client.Post(url, "application/json", strings.NewReader(helloGemini))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, read(t, resp.Body)
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// B145: a client that sends its headers or its body slowly is cut off, others are served.
func TestSlowClientsAreCutOff(t *testing.T) {
	limits := gateway.Limits{BodyTimeout: 100 * time.Millisecond}
	r := listen(t, gatewayFor(t, gateway.Config{Limits: limits, Keys: keysOf(t, "keys: [{tenant: acme, sha256: KEYa}]")}, llmtest.Text("hi")), gateway.ServerConfig{HeaderTimeout: 100 * time.Millisecond})
	headers := r.dial(t, "POST "+generate+" HTTP/1.1\r\nHost: gateway\r\nX-Slow: ")
	const keyed = generate + "?key=a"
	body := r.dial(t, strings.TrimSuffix(request(keyed, helloGemini), "}"))
	chunks := r.dial(t, strings.Replace(request(keyed, ""), "Content-Length: 0", "Transfer-Encoding: chunked", 1)+"5\r\n{\"con")
	refused := r.dial(t, strings.Replace(request(generate, ""), "Content-Length: 0", "Transfer-Encoding: chunked", 1)+"5\r\n{\"con")
	if status, text := fetch(t, http.DefaultClient, r.url+keyed); status != 200 || !strings.Contains(text, "hi") {
		t.Errorf("another client: status %d, body %s", status, text)
	}
	if answer, err := io.ReadAll(headers); err != nil || strings.Contains(string(answer), "200") {
		t.Errorf("slow headers: error %v, answer %q; want the end of the connection", err, answer)
	}
	if answer, err := io.ReadAll(refused); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
		t.Errorf("a slow body without a key: error %v, answer %q; want 401 and the end of the connection", err, answer)
	}
	for name, conn := range map[string]net.Conn{"slow body": body, "slow chunks": chunks} {
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), "DEADLINE_EXCEEDED") || !strings.Contains(string(answer), "Connection: close") {
			t.Errorf("%s: error %v, answer %q; want 408 and the end of the connection", name, err, answer)
		}
	}
}

// B145: a client that stops reading a stream ends the call.
func TestAClientThatDoesNotReadEndsTheCall(t *testing.T) {
	over := make(chan error, 1)
	endless := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		text := strings.Repeat("a", 64<<10)
		for yield(&model.LLMResponse{Partial: true, Content: genai.NewContentFromText(text, genai.RoleModel)}, nil) {
		}
		over <- ctx.Err()
	}
	var log logged
	g := gatewayFor(t, gateway.Config{Logger: log.logger(), Limits: gateway.Limits{WriteTimeout: 100 * time.Millisecond}}, endless)
	r := listen(t, g, gateway.ServerConfig{})
	r.dial(t, request(stream, helloGemini)) // and read nothing
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatal("the call goes on")
	}
	until(t, "the line of the request", func() bool { return strings.Contains(log.String(), "status=499") })
}

// B145: a client that goes, or closes its half of the connection, ends its call.
func TestAClientThatGoesEndsTheCall(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{"gone": (*net.TCPConn).Close, "half-closed": (*net.TCPConn).CloseWrite} {
		t.Run(name, func(t *testing.T) {
			entered, over := make(chan struct{}), make(chan struct{})
			r := listen(t, gatewayFor(t, gateway.Config{}, func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				close(entered)
				<-ctx.Done()
				close(over)
				yield(nil, ctx.Err())
			}), gateway.ServerConfig{})
			conn := r.dial(t, request(generate, helloGemini))
			<-entered
			if err := leave(conn.(*net.TCPConn)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-over:
			case <-time.After(patience):
				t.Error("the call goes on")
			}
		})
	}
}

// B145: a shutdown fails /readyz, lets calls end, accepts no more, and returns.
func TestAShutdownLetsCallsEnd(t *testing.T) {
	answer := newGate()
	r := listen(t, gatewayFor(t, gateway.Config{}, answer.step), gateway.ServerConfig{AdminAddr: "127.0.0.1:0", DrainDelay: 50 * time.Millisecond})
	admin := "http://" + r.AdminAddr().String()
	ready := func() (status int) {
		resp, err := http.Get(admin + "/readyz")
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := ready(); status != 200 {
		t.Errorf("/readyz: %d, want 200", status)
	}
	var bodies []chan string
	for _, path := range []string{generate, stream} {
		body := make(chan string, 1)
		bodies = append(bodies, body)
		go func() {
			_, text := fetch(t, http.DefaultClient, r.url+path)
			body <- text
		}()
		<-answer.entered
	}
	r.stop()
	until(t, "/readyz fails", func() bool { return ready() == 503 })
	if resp, err := http.Get(admin + "/healthz"); err != nil || resp.StatusCode != 200 {
		t.Errorf("/healthz: error %v, want 200", err)
	}
	until(t, "the listener is closed", func() bool {
		conn, err := net.Dial("tcp", r.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-r.ended:
		t.Fatalf("Serve returned %v with calls in progress", err)
	default:
	}
	close(answer.open)
	for _, body := range bodies {
		if text := <-body; !strings.Contains(text, "hi") || !strings.Contains(text, "STOP") {
			t.Errorf("a call in progress: %s; want the whole answer", text)
		}
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// B145: calls that take longer than the drain are cut off, and their clients are told.
func TestADrainIsBounded(t *testing.T) {
	partial := make(chan struct{})
	step := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(llmtest.Chunk("half "), nil)
		close(partial)
		<-ctx.Done()
		yield(nil, ctx.Err())
	}
	r := listen(t, gatewayFor(t, gateway.Config{}, step), gateway.ServerConfig{Drain: 50 * time.Millisecond})
	body := make(chan string, 1)
	go func() {
		_, text := fetch(t, http.DefaultClient, r.url+stream)
		body <- text
	}()
	<-partial
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if text := <-body; !strings.Contains(text, "half ") || !strings.Contains(text, `"error"`) || !strings.Contains(text, "shutting down") {
		t.Errorf("the stream: %s; want its text, and an error", text)
	}
}

// B145: a call that a shutdown cuts off before its answer may be sent again, elsewhere. Its
// client has not gone.
func TestACallThatIsCutOffMayBeSentAgain(t *testing.T) {
	answer := newGate()
	r := listen(t, gatewayFor(t, gateway.Config{}, answer.step), gateway.ServerConfig{Drain: 50 * time.Millisecond})
	conn := r.dial(t, request(generate, helloGemini))
	<-answer.entered
	r.stop()
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 503 ") || !strings.Contains(string(text), "Retry-After: 1") || !strings.Contains(string(text), "shutting down") {
		t.Errorf("error %v, answer %s; want 503 with Retry-After", err, text)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// B145: Close ends what a shutdown waits for.
func TestCloseEndsAShutdown(t *testing.T) {
	answer := newGate()
	r := listen(t, gatewayFor(t, gateway.Config{}, answer.step), gateway.ServerConfig{DrainDelay: time.Hour, Drain: time.Hour})
	conn := r.dial(t, request(generate, helloGemini))
	<-answer.entered
	r.stop()
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if answer, err := io.ReadAll(conn); strings.Contains(string(answer), "hi") {
		t.Errorf("answer %q, error %v; want none", answer, err)
	}
}

// B145: without keys, a gateway is for its own machine.
func TestAGatewayWithoutKeysListensOnLoopbackOnly(t *testing.T) {
	open := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
	locked := gatewayFor(t, gateway.Config{Keys: keysOf(t, threeTenants)}, llmtest.Text("hi"))
	for name, test := range map[string]struct {
		g      *gateway.Gateway
		config gateway.ServerConfig
		want   string
	}{
		"all addresses":             {open, gateway.ServerConfig{Addr: ":0"}, "gateway: without keys, anyone who reaches :0 could make calls; configure keys (Config.Keys), listen on a loopback address such as 127.0.0.1:8900, or allow it explicitly (ServerConfig.AllowNoKeys)"},
		"all of IPv4":               {open, gateway.ServerConfig{Addr: "0.0.0.0:0"}, "gateway: without keys, anyone"},
		"a name of the loopback":    {open, gateway.ServerConfig{Addr: "localhost:0"}, ""},
		"IPv4 loopback":             {open, gateway.ServerConfig{Addr: "127.0.0.2:0"}, ""},
		"explicitly":                {open, gateway.ServerConfig{Addr: ":0", AllowNoKeys: true}, ""},
		"with keys":                 {locked, gateway.ServerConfig{Addr: ":0"}, ""},
		"half a certificate":        {open, gateway.ServerConfig{Addr: "127.0.0.1:0", CertFile: "cert.pem"}, "one of CertFile and KeyFile is missing"},
		"no certificate":            {open, gateway.ServerConfig{Addr: "127.0.0.1:0", CertFile: "none.pem", KeyFile: "none.pem"}, "no such file"},
		"no address":                {open, gateway.ServerConfig{Addr: "nowhere"}, `gateway: address "nowhere": address nowhere: missing port in address; set ServerConfig.Addr to a host and a port, such as 127.0.0.1:8900`},
		"an address of another one": {open, gateway.ServerConfig{Addr: "127.0.0.1:0", AdminAddr: "192.0.2.1:0"}, "; set another ServerConfig.AdminAddr"},
		"the gateway's address":     {open, gateway.ServerConfig{Addr: "192.0.2.1:0", AllowNoKeys: true}, "; set another ServerConfig.Addr"},
		"a negative drain":          {open, gateway.ServerConfig{Drain: -1}, "gateway: ServerConfig.Drain: -1ns is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := gateway.Listen(test.g, test.config)
			if err == nil {
				defer s.Close()
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// B145: HTTP/2 without TLS is refused, unless it is allowed.
func TestHTTP2WithoutTLSIsOff(t *testing.T) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: patience}
	defer client.CloseIdleConnections()
	for _, on := range []bool{false, true} {
		r := listen(t, gatewayFor(t, gateway.Config{}, llmtest.Text("hi")), gateway.ServerConfig{H2C: on})
		resp, err := client.Post(r.url+generate, "application/json", strings.NewReader(helloGemini))
		if err == nil {
			resp.Body.Close()
		}
		if on != (err == nil && resp.ProtoMajor == 2 && resp.StatusCode == 200) {
			t.Errorf("H2C %v: error %v", on, err)
		}
	}
}

// B145: what two servers could read differently is refused, or ends the connection.
func TestRequestsAreNotSmuggled(t *testing.T) {
	r := listen(t, gatewayFor(t, gateway.Config{}, llmtest.Text("hi")), gateway.ServerConfig{})
	inner := "GET /v1beta/models HTTP/1.1\r\nHost: gateway\r\n\r\n"
	head := "POST " + generate + " HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
	for name, test := range map[string]struct {
		text   string
		status string // of the only answer
	}{
		"two lengths":                 {head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{\"a\":" + inner, "400"},
		"a length in a list":          {head + "Content-Length: 5, 5\r\n\r\n{\"a\":" + inner, "400"},
		"a signed length":             {head + "Content-Length: +5\r\n\r\n{\"a\":" + inner, "400"},
		"chunked and a length":        {head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + "", "400"},
		"another encoding":            {head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + inner, "501"},
		"a space before the colon":    {head + "Content-Length : 5\r\n\r\n{\"a\":" + inner, "400"},
		"a folded header":             {head + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", "400"},
		"a control character":         {head + "X: a\x00b\r\nContent-Length: 0\r\n\r\n", "400"},
		"no host":                     {"GET /v1beta/models HTTP/1.1\r\n\r\n", "400"},
		"two hosts":                   {"GET /v1beta/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
		"a chunk with a wrong length": {head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + inner, "400"},
		"chunks that end early":       {head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n" + inner, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := r.dial(t, test.text)
			_ = conn.(*net.TCPConn).CloseWrite()
			answers := bufio.NewReader(conn)
			first, err := answers.ReadString('\n')
			rest, _ := io.ReadAll(answers)
			if err != nil || !strings.Contains(first, " "+test.status+" ") || strings.Contains(string(rest), "HTTP/1.1 200") {
				t.Errorf("error %v, first line %q, rest %q; want %s alone", err, first, rest, test.status)
			}
		})
	}
}

// B145: a body that is too large is refused before it has been sent, or as soon as it shows.
func TestLargeBodiesAreRefusedEarly(t *testing.T) {
	r := listen(t, gatewayFor(t, gateway.Config{}, llmtest.Text("hi")), gateway.ServerConfig{})
	for _, length := range []int64{100 << 20, -1} {
		body := &counted{Reader: io.LimitReader(zeros{}, 100<<20)}
		req, err := http.NewRequest(http.MethodPost, r.url+generate, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Expect", "100-continue")
		req.ContentLength = length
		resp, err := (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: patience}, Timeout: patience}).Do(req)
		if err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
		if text := read(t, resp.Body); resp.StatusCode != 413 || !strings.Contains(text, `"INVALID_ARGUMENT"`) {
			t.Errorf("length %d: status %d, body %s; want 413", length, resp.StatusCode, text)
		}
		if n := body.n.Load(); length > 0 && n > 0 {
			t.Errorf("%d bytes were sent of a body that is announced as too large, want none", n)
		}
	}
}

// zeros is an endless text.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// counted counts what is read.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// B145: with TLS, clients of HTTP/1.1 and HTTP/2 are served, the latter also streams; older
// versions of TLS are refused.
func TestTLS(t *testing.T) {
	certFile, keyFile, pool := certificateFiles(t, t.TempDir(), "first")
	r := listen(t, gatewayFor(t, gateway.Config{}, llmtest.Text("hi")), gateway.ServerConfig{CertFile: certFile, KeyFile: keyFile})
	url := "https://" + r.Addr().String()
	for _, test := range []struct {
		proto   string
		http2   bool
		version uint16
	}{{"HTTP/1.1", false, tls.VersionTLS12}, {"HTTP/1.1", false, tls.VersionTLS13}, {"HTTP/2.0", true, tls.VersionTLS13}, {"", false, tls.VersionTLS11}} {
		transport := &http.Transport{ForceAttemptHTTP2: test.http2, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: test.version}}
		client := &http.Client{Transport: transport, Timeout: patience}
		for _, path := range []string{generate, stream} {
			resp, err := client.Post(url+path, "application/json", strings.NewReader(helloGemini))
			if test.proto == "" {
				if err == nil {
					t.Errorf("%s: TLS 1.1 is accepted", path)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := read(t, resp.Body); resp.Proto != test.proto || resp.StatusCode != 200 || !strings.Contains(text, "hi") {
				t.Errorf("%s: %s, status %d, body %s; want 200 with %s", path, resp.Proto, resp.StatusCode, text, test.proto)
			}
		}
		transport.CloseIdleConnections()
	}
}

// certificateFiles writes a certificate for the loopback interface to a folder.
func certificateFiles(t *testing.T, dir, name string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return certFile, keyFile, pool
}
