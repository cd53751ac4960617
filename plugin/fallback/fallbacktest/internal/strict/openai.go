package strict

import (
	"net/http"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// complaint is what OpenAI says of a request that it refuses. The zero value is
// no complaint; a status of 0 is 400.
type complaint struct {
	message     string
	param, code string // null if empty
	status      int
}

func (c complaint) ok() bool { return c.message == "" }

// violation returns nil if there is no complaint.
func (c complaint) violation() *Violation {
	if c.ok() {
		return nil
	}
	v := &Violation{Status: c.status, Kind: "invalid_request_error", Message: c.message, Param: c.param, Code: c.code}
	if v.Status == 0 {
		v.Status = http.StatusBadRequest
	}
	return v
}

// first returns the first complaint of several checks.
func first(checks ...func() complaint) complaint {
	for _, check := range checks {
		if c := check(); !c.ok() {
			return c
		}
	}
	return complaint{}
}

// mentionsJSON reports whether the word JSON occurs in a content.
func mentionsJSON(content any) bool {
	texts, _ := content.(string)
	for _, p := range wire.List(content) {
		switch wire.Str(p, "type") {
		case "text", "input_text", "output_text":
			texts += "\n" + wire.Str(p, "text")
		case "refusal":
			texts += "\n" + wire.Str(p, "refusal")
		}
	}
	return strings.Contains(strings.ToLower(texts), "json")
}
