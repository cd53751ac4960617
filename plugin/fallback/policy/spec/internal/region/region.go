// Package region derives the region of a server from its host name. Package spec uses it to
// check the regions of models, on which compliance rules may rely.
package region

import (
	"regexp"
	"strings"
)

// Of returns the region that a host serves, "" for none; known is false for a host that
// belongs to no listed provider. If host is empty, the provider's default host is meant, and
// known is fixed. Hosts: Vertex AI https://cloud.google.com/vertex-ai/docs/general/locations,
// OpenAI https://platform.openai.com/docs/guides/your-data, Amazon Bedrock
// https://docs.aws.amazon.com/general/latest/gr/bedrock.html.
func Of(host string, fixed bool) (region string, known bool) {
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
