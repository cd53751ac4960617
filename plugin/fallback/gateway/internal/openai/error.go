package openai

import (
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// Errors writes errors as the API does. It implements protocol.ErrorWriter.
type Errors struct{}

// Refusal implements protocol.ErrorWriter.
func (Errors) Refusal(dst []byte, p *problem.Problem) []byte {
	var e struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    string  `json:"code"`
		} `json:"error"`
	}
	e.Error.Message, e.Error.Code, e.Error.Type = p.Text, p.Code, errorType(p)
	if p.Param != "" {
		e.Error.Param = &p.Param
	}
	dst, _ = protocol.AppendJSON(dst, e) // never fails: it has only texts
	return dst
}

// errorType returns the type of an error, which is less specific than its code.
func errorType(p *problem.Problem) string {
	switch {
	case p.Code == problem.CodeQuota:
		return "insufficient_quota"
	case p.Status == 401:
		return "authentication_error"
	case p.Status == 403:
		return "permission_error"
	case p.Status == 404:
		return "not_found_error"
	case p.Status == 429:
		return "rate_limit_error"
	case p.Status < 500:
		return "invalid_request_error"
	}
	return "server_error"
}
