package gateway

import (
	"context"
	"net/http"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// To be replaced by the core's.

type openaiRefusal struct{}

func (openaiRefusal) contentType(bool) string                                        { return "application/json" }
func (openaiRefusal) whole(dst []byte, _ *model.LLMResponse) []byte                  { return dst }
func (openaiRefusal) chunk(dst []byte, _ *model.LLMResponse, _ []*genai.Part) []byte { return dst }
func (openaiRefusal) last(dst []byte, _ *model.LLMResponse, _ []*genai.Part) []byte  { return dst }
func (openaiRefusal) broken(dst []byte, _ *problem) []byte                           { return dst }
func (openaiRefusal) refusal(dst []byte, p *problem) []byte {
	return appendJSON(dst, map[string]any{"error": map[string]any{"message": p.text, "code": p.code, "param": p.param, "type": "invalid_request_error"}})
}

func (g *Gateway) names(ctx context.Context) []string {
	var names []string
	for name := range g.config.Routes {
		if mayName(ctx, name) {
			names = append(names, name)
		}
	}
	return names
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(appendJSON(nil, v))
}

func passUnknown(req *model.LLMRequest, extra map[string]any) {
	req.Config.HTTPOptions = &genai.HTTPOptions{ExtraBody: extra}
}
