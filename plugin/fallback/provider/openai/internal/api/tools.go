package api

import (
	"encoding/json"
	"fmt"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// Function is a function that the model may call.
type Function struct {
	Name, Description string          // the name is the API's
	Parameters        json.RawMessage // JSON Schema of an object
	Strict            bool            // the schema is one of strict mode
}

// Choice says which functions the model has to call.
type Choice uint8

const (
	Free Choice = iota // any of them, or none
	None
	One // the first, which is the only one
	Any // at least one
)

// Functions returns the functions that the model may call, and how it chooses among
// them. names remembers what their names stand for.
func Functions(config *genai.GenerateContentConfig, names *Names) ([]Function, Choice, error) {
	var calling *genai.FunctionCallingConfig
	if config.ToolConfig != nil {
		calling = config.ToolConfig.FunctionCallingConfig
	}
	var functions []Function
	choosable := choosableOf(calling)
	for _, tool := range config.Tools {
		if tool == nil {
			continue
		}
		for _, declaration := range tool.FunctionDeclarations {
			if declaration == nil || choosable != nil && !choosable[declaration.Name] {
				continue
			}
			function, err := functionOf(declaration, names)
			if err != nil {
				return nil, Free, err
			}
			functions = append(functions, function)
		}
	}
	switch {
	case calling == nil || len(functions) == 0:
		return functions, Free, nil
	case calling.Mode == genai.FunctionCallingConfigModeNone:
		return functions, None, nil
	case calling.Mode == genai.FunctionCallingConfigModeAny && len(calling.AllowedFunctionNames) == 1:
		return functions, One, nil
	case calling.Mode == genai.FunctionCallingConfigModeAny:
		return functions, Any, nil
	}
	return functions, Free, nil
}

// choosableOf returns the functions that the model may call, nil for all. If only some may be
// called, the others are not declared: not every server knows such a choice.
func choosableOf(calling *genai.FunctionCallingConfig) map[string]bool {
	if calling == nil || calling.Mode != genai.FunctionCallingConfigModeAny || len(calling.AllowedFunctionNames) == 0 {
		return nil
	}
	return request.SetOf(calling.AllowedFunctionNames...)
}

func functionOf(declaration *genai.FunctionDeclaration, names *Names) (Function, error) {
	var schema any = declaration.ParametersJsonSchema
	if schema == nil && declaration.Parameters != nil {
		schema = declaration.Parameters
	}
	parameters, order, err := wireschema.Ordered(schema)
	if err != nil {
		return Function{}, fmt.Errorf("openai: the parameters of %q: %w", declaration.Name, err)
	}
	if parameters = wireschema.FlatRoot(parameters); parameters == nil {
		parameters = map[string]any{}
	}
	// A schema without these is refused, with invalid_function_parameters. Arguments
	// are an object, whatever else the schema says, such as that they may be null.
	parameters["type"] = "object"
	if parameters["properties"] == nil {
		parameters["properties"] = map[string]any{}
	}
	wireschema.AddItems(parameters)
	// Strict mode is for those who write their schemas for it.
	strict := false
	if parameters["additionalProperties"] == false {
		_, strict = wireschema.Strict(parameters)
	}
	text, err := order.Marshal(parameters)
	if err != nil {
		return Function{}, fmt.Errorf("openai: the parameters of %q: %w", declaration.Name, err)
	}
	return Function{Name: names.Wire(declaration.Name), Description: declaration.Description, Parameters: text, Strict: strict}, nil
}

// CallArguments returns the arguments of a call as the text of an object.
func CallArguments(call *genai.FunctionCall) (string, error) {
	if len(call.Args) == 0 {
		return "{}", nil
	}
	text, err := plainjson.Marshal(call.Args)
	if err != nil {
		return "", fmt.Errorf("openai: the arguments of the call of %q are no JSON: %w", call.Name, err)
	}
	return string(text), nil
}

// ResultText returns the result of a call as JSON, or as it is if it is only a text. An error stays JSON, because the
// API has no other sign of it.
func ResultText(response *genai.FunctionResponse) (string, error) {
	if response.Response == nil {
		return "{}", nil
	}
	if text, ok := request.OnlyText(response.Response, "output", "result"); ok && text != "" {
		return text, nil
	}
	text, err := plainjson.Marshal(response.Response)
	if err != nil {
		return "", fmt.Errorf("openai: the result of %q is no JSON: %w", response.Name, err)
	}
	return string(text), nil
}
