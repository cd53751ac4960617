package gateway

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

func passUnknown(req *model.LLMRequest, extra map[string]any) {
	req.Config.HTTPOptions = &genai.HTTPOptions{ExtraBody: extra}
}
