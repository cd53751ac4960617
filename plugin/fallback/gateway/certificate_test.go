package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writePair writes the PEM files of a new certificate; "" for a file not to write.
func writePair(t *testing.T, name, certFile, keyFile string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// B145: a certificate that is renewed is used without a restart. One half of a new pair is
// not.
func TestACertificateFollowsItsFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		writePair(t, "first", certFile, keyFile)
		c, err := readCertificate(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		go c.watch(ctx, slog.New(slog.NewTextHandler(&log, nil)))
		for _, step := range []struct {
			name      string
			cert, key string
			want      string
		}{{"second", certFile, keyFile, "second"}, {"third", certFile, "", "second"}, {"fourth", certFile, keyFile, "fourth"}} {
			writePair(t, step.name, step.cert, step.key)
			time.Sleep(time.Minute)
			synctest.Wait()
			pair, err := c.get(nil)
			if err != nil || pair.Leaf.Subject.CommonName != step.want {
				t.Errorf("after %s: error %v, certificate %s; want %s", step.name, err, pair.Leaf.Subject.CommonName, step.want)
			}
		}
		if n := strings.Count(log.String(), "the one in use stays"); n != 1 {
			t.Errorf("%d reports of mistakes, want one:\n%s", n, log.String())
		}
	})
}
