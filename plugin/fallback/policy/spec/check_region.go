package spec

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// ReliesOnRegions reports whether a compliance rule lists regions of models.
func (p *Policy) ReliesOnRegions() bool {
	return p.Compliance != nil && slices.ContainsFunc(p.Compliance.Rules, func(r Rule) bool { return len(r.Regions) > 0 })
}

// regions finds models whose region is not the one that is called. That is an error if
// compliance rules rely on regions, and a warning otherwise.
func (c *checker) regions() {
	report := c.warn
	if c.ReliesOnRegions() {
		report = c.err
	}
	for _, t := range c.called() {
		for _, r := range t.Models() {
			if r.Settings.Region == "" || c.known.HandsIn(r) {
				continue
			}
			path := at("models", r.Entry, "region")
			if r.Provider == "vertexai" && !location.MatchString(r.Settings.Region) {
				c.err(path, "must be a location of Vertex AI, such as europe-west4, not "+quoted(r.Settings.Region))
			} else if wrong := r.wrongRegion(); wrong != "" {
				report(path, wrong)
			}
		}
	}
}

// location is the form of a location of Vertex AI, which becomes part of a host's name.
var location = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// IsLocation reports whether a region can be a location of Vertex AI.
func IsLocation(region string) bool { return location.MatchString(region) }

// wrongRegion returns what is wrong with a model's region, "" for nothing.
func (r *Resolved) wrongRegion() string {
	region := match.Fold(r.Settings.Region)
	host := ""
	if u, err := url.Parse(r.Settings.BaseURL); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	if _, rest, ok := strings.Cut(r.ID, "/locations/"); ok && r.Provider == "vertexai" {
		if named, _, _ := strings.Cut(rest, "/"); match.Fold(named) != region {
			return "id names location " + quoted(named) + ", not " + quoted(r.Settings.Region)
		}
	}
	// Vertex AI is called in the region that the file names. A model without a provider
	// may be on Vertex AI, if the environment says so.
	fixed := r.Provider != "" && r.Provider != "vertexai" && (r.Provider != "gemini" || r.Settings.Provider != "")
	served, known := regionOf(host, fixed)
	switch {
	case r.Provider == "vertexai" && r.Settings.CredentialEnv != "" && host == "" && region != "global":
		return "an API key on Vertex AI is served by the global endpoint; remove credential_env to use application default credentials, or set region: global"
	case !known, served == region, served == "eu" && region == "europe":
		return ""
	case served != "":
		return "the server at base_url is in region " + served + ", not in " + quoted(r.Settings.Region)
	case r.Provider == "gemini":
		return "the Gemini API has no regions; use provider: vertexai, or remove region"
	}
	return r.Provider + "'s own endpoint has no region; set base_url to one that has, or remove region"
}

// regionOf returns the region that is served at a host, "" for none; known is false for
// a host that only its operator knows. fixed says that the provider's usual host has
// none. Hosts: Vertex AI https://cloud.google.com/vertex-ai/docs/general/locations,
// OpenAI https://platform.openai.com/docs/guides/your-data, Amazon Bedrock
// https://docs.aws.amazon.com/general/latest/gr/bedrock.html.
func regionOf(host string, fixed bool) (region string, known bool) {
	switch {
	case host == "":
		return "", fixed
	case host == "aiplatform.googleapis.com":
		return "global", true
	}
	for _, form := range hostForms {
		if m := form.FindStringSubmatch(host); m != nil {
			return m[1], true
		}
	}
	for _, domain := range []string{"googleapis.com", "amazonaws.com", "api.aws", "openai.com", "anthropic.com"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return "", true
		}
	}
	return "", false
}

// hostForms are the hosts of providers that name their region.
var hostForms = []*regexp.Regexp{
	regexp.MustCompile(`^([a-z0-9-]+)-aiplatform\.(?:mtls\.)?googleapis\.com$`),
	regexp.MustCompile(`^aiplatform\.([a-z0-9-]+)\.rep\.googleapis\.com$`),
	regexp.MustCompile(`^([a-z]{2})\.api\.openai\.com$`),
	regexp.MustCompile(`\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.(?:amazonaws\.com|api\.aws)$`),
	regexp.MustCompile(`^([a-z0-9]+)\.api\.cognitive\.microsoft\.com$`),
}
