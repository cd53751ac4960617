package request

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Options returns the HTTP options of req; the zero value if it has none.
func Options(req *model.LLMRequest) genai.HTTPOptions {
	if req.Config == nil || req.Config.HTTPOptions == nil {
		return genai.HTTPOptions{}
	}
	return *req.Config.HTTPOptions
}

// Fields returns the values of an ExtraBody as JSON. An error names the first one
// that is none.
func Fields(extra map[string]any) (map[string]json.RawMessage, error) {
	fields := make(map[string]json.RawMessage, len(extra))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		value, err := json.Marshal(extra[name])
		if err != nil {
			return nil, fmt.Errorf("ExtraBody[%q] is no JSON: %w", name, err)
		}
		fields[name] = value
	}
	return fields, nil
}

// Overlay returns body, a JSON object, overridden by layers of fields; later layers
// win. A field replaces the whole field of the same name, and null removes it.
// Without fields it returns body itself.
func Overlay(body []byte, layers ...map[string]json.RawMessage) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if !slices.ContainsFunc(layers, func(layer map[string]json.RawMessage) bool { return len(layer) > 0 }) {
		return body, nil
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, fmt.Errorf("merging ExtraBody: %w", err)
	}
	for _, layer := range layers {
		maps.Copy(fields, layer)
	}
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return json.Marshal(fields)
}

// Header returns own, overridden by the headers of a request, for a server that is
// not Google's. It omits Google's headers, ADK's client headers and credentials of
// the request, because they are meant for one target and the request may go to any.
// It returns own itself if nothing changes, and never changes it.
func Header(own, ofRequest http.Header) http.Header {
	var merged http.Header
	for name, values := range ofRequest {
		name = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(name, "X-Goog-") || slices.Contains(credentials, name) ||
			name == "User-Agent" && len(values) > 0 && strings.HasPrefix(values[0], "google-adk/") {
			continue
		}
		if merged == nil {
			if merged = own.Clone(); merged == nil {
				merged = http.Header{}
			}
		}
		merged[name] = slices.Clone(values)
	}
	if merged == nil {
		return own
	}
	return merged
}

// credentials are the headers in which servers expect keys.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Api-Key", "X-Api-Key"}
