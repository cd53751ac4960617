package openai

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// The values of [Config.API].
const (
	Responses = "responses"
	Chat      = "chat"
)

// OpenAI's own endpoint, and its host.
const (
	defaultBaseURL = "https://api.openai.com/v1"
	ownEndpoint    = "api.openai.com"
)

// Config configures a [Model]. A key, or the URL of a server that needs none, is
// required; the rest is optional.
type Config struct {
	// APIKey is sent as a bearer token, or in Azure's api-key header. If it is empty,
	// no key is sent, as for local servers. OpenAI's own endpoint needs it, unless
	// Header or the transport of HTTPClient has the credential.
	APIKey string
	// BaseURL is the URL before /responses or /chat/completions. Default:
	// https://api.openai.com/v1. For Azure it is the resource, such as
	// https://NAME.openai.azure.com.
	BaseURL string
	// API is [Responses] or [Chat]. Default: Responses for OpenAI's own endpoint,
	// whose newer models take tools only there; Chat for any other base URL.
	API string

	Organization string // OpenAI-Organization header; optional
	Project      string // OpenAI-Project header; optional

	// Azure, if not nil, selects a deployment of Azure OpenAI.
	Azure *Azure

	// HTTPClient replaces the model's own client, which keeps up to 256 idle
	// connections per host and speaks HTTP/2 where the server does. Its timeout, if
	// any, also limits how long a stream may take.
	HTTPClient *http.Client
	// Header is added to each request and replaces headers of the same name. Headers
	// of a request's HTTPOptions override it, except Google's and credentials.
	Header http.Header
	// ExtraBody is merged into the body of each request, at the top level: a value
	// replaces the field of that name, nil removes it. It must marshal to JSON. The
	// ExtraBody of a request's HTTPOptions overrides it in the same way.
	ExtraBody map[string]any

	// Takes and Drop describe a model that the tables do not know; see
	// [provider.Target].
	Takes provider.Takes
	Drop  bool
}

// Azure names a deployment of Azure OpenAI.
type Azure struct {
	// Deployment is the deployment's name. Default: the model's name.
	Deployment string
	// APIVersion is the api-version of the query, such as "2024-10-21". A dated
	// version uses the path with the deployment's name,
	// /openai/deployments/NAME/chat/completions. Empty, "v1" and "preview" use
	// /openai/v1, where the version is optional.
	APIVersion string
}

// versionless reports whether the newer path /openai/v1 is used.
func (a *Azure) versionless() bool {
	return a.APIVersion == "" || a.APIVersion == "v1" || a.APIVersion == "preview" || a.APIVersion == "latest"
}

// base returns the parsed base URL.
func (c *Config) base() (*url.URL, error) {
	text := c.BaseURL
	if text == "" {
		if c.Azure != nil {
			return nil, fmt.Errorf("openai: Azure needs a base URL; set BaseURL to https://NAME.openai.azure.com")
		}
		text = defaultBaseURL
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("openai: the base URL is not an http or https URL; set BaseURL to something like %s", defaultBaseURL)
	}
	if u.User != nil {
		return nil, fmt.Errorf("openai: the base URL of host %s holds a user name or password; use APIKey or Header instead", u.Host)
	}
	return u, nil
}

// answers returns the URL that requests for answers are posted to.
func (c *Config) answers(u *url.URL, deployment string) string {
	if c.API == Responses {
		return c.resource(u, deployment, "responses")
	}
	return c.resource(u, deployment, "chat/completions")
}

// resource returns the URL of a resource.
func (c *Config) resource(u *url.URL, deployment, resource string) string {
	if c.Azure == nil {
		return u.JoinPath(resource).String()
	}
	root := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v1"), "/openai")
	at := *u
	at.Path, at.RawPath = root, ""
	switch {
	case c.Azure.versionless():
		at = *at.JoinPath("openai", "v1", resource)
	case resource == "responses":
		at = *at.JoinPath("openai", resource)
	default:
		at = *at.JoinPath("openai", "deployments", url.PathEscape(deployment), resource)
	}
	if c.Azure.APIVersion != "" {
		query := at.Query()
		query.Set("api-version", c.Azure.APIVersion)
		at.RawQuery = query.Encode()
	}
	return at.String()
}

// header returns the headers of every request.
func (c *Config) header() http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"adk-fallback"}}
	if c.APIKey != "" {
		if c.Azure != nil {
			h.Set("Api-Key", c.APIKey)
		} else {
			h.Set("Authorization", "Bearer "+c.APIKey)
		}
	}
	if c.Organization != "" {
		h.Set("OpenAI-Organization", c.Organization)
	}
	if c.Project != "" {
		h.Set("OpenAI-Project", c.Project)
	}
	for name, values := range c.Header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return h
}
