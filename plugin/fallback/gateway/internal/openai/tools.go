package openai

import (
	"cmp"
	"encoding/json"
	"fmt"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// tools reads the functions, and how the model chooses among them.
func (c *Request) tools(wire *openaiwire.Chat) *problem.Problem {
	tool := &genai.Tool{}
	for i, t := range wire.Tools {
		at := fmt.Sprintf("tools[%d]", i)
		if t.Type != "" && t.Type != "function" {
			return problem.Invalid(at+".type", "tools of type "+problem.Quote(t.Type)+" are not supported; use functions")
		}
		declared := &genai.FunctionDeclaration{Name: t.Function.Name, Description: t.Function.Description}
		if declared.Name == "" {
			return problem.Invalid(at+".function.name", "a function needs a name")
		}
		if isSet(t.Function.Parameters) {
			if _, ok := object(t.Function.Parameters); !ok {
				return problem.Invalid(at+".function.parameters", "parameters must be a JSON Schema, an object")
			}
			declared.ParametersJsonSchema = t.Function.Parameters
		}
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, declared)
		if ttl := cmp.Or(cacheTime(t.CacheControl), cacheTime(t.Function.CacheControl)); ttl != "" {
			if c.Tools == nil {
				c.Tools = map[string]any{}
			}
			c.Tools[declared.Name] = cached(ttl)
		}
	}
	if len(tool.FunctionDeclarations) > 0 {
		c.Config.Tools = []*genai.Tool{tool}
	}
	return c.choice(wire.ToolChoice)
}

// cached is the duration of a function's cache breakpoint, as provider/anthropic reads it.
type cached string

// CacheControl implements anthropic.CachedTool.
func (c cached) CacheControl() string { return string(c) }

// choice reads tool_choice.
func (c *Request) choice(raw json.RawMessage) *problem.Problem {
	if !isSet(raw) {
		return nil
	}
	var word string
	var named struct {
		Type     string                  `json:"type"`
		Function openaiwire.ChatFunction `json:"function"`
		Allowed  struct {
			Mode  string                `json:"mode"`
			Tools []openaiwire.ChatTool `json:"tools"`
		} `json:"allowed_tools"`
	}
	choice := &genai.FunctionCallingConfig{}
	if raw[0] == '"' {
		_ = json.Unmarshal(raw, &word) // cannot fail: it was decoded as part of the request
	} else if json.Unmarshal(raw, &named) == nil {
		switch {
		case named.Type == "function" && named.Function.Name != "":
			word, choice.AllowedFunctionNames = "required", []string{named.Function.Name}
		case named.Type == "allowed_tools":
			word = named.Allowed.Mode
			if len(named.Allowed.Tools) == 0 {
				return problem.Invalid("tool_choice.allowed_tools.tools", "allowed_tools.tools is empty; name at least one function")
			}
			for _, tool := range named.Allowed.Tools {
				choice.AllowedFunctionNames = append(choice.AllowedFunctionNames, tool.Function.Name)
			}
		}
	}
	switch word {
	case "none":
		choice.Mode = genai.FunctionCallingConfigModeNone
	case "auto":
		choice.Mode = genai.FunctionCallingConfigModeAuto
		if len(choice.AllowedFunctionNames) > 0 {
			choice.Mode = genai.FunctionCallingConfigModeValidated // auto, limited to some functions
		}
	case "required":
		choice.Mode = genai.FunctionCallingConfigModeAny
	default:
		return problem.Invalid("tool_choice", "tool_choice must be none, auto, required or a function")
	}
	if len(c.Config.Tools) == 0 && word == "required" {
		return problem.Invalid("tool_choice", "tool_choice needs tools")
	}
	var declared []string
	if len(choice.AllowedFunctionNames) > 0 && len(c.Config.Tools) > 0 {
		for _, f := range c.Config.Tools[0].FunctionDeclarations {
			declared = append(declared, f.Name)
		}
	}
	isDeclared := request.SetOf(declared...)
	for _, name := range choice.AllowedFunctionNames {
		if !isDeclared[name] {
			return problem.Invalid("tool_choice", "tool_choice names the function "+problem.Quote(name)+", which is missing in tools; declare it there")
		}
	}
	c.Config.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: choice}
	return nil
}
