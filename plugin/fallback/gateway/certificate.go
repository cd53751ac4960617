package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/adk-fallback/adk-fallback/internal/follow"
)

// maxPEM is the largest file with a certificate or key, in bytes.
const maxPEM = 1 << 20

// certificate is a TLS certificate that is reloaded when its files change.
type certificate struct {
	certFile, keyFile string
	first             []byte // content of both files
	pair              atomic.Pointer[tls.Certificate]
}

func readCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	both, err := c.read()
	if err != nil {
		return nil, err
	}
	c.first = both
	return c, nil
}

// read puts the certificate into use, and returns the content of both files.
func (c *certificate) read() ([]byte, error) {
	both, err := c.content()
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("gateway: certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return both, nil
}

func (c *certificate) content() (both []byte, err error) {
	for _, file := range []string{c.certFile, c.keyFile} {
		data, err := follow.Read(file, maxPEM)
		if err != nil {
			return nil, fmt.Errorf("gateway: certificate: %w", err)
		}
		both = append(both, data...)
	}
	return both, nil
}

// watch reloads the files until ctx ends. It does not use a certificate and key that do not
// match: most likely one of the files has not been written yet.
func (c *certificate) watch(ctx context.Context, logger *slog.Logger) {
	follow.Watch(ctx, follow.Interval, c.first, follow.File{Read: c.content, Changed: func(_ []byte, err error) {
		if err == nil {
			_, err = c.read()
		}
		if err != nil {
			logger.Error("gateway: the changed certificate cannot be used; the one in use stays", "file", c.certFile, "error", err)
			return
		}
		logger.Info("gateway: the changed certificate is in use", "file", c.certFile)
	}})
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }
