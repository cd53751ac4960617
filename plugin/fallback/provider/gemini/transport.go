package gemini

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// withCapture returns the transport with what failure needs around it. Where own
// says that the client is not the application's, nil becomes a pool of our own.
func withCapture(transport http.RoundTripper, own bool) http.RoundTripper {
	if transport == nil && own {
		transport = httpclient.Transport()
	}
	return failure.Capture(transport)
}

// baseHeader returns the headers of every request.
func baseHeader(c *genai.ClientConfig) http.Header {
	client := "adk-fallback gl-go/" + strings.TrimPrefix(runtime.Version(), "go")
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {client}, "X-Goog-Api-Client": {client}}
	merge(h, c.HTTPOptions.Headers)
	if c.APIKey != "" {
		h.Set("X-Goog-Api-Key", c.APIKey)
	}
	return h
}

func merge(h, more http.Header) {
	for name, values := range more {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
}

// requestTimeout returns the limit on one call; 0 for none.
func requestTimeout(client *genai.HTTPOptions, config *genai.GenerateContentConfig) time.Duration {
	timeout := client.Timeout
	if config != nil && config.HTTPOptions != nil && config.HTTPOptions.Timeout != nil {
		timeout = config.HTTPOptions.Timeout
	}
	if timeout == nil {
		return 0
	}
	return *timeout
}

// modelPath returns the path of a model of that name.
func modelPath(name string, vertex bool) (string, error) {
	switch {
	case name == "" || strings.ContainsAny(name, "?&#% \t\r\n") || strings.Contains(name, ".."):
		return "", fmt.Errorf("gemini: %q is no name of a model; use one such as gemini-3-flash", name)
	case !vertex && (strings.HasPrefix(name, "models/") || strings.HasPrefix(name, "tunedModels/")):
		return name, nil
	case !vertex:
		return "models/" + name, nil
	case strings.HasPrefix(name, "projects/") || strings.HasPrefix(name, "models/") || strings.HasPrefix(name, "publishers/"):
		return name, nil
	}
	if publisher, rest, ok := strings.Cut(name, "/"); ok {
		return "publishers/" + publisher + "/models/" + rest, nil
	}
	return "publishers/google/models/" + name, nil
}

// url returns where a model's content is asked for.
func (m *Model) url(name string, stream bool, options *genai.HTTPOptions) (string, error) {
	path, err := modelPath(name, m.target.API == provider.Vertex)
	if err != nil {
		return "", err
	}
	root := m.root
	if options != nil {
		if options.BaseURL != "" && options.BaseURL != m.options.BaseURL {
			return "", errors.New("gemini: a request cannot choose its base URL, which would send it and the key elsewhere; set HTTPOptions.BaseURL in Config.Client")
		}
		if options.APIVersion != "" {
			base, err := url.Parse(m.options.BaseURL)
			if err != nil {
				return "", errors.New("gemini: the base URL is no URL")
			}
			base.RawQuery = ""
			root = strings.TrimSuffix(base.JoinPath(options.APIVersion).String(), "/")
		}
	}
	if !strings.HasPrefix(path, "projects/") {
		path = m.scope + path
	}
	address, query := root+"/"+path+":generateContent", m.query
	if stream {
		address, query = root+"/"+path+":streamGenerateContent", strings.TrimPrefix(query+"&alt=sse", "&")
	}
	if query != "" {
		address += "?" + query
	}
	return address, nil
}

// post sends body and returns the response if it is a success that may hold an
// answer. The caller closes its body.
func (m *Model) post(ctx context.Context, url string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("gemini: %w", httpclient.Bare(err))
	}
	req.Header = header.Clone()
	if deadline, ok := ctx.Deadline(); ok {
		if left := math.Ceil(time.Until(deadline).Seconds()); left > 0 {
			req.Header.Set("X-Server-Timeout", strconv.FormatFloat(left, 'f', 0, 64))
		}
	}
	resp, err := m.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("gemini: asking %s: %w", m.target.Endpoint, httpclient.Bare(err))
	}
	if resp.StatusCode/100 == 2 && !httpclient.IsPage(resp.Header) {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	return nil, m.newError(resp, text)
}
