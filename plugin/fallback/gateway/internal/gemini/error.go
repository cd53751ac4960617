package gemini

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// Errors writes errors as the API does. It implements protocol.ErrorWriter.
type Errors struct{}

// Refusal implements protocol.ErrorWriter.
func (Errors) Refusal(dst []byte, p *problem.Problem) []byte {
	dst, _ = protocol.AppendJSON(dst, errorDocument(p)) // never fails: it has texts and a status
	return dst
}

// errorDocument returns an error as the API writes it: https://google.aip.dev/193.
func errorDocument(p *problem.Problem) any {
	type detail map[string]any
	details := []detail{{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": p.Code, "domain": "adk-fallback"}}
	if p.Param != "" {
		details = append(details, detail{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []detail{{"field": p.Param, "description": p.Text}}})
	}
	if p.Wait > 0 {
		details = append(details, detail{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": fmt.Sprintf("%.3fs", max(p.Wait, time.Millisecond).Seconds())})
	}
	return map[string]any{"error": map[string]any{
		"code": p.Status, "message": p.Text, "status": cmp.Or(statuses[p.Status], "UNKNOWN"), "details": details,
	}}
}

// statuses are the names of statuses: https://google.aip.dev/193#http11json-representation.
var statuses = map[int]string{
	http.StatusBadRequest: "INVALID_ARGUMENT", http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusForbidden: "PERMISSION_DENIED",
	http.StatusNotFound: "NOT_FOUND", http.StatusMethodNotAllowed: "UNIMPLEMENTED", http.StatusRequestTimeout: "DEADLINE_EXCEEDED",
	http.StatusRequestEntityTooLarge: "INVALID_ARGUMENT", http.StatusUnsupportedMediaType: "INVALID_ARGUMENT",
	http.StatusTooManyRequests: "RESOURCE_EXHAUSTED", http.StatusRequestHeaderFieldsTooLarge: "INVALID_ARGUMENT", problem.StatusCanceled: "CANCELLED",
	http.StatusInternalServerError: "INTERNAL", http.StatusBadGateway: "UNAVAILABLE", http.StatusServiceUnavailable: "UNAVAILABLE",
	http.StatusGatewayTimeout: "DEADLINE_EXCEEDED",
}
