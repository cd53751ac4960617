package anthropic

import (
	"encoding/json"
	"fmt"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// tools declares the functions and says how they are to be called. Tools that the
// provider runs are not of this API; [provider.Target.Fit] has dealt with them.
func (e *encoder) tools(contents []*genai.Content, req *model.LLMRequest) error {
	choice := e.choice()
	allowed := e.allowed(choice)
	isAllowed := request.SetOf(allowed...)
	declared := map[string]bool{}
	for _, tool := range e.from.Tools {
		if tool == nil {
			continue
		}
		for _, declaration := range tool.FunctionDeclarations {
			if declaration == nil || len(allowed) > 1 && !isAllowed[declaration.Name] {
				continue
			}
			if declared[declaration.Name] {
				return &requestError{fmt.Sprintf("the tool %s is declared twice; the API takes each name once", declaration.Name)}
			}
			declared[declaration.Name] = true
			if err := e.declare(declaration); err != nil {
				return err
			}
			e.to.Tools[len(e.to.Tools)-1].CacheControl = toolCache(req.Tools[declaration.Name])
		}
	}
	if len(e.to.Tools) == 0 {
		// A history with calls was refused on some paths without tools.
		if e.recall(contents); len(e.to.Tools) == 0 {
			return nil
		}
		choice = &toolChoice{Type: "none"}
	}
	serial := e.config.DisableParallelToolUse || request.Options(req).ExtraBody[serialKey] == true
	if serial && (choice == nil || choice.Type != "none") {
		if choice == nil {
			choice = &toolChoice{Type: "auto"}
		}
		choice.DisableParallel = true
	}
	e.to.ToolChoice = choice
	return nil
}

func (e *encoder) declare(declaration *genai.FunctionDeclaration) error {
	from := declaration.ParametersJsonSchema
	if from == nil && declaration.Parameters != nil {
		from = declaration.Parameters
	}
	schema, order, err := wireschema.Ordered(from)
	if err != nil {
		return &requestError{fmt.Sprintf("the parameters of the tool %s cannot be sent: %v", declaration.Name, err)}
	}
	text, err := order.Marshal(e.names.declare(declaration.Name, inputSchema(schema)))
	if err != nil {
		return &requestError{fmt.Sprintf("the parameters of the tool %s cannot be sent: %v", declaration.Name, err)}
	}
	e.to.Tools = append(e.to.Tools, tool{Name: e.names.Wire(declaration.Name), Description: declaration.Description, InputSchema: text})
	return nil
}

// recall declares the functions that were called before.
func (e *encoder) recall(contents []*genai.Content) {
	known := map[string]bool{}
	for _, content := range contents {
		for _, part := range content.Parts {
			if part.FunctionCall == nil || known[part.FunctionCall.Name] {
				continue
			}
			known[part.FunctionCall.Name] = true
			e.to.Tools = append(e.to.Tools, tool{Name: e.names.Wire(part.FunctionCall.Name), InputSchema: json.RawMessage(`{"type":"object","properties":{}}`)})
		}
	}
}

// choice returns the tool choice, nil for the model's own.
func (e *encoder) choice() *toolChoice {
	if e.from.ToolConfig == nil || e.from.ToolConfig.FunctionCallingConfig == nil {
		return nil
	}
	config := e.from.ToolConfig.FunctionCallingConfig
	switch config.Mode {
	case genai.FunctionCallingConfigModeAny:
		if len(config.AllowedFunctionNames) == 1 {
			return &toolChoice{Type: "tool", Name: e.names.Wire(config.AllowedFunctionNames[0])}
		}
		return &toolChoice{Type: "any"}
	case genai.FunctionCallingConfigModeNone:
		return &toolChoice{Type: "none"}
	}
	return nil
}

// allowed returns the names that the model must choose from, if there are several:
// the API knows one or all, so the others are not declared.
func (e *encoder) allowed(choice *toolChoice) []string {
	if choice == nil || choice.Type != "any" {
		return nil
	}
	return e.from.ToolConfig.FunctionCallingConfig.AllowedFunctionNames
}
