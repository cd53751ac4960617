package provider

import (
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
)

const (
	callAnswerTool = "Give the final answer by calling set_model_response with the answer as its arguments. Call other functions first where they are needed."
	answerInJSON   = "Answer with JSON only, without any other text."
)

// jsonType is the MIME type of JSON output, enumType of one value of an enum.
const (
	jsonType = "application/json"
	enumType = "text/x.enum"
)

// schema fits the requested form of the answer: a response schema, or JSON without
// one.
func (f *fitting) schema() error {
	if c := f.req.Config; f.API != "" && c.ResponseSchema != nil && c.ResponseJsonSchema != nil {
		f.edit().ResponseSchema = nil // Gemini refuses both, and the others have one form: that of JSON
		f.note("response_schema: response_json_schema is set")
	}
	c := f.req.Config
	refused := isNo(f.takes.Schema) || isNo(f.takes.SchemaWithTools) && len(c.Tools) > 0
	switch {
	case c.ResponseSchema == nil && c.ResponseJsonSchema == nil:
		f.jsonOutput()
	case wrap.HasTool(c):
		refused = refused || f.API == Anthropic && beyondGrammar(c)
		// The flow has shaped the request for a model without one of the two.
		if refused {
			f.clearSchema()
			f.note("response_schema: set_model_response is there")
		}
	case refused && isNo(f.takes.Tools):
		if err := f.refuse("response_schema", "it takes neither schemas nor tools"); err != nil {
			return err
		}
		f.clearSchema()
	case refused && isNo(f.takes.MixedTools) && hasProviderTool(c):
		if err := f.refuse("response_schema", "not together with a tool that the provider runs"); err != nil {
			return err
		}
		f.clearSchema()
	case refused, f.API == Anthropic && !isNo(f.takes.Tools) && beyondGrammar(c):
		f.schemaAsTool()
	case f.API == "" || f.isGemini():
		if c.ResponseMIMEType != jsonType && c.ResponseMIMEType != enumType && f.API != "" {
			f.edit().ResponseMIMEType = jsonType // Gemini refuses a schema with another, or none
			f.note("response_mime_type: application/json")
		}
	default:
		f.objectSchema()
	}
	return nil
}

// jsonOutput replaces JSON output without a schema by an instruction where the
// target has no such mode, or not with tools.
func (f *fitting) jsonOutput() {
	c := f.req.Config
	if c.ResponseMIMEType != jsonType {
		if f.API != "" && !f.isGemini() && c.ResponseMIMEType != "" {
			f.edit().ResponseMIMEType = "" // text/plain
		}
		return
	}
	switch {
	case isNo(f.takes.JSON), isNo(f.takes.SchemaWithTools) && len(c.Tools) > 0:
		f.edit().ResponseMIMEType = ""
		f.instruct(answerInJSON)
		f.note("response_mime_type: as an instruction")
	case (f.API == Chat || f.API == Responses) && !mentionsJSON(f.req.Contents, c.SystemInstruction):
		// OpenAI refuses JSON mode if no message has the word (xray.koplugin#33).
		f.instruct(answerInJSON)
		f.note("response_mime_type: with an instruction")
	}
}

func (f *fitting) clearSchema() {
	c := f.edit()
	c.ResponseSchema, c.ResponseJsonSchema, c.ResponseMIMEType = nil, nil, ""
}

// schemaAsTool sends the schema as a function whose call becomes the answer. If it
// is the only function, its call is forced, unless the target does not accept that.
func (f *fitting) schemaAsTool() {
	c := f.req.Config
	schema, enum := wrap.ObjectOf(c), c.ResponseMIMEType == enumType
	declaration := &genai.FunctionDeclaration{
		Name: wrap.Tool, Description: "Takes the final answer in the form that is asked for.",
		Parameters: schema.Plain, ParametersJsonSchema: schema.JSON,
	}
	f.clearSchema()
	calling := callingOf(c)
	if calling != nil && calling.Mode == genai.FunctionCallingConfigModeNone {
		f.editTools(func(t *genai.Tool) { t.FunctionDeclarations = nil }) // not to be called
	}
	only := !hasFunctions(f.req.Config)
	tools := f.req.Config.Tools
	f.req.Config.Tools = append(tools[:len(tools):len(tools)], &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{declaration}})
	switch {
	case only:
		mode := genai.FunctionCallingConfigModeAny
		if isNo(f.takes.ForcedTool) {
			mode = genai.FunctionCallingConfigModeAuto
		}
		f.editToolConfig().FunctionCallingConfig = &genai.FunctionCallingConfig{Mode: mode}
	case calling != nil && len(calling.AllowedFunctionNames) > 0:
		own := *calling
		names := calling.AllowedFunctionNames
		own.AllowedFunctionNames = append(names[:len(names):len(names)], wrap.Tool)
		f.editToolConfig().FunctionCallingConfig = &own
	}
	f.instruct(callAnswerTool)
	f.note("response_schema: as set_model_response")
	f.answer = wrap.OfCall(schema.Wrapped, enum)
}

// objectSchema wraps a schema whose root is no object: OpenAI and Anthropic take
// objects alone.
func (f *fitting) objectSchema() {
	schema, enum := wrap.ObjectOf(f.req.Config), f.req.Config.ResponseMIMEType == enumType
	if !schema.Wrapped {
		if f.req.Config.ResponseMIMEType != jsonType {
			f.edit().ResponseMIMEType = jsonType
		}
		return
	}
	c := f.edit()
	c.ResponseSchema, c.ResponseJsonSchema, c.ResponseMIMEType = schema.Plain, schema.JSON, jsonType
	f.note("response_schema: in an object")
	f.answer = wrap.OfObject(enum)
}

// beyondGrammar reports whether the answer's schema is one that Anthropic's structured output
// refuses or cannot fill. A schema that is not valid is not: the adapter reports it.
func beyondGrammar(c *genai.GenerateContentConfig) bool {
	from := c.ResponseJsonSchema
	if from == nil {
		from = c.ResponseSchema
	}
	schema, err := wireschema.JSON(from)
	return err == nil && !wireschema.InGrammar(schema)
}
