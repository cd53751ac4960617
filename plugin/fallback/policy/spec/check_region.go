package spec

import (
	"net/url"
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
	seen := make(map[string]bool)
	for _, t := range c.models() {
		for _, r := range t.Models() {
			region := r.Settings.Region
			if region == "" || seen[r.Entry] || c.known.HandsIn(r) {
				continue
			}
			seen[r.Entry] = true
			if wrong := r.wrongRegion(); wrong != "" {
				report(at("models", r.Entry, "region"), wrong)
			}
		}
	}
}

// wrongRegion returns what is wrong with a model's region, "" for nothing.
func (r *Resolved) wrongRegion() string {
	region := match.Fold(r.Settings.Region)
	host := ""
	if u, err := url.Parse(r.Settings.BaseURL); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	// vertexai calls the region in the file. A gemini model without a provider may be on
	// Vertex AI too, depending on the environment.
	fixed := r.Provider != "vertexai" && (r.Provider != "gemini" || r.Settings.Provider != "")
	served, known := regionOf(host, fixed && r.Provider != "")
	switch {
	case r.Provider == "vertexai" && r.Settings.CredentialEnv != "" && host == "" && region != "global":
		return "an API key on Vertex AI is served by the global endpoint; remove credential_env to use application default credentials, or set region: global"
	case !known, served == region, served != "" && !strings.Contains(served, "-") && strings.HasPrefix(region, served):
		return ""
	case served != "":
		return "the server at base_url is in region " + served + ", not in " + quoted(r.Settings.Region)
	case r.Provider == "gemini":
		return "the Gemini API has no regions; use provider: vertexai, or remove region"
	}
	return r.Provider + "'s own endpoint has no region; set base_url to one that has, or remove region"
}

// regionOf returns the region of a host, "" for none; known is false if the host is not
// one of the providers' own. fixed says that the provider's default host has no region.
// Hosts: Vertex AI
// https://cloud.google.com/vertex-ai/docs/general/locations, OpenAI
// https://platform.openai.com/docs/guides/your-data, Amazon Bedrock
// https://docs.aws.amazon.com/general/latest/gr/bedrock.html.
func regionOf(host string, fixed bool) (region string, known bool) {
	switch {
	case host == "":
		return "", fixed
	case host == "aiplatform.googleapis.com":
		return "global", true
	case strings.HasSuffix(host, "-aiplatform.googleapis.com"):
		return strings.TrimSuffix(host, "-aiplatform.googleapis.com"), true
	case host == "api.openai.com", host == "api.anthropic.com", host == "generativelanguage.googleapis.com":
		return "", true
	case strings.HasSuffix(host, ".api.openai.com"):
		return strings.TrimSuffix(host, ".api.openai.com"), true
	case strings.HasPrefix(host, "bedrock-") && strings.HasSuffix(host, ".amazonaws.com"):
		parts := strings.Split(host, ".")
		return parts[1], len(parts) == 4
	}
	return "", false
}
