package anthropic

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// defaultBaseURL is Anthropic's own endpoint.
const defaultBaseURL = "https://api.anthropic.com"

// The values of [Config.CacheControl].
const (
	Cache5Minutes = "5m"
	CacheHour     = "1h"
)

// Config says how a model is asked. A key, or the URL of a server that needs
// none, is required; the rest is optional.
type Config struct {
	// APIKey is sent as a bearer token; to a server that is not Anthropic's also as
	// x-api-key, which is all that many of them know.
	APIKey string
	// BaseURL is what stands before /v1/messages. Default: https://api.anthropic.com.
	BaseURL string

	// HTTPClient replaces the model's own client, which keeps up to 64 idle
	// connections per host and speaks HTTP/2 where the server does. Its timeout, if
	// any, also limits how long a stream may take.
	HTTPClient *http.Client
	// Header is added to each request, in place of headers of the same name. Those
	// of a request's HTTPOptions come over it, except for Google's and credentials.
	Header http.Header
	// Betas are sent in the header anthropic-beta.
	Betas []string
	// ExtraBody is merged into the body of each request, at the top level: a value
	// replaces the field of that name, nil removes it. It must marshal to JSON. The
	// ExtraBody of a request's HTTPOptions comes over it in the same way.
	ExtraBody map[string]any

	// MaxTokens is the limit of output tokens, thinking included, where the request
	// has none: the API demands one. Default: the most that the model takes.
	MaxTokens int32
	// DisableParallelToolUse makes the model call at most one tool at a time.
	DisableParallelToolUse bool
	// CacheControl caches the prompt for [Cache5Minutes] or [CacheHour]: tools,
	// system instruction and conversation get a breakpoint each. Default: no
	// breakpoint but those of parts, see [CacheControlKey].
	CacheControl string

	// Takes and Drop describe a model that the tables do not know; see
	// [provider.Target].
	Takes provider.Takes
	Drop  bool
}

// CacheControlKey is the key in the metadata of a part, of the user or of the
// system instruction, that puts a cache breakpoint behind the part. Its value is
// a duration, [Cache5Minutes] or [CacheHour]. A request takes four breakpoints:
// of more, the last ones count.
const CacheControlKey = "cache_control"

// base returns the parsed base URL, which ends before /v1/messages.
func (c *Config) base() (*url.URL, error) {
	if c.BaseURL == "" {
		if c.APIKey == "" {
			return nil, errors.New("anthropic: no API key; set APIKey, or BaseURL for a server that needs none")
		}
		return url.Parse(defaultBaseURL)
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("anthropic: the base URL is not an http or https URL; set BaseURL to something like %s", defaultBaseURL)
	}
	if u.User != nil {
		return nil, fmt.Errorf("anthropic: the base URL of host %s holds a user name or password; use APIKey or Header instead", u.Host)
	}
	// No server has /v1/v1/messages: a base URL with the version is meant like one without.
	u.Path, u.RawPath = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v1"), ""
	return u, nil
}

// endpoint returns the host of u, with its port if that is not the scheme's.
func endpoint(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return host
	}
	return host + ":" + port
}

// validate checks what [Config.base] does not.
func (c *Config) validate() error {
	if c.MaxTokens < 0 {
		return fmt.Errorf("anthropic: MaxTokens is %d; it must be positive, or 0 for the model's own limit", c.MaxTokens)
	}
	if c.CacheControl != "" && !isTTL(c.CacheControl) {
		return fmt.Errorf("anthropic: CacheControl is %q; it must be %q or %q, or empty", c.CacheControl, Cache5Minutes, CacheHour)
	}
	return nil
}

func isTTL(s string) bool { return s == Cache5Minutes || s == CacheHour }
