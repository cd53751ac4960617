package anthropic

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Anthropic's own endpoint, and its host.
const (
	defaultBaseURL = "https://api.anthropic.com"
	ownEndpoint    = "api.anthropic.com"
)

// The values of [Config.CacheControl].
const (
	Cache5Minutes = "5m"
	CacheHour     = "1h"
)

// Config configures a [Model]. A key, or the URL of a server that needs none, is
// required; the rest is optional.
type Config struct {
	// APIKey is sent as a bearer token. A server that is not Anthropic's also gets it
	// as x-api-key, because many such servers read only that header. Anthropic's own
	// endpoint needs it, unless Header or the transport of HTTPClient has the
	// credential.
	APIKey string
	// BaseURL is the URL before /v1/messages. Default: https://api.anthropic.com.
	BaseURL string

	// HTTPClient replaces the model's own client, which keeps up to 64 idle
	// connections per host and speaks HTTP/2 where the server does. Its timeout, if
	// any, also limits how long a stream may take.
	HTTPClient *http.Client
	// Header is added to each request and replaces headers of the same name. Headers
	// of a request's HTTPOptions override it, except Google's and credentials.
	Header http.Header
	// Betas are sent in the header anthropic-beta.
	Betas []string
	// ExtraBody is merged into the body of each request, at the top level: a value
	// replaces the field of that name, nil removes it. It must marshal to JSON. The
	// ExtraBody of a request's HTTPOptions overrides it in the same way.
	ExtraBody map[string]any

	// MaxTokens is the limit of output tokens, thinking included, for requests
	// without one; the API requires a limit. Default: the model's maximum.
	MaxTokens int32
	// DisableParallelToolUse makes the model call at most one tool at a time. The value
	// true under disable_parallel_tool_use in the ExtraBody of a request's HTTPOptions does
	// the same.
	DisableParallelToolUse bool
	// CacheControl caches the prompt for [Cache5Minutes] or [CacheHour]: tools,
	// system instruction and conversation get a breakpoint each. Default: only the
	// breakpoints of parts and tools, see [CacheControlKey] and [CachedTool].
	CacheControl string

	// Takes and Drop describe a model that the tables do not know; see
	// [provider.Target].
	Takes provider.Takes
	Drop  bool
}

// serialKey is a key in the ExtraBody of a request's HTTPOptions; see
// [Config.DisableParallelToolUse]. The key itself is not sent: in the API, the field is part of
// tool_choice.
const serialKey = "disable_parallel_tool_use"

// CacheControlKey is a key in the metadata of a part of a user's turn or of the
// system instruction. It sets a cache breakpoint after the part. Its value is a
// duration, [Cache5Minutes] or [CacheHour]. A request takes four breakpoints; of
// more, only the last ones are sent.
const CacheControlKey = "cache_control"

// base returns the parsed base URL, which ends before /v1/messages.
func (c *Config) base() (*url.URL, error) {
	if c.BaseURL == "" {
		return url.Parse(defaultBaseURL)
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("anthropic: the base URL is not an http or https URL; set BaseURL to something like %s", defaultBaseURL)
	}
	if u.User != nil {
		return nil, fmt.Errorf("anthropic: the base URL of host %s holds a user name or password; use APIKey or Header instead", u.Host)
	}
	if u.RawQuery != "" {
		return nil, fmt.Errorf("anthropic: the base URL of host %s has a query, which the API does not use; remove it", u.Host)
	}
	// No server has /v1/v1/messages, so a base URL may include the version.
	u.Path, u.RawPath = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v1"), ""
	return u, nil
}

// Versions of the API. The old one accepts sampling settings; see [encoder.sampling].
const (
	versionHeader = "Anthropic-Version"
	version       = "2026-10-21" // that of github.com/anthropics/anthropic-sdk-go/v2 v2.15.0
	oldVersion    = "2023-06-01"
)

// header returns the headers of each request, apart from Header, which overrides them.
func (c *Config) header(base string) http.Header {
	h := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"adk-fallback"}}
	h.Set(versionHeader, version)
	if c.APIKey != "" {
		h.Set("Authorization", "Bearer "+c.APIKey)
		if base != defaultBaseURL {
			h.Set("X-Api-Key", c.APIKey)
		}
	}
	if len(c.Betas) > 0 {
		h.Set("Anthropic-Beta", strings.Join(c.Betas, ","))
	}
	return h
}

// validate checks the fields that [Config.base] does not check.
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
