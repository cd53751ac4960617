package guard

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Tools returns a guard that gives a target only the tools of these names. Functions go
// by the name of their declaration, and tools that the provider runs by their field of
// genai.Tool: google_search, google_search_retrieval, enterprise_web_search, google_maps,
// retrieval, file_search, code_execution, url_context, computer_use, mcp_servers,
// parallel_ai_search, exa_ai_search. Without names, no tool is given.
//
// A request that forces a tool is refused if the target may be given none of those that
// it allows; the refusal has By "tools". Calls and results in the history stay, because
// a conversation is not whole without them. The function set_model_response is always
// given: by it, ADK asks for an answer of a schema.
func Tools(names ...string) Guard {
	allowed := patterns(names)
	may := func(name string) bool { return name == answerTool || listed(allowed, name) }
	return func(_ context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
		if t.LastResort {
			return req, nil
		}
		return given(req, &t, "tools", may)
	}
}

// given returns req with only the tools that a target may be given, or a refusal by the
// guard of a name.
func given(req *model.LLMRequest, t *Target, by string, may func(name string) bool) (*model.LLMRequest, error) {
	c := req.Config
	if len(req.Tools) == 0 && (c == nil || len(c.Tools) == 0 && c.ToolConfig == nil) {
		return req, nil
	}
	own := *req
	own.Tools = allowedLive(req.Tools, may)
	if c == nil {
		return &own, nil
	}
	config := *c
	config.Tools = allowedTools(config.Tools, may)
	own.Config = &config
	if forced := calling(&config, may); forced != "" {
		return nil, refuse(t, by, "the request forces "+forced+", which it may not be given")
	}
	return &own, nil
}

const answerTool = "set_model_response"

// allowedLive returns the tools of an ADK request that a target may be given.
func allowedLive(tools map[string]any, may func(name string) bool) map[string]any {
	if tools == nil {
		return nil
	}
	kept := make(map[string]any, len(tools))
	for name, tool := range tools {
		if may(name) {
			kept[name] = tool
		}
	}
	return kept
}

// allowedTools returns the tools that a target may be given, without those that are
// empty then.
func allowedTools(tools []*genai.Tool, may func(name string) bool) []*genai.Tool {
	var kept []*genai.Tool
	for _, given := range tools {
		if given == nil {
			continue
		}
		tool, some := &genai.Tool{}, false
		for _, declaration := range given.FunctionDeclarations {
			if declaration != nil && may(declaration.Name) {
				tool.FunctionDeclarations, some = append(tool.FunctionDeclarations, declaration), true
			}
		}
		from, to := reflect.ValueOf(given).Elem(), reflect.ValueOf(tool).Elem()
		for _, p := range providerTools {
			if field := from.Field(p.field); !field.IsZero() && may(p.name) {
				to.Field(p.field).Set(field)
				some = true
			}
		}
		if some {
			kept = append(kept, tool)
		}
	}
	return kept
}

// providerTools are the fields of genai.Tool that stand for a tool of the provider.
var providerTools = func() (tools []providerTool) {
	for field := range reflect.TypeFor[genai.Tool]().Fields() {
		if field.Name != "FunctionDeclarations" {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			tools = append(tools, providerTool{underscored(name), field.Index[0]})
		}
	}
	return tools
}()

// isProviderTool reports whether a tool of that name is run by the provider.
func isProviderTool(name string) bool {
	return slices.ContainsFunc(providerTools, func(p providerTool) bool { return p.name == name })
}

type providerTool struct {
	name  string
	field int
}

// underscored returns google_search for googleSearch.
func underscored(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// calling narrows how functions may be called to those that are left. It returns what
// the request forces that is not left, "" for nothing.
func calling(config *genai.GenerateContentConfig, may func(name string) bool) (forced string) {
	if config.ToolConfig == nil || config.ToolConfig.FunctionCallingConfig == nil {
		return ""
	}
	own, c := *config.ToolConfig, *config.ToolConfig.FunctionCallingConfig
	named := c.AllowedFunctionNames
	c.AllowedFunctionNames = slices.DeleteFunc(slices.Clone(named), func(name string) bool { return !may(name) })
	none := len(named) > 0 && len(c.AllowedFunctionNames) == 0 // an empty list would allow all that are left
	if strings.EqualFold(string(c.Mode), string(genai.FunctionCallingConfigModeAny)) {
		switch {
		case none && len(named) == 1:
			return "the tool " + named[0]
		case none:
			return "one of the tools " + strings.Join(named, ", ")
		case !slices.ContainsFunc(config.Tools, func(t *genai.Tool) bool { return len(t.FunctionDeclarations) > 0 }):
			return "a tool"
		}
	} else if none {
		c.Mode = genai.FunctionCallingConfigModeNone
	}
	own.FunctionCallingConfig = &c
	config.ToolConfig = &own
	return ""
}
