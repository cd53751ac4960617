package provider

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
)

// providerTool is a tool that the provider runs.
type providerTool struct {
	name  string
	given func(*genai.Tool) bool
	clear func(*genai.Tool)
}

var providerTools = []providerTool{
	{"google_search", func(t *genai.Tool) bool { return t.GoogleSearch != nil }, func(t *genai.Tool) { t.GoogleSearch = nil }},
	{"google_search_retrieval", func(t *genai.Tool) bool { return t.GoogleSearchRetrieval != nil }, func(t *genai.Tool) { t.GoogleSearchRetrieval = nil }},
	{"enterprise_web_search", func(t *genai.Tool) bool { return t.EnterpriseWebSearch != nil }, func(t *genai.Tool) { t.EnterpriseWebSearch = nil }},
	{"google_maps", func(t *genai.Tool) bool { return t.GoogleMaps != nil }, func(t *genai.Tool) { t.GoogleMaps = nil }},
	{"retrieval", func(t *genai.Tool) bool { return t.Retrieval != nil }, func(t *genai.Tool) { t.Retrieval = nil }},
	{"file_search", func(t *genai.Tool) bool { return t.FileSearch != nil }, func(t *genai.Tool) { t.FileSearch = nil }},
	{"code_execution", func(t *genai.Tool) bool { return t.CodeExecution != nil }, func(t *genai.Tool) { t.CodeExecution = nil }},
	{"url_context", func(t *genai.Tool) bool { return t.URLContext != nil }, func(t *genai.Tool) { t.URLContext = nil }},
	{"computer_use", func(t *genai.Tool) bool { return t.ComputerUse != nil }, func(t *genai.Tool) { t.ComputerUse = nil }},
	{"mcp_servers", func(t *genai.Tool) bool { return len(t.MCPServers) > 0 }, func(t *genai.Tool) { t.MCPServers = nil }},
	{"parallel_ai_search", func(t *genai.Tool) bool { return t.ParallelAISearch != nil }, func(t *genai.Tool) { t.ParallelAISearch = nil }},
	{"exa_ai_search", func(t *genai.Tool) bool { return t.ExaAISearch != nil }, func(t *genai.Tool) { t.ExaAISearch = nil }},
}

// hasFunctions tells whether c declares functions.
func hasFunctions(c *genai.GenerateContentConfig) bool {
	return slices.ContainsFunc(c.Tools, func(t *genai.Tool) bool { return t != nil && len(t.FunctionDeclarations) > 0 })
}

// hasProviderTool tells whether c has a tool that the provider runs.
func hasProviderTool(c *genai.GenerateContentConfig) bool {
	return slices.ContainsFunc(providerTools, func(p providerTool) bool { return p.in(c) })
}

// in tells whether c has the tool.
func (p *providerTool) in(c *genai.GenerateContentConfig) bool {
	return slices.ContainsFunc(c.Tools, func(t *genai.Tool) bool { return t != nil && p.given(t) })
}

// providerTools checks the tools that the provider runs.
func (f *fitting) providerTools() error {
	mixed := false
	for i := range providerTools {
		tool := &providerTools[i]
		if len(f.req.Config.Tools) == 0 || !tool.in(f.req.Config) {
			continue
		}
		var reason string
		switch {
		case f.takes.ProviderTools != nil && !slices.Contains(f.takes.ProviderTools, tool.name):
			reason = "its provider does not run this tool"
		case isNo(f.takes.MixedTools) && hasFunctions(f.req.Config):
			reason = "not in one request with function declarations"
		default:
			mixed = true
			continue
		}
		if err := f.refuse(tool.name, reason); err != nil {
			return err
		}
		f.editTools(tool.clear)
	}
	f.serverSide(mixed && hasFunctions(f.req.Config))
	return nil
}

// serverSide sets the flag without which the Gemini API refuses search beside
// functions from generation 3 on (symfony/ai#803), and clears it elsewhere (SDK
// models.go).
func (f *fitting) serverSide(mixed bool) {
	config := f.req.Config.ToolConfig
	set := config != nil && config.IncludeServerSideToolInvocations != nil
	switch {
	case f.API == "":
	case f.API == Gemini && mixed && !set && f.takes.MixedTools != nil:
		f.editToolConfig().IncludeServerSideToolInvocations = genai.Ptr(true)
		f.note("include_server_side_tool_invocations: on")
	case f.API != Gemini && set:
		f.editToolConfig().IncludeServerSideToolInvocations = nil
		f.note("include_server_side_tool_invocations")
	}
}

// maxFunctions is the most functions that OpenAI takes in a request: "array too long. Expected
// an array with maximum length 128" (code-yeongyu/oh-my-openagent#2848).
const maxFunctions = 128

// functions checks function declarations.
func (f *fitting) functions() error {
	if f.isOpenAI() {
		if err := f.fewFunctions(); err != nil {
			return err
		}
	}
	if !isNo(f.takes.Tools) || !hasFunctions(f.req.Config) {
		return nil
	}
	reason := "it takes no tools"
	if f.API == Chat && ByName(f.Model) == Responses {
		reason = "it takes no tools in chat completions; use Responses"
	}
	if err := f.refuse("function_declarations", reason); err != nil {
		return err
	}
	f.editTools(func(t *genai.Tool) { t.FunctionDeclarations = nil })
	return nil
}

// fewFunctions checks that there are not too many functions to choose from.
func (f *fitting) fewFunctions() error {
	calling := callingOf(f.req.Config)
	if countFunctions(f.req.Config) > maxFunctions && calling != nil && calling.Mode != genai.FunctionCallingConfigModeNone {
		f.declareOnly(calling.AllowedFunctionNames) // the others would not be sent
	}
	if countFunctions(f.req.Config) <= maxFunctions {
		return nil
	}
	if err := f.refuse("function_declarations", fmt.Sprintf("it takes at most %d", maxFunctions)); err != nil {
		return err
	}
	f.firstFunctions(maxFunctions)
	return nil
}

// isOpenAI reports whether OpenAI or Azure serves the target.
func (t Target) isOpenAI() bool {
	return (t.API == Responses || t.API == Chat) && t.Endpoint != "" && matchesAny(openaiHosts, t.Endpoint)
}

func countFunctions(c *genai.GenerateContentConfig) (n int) {
	for _, tool := range c.Tools {
		if tool != nil {
			n += len(tool.FunctionDeclarations)
		}
	}
	return n
}

// firstFunctions omits all functions but the first n.
func (f *fitting) firstFunctions(n int) {
	f.editTools(func(t *genai.Tool) {
		t.FunctionDeclarations = t.FunctionDeclarations[:min(n, len(t.FunctionDeclarations))]
		n -= len(t.FunctionDeclarations)
	})
}

// editTools changes each tool in a copy, and drops tools that are then empty.
func (f *fitting) editTools(change func(*genai.Tool)) {
	var kept []*genai.Tool
	for _, tool := range f.req.Config.Tools {
		if tool == nil {
			continue
		}
		own := *tool
		change(&own)
		if len(own.FunctionDeclarations) > 0 || slices.ContainsFunc(providerTools, func(p providerTool) bool { return p.given(&own) }) {
			kept = append(kept, &own)
		}
	}
	f.edit().Tools = kept
}

// editToolConfig returns a copy of the tool configuration to be changed, one
// level deep.
func (f *fitting) editToolConfig() *genai.ToolConfig {
	config := genai.ToolConfig{}
	if given := f.req.Config.ToolConfig; given != nil {
		config = *given
	}
	f.edit().ToolConfig = &config
	return &config
}

// isForced tells whether the model has to call a function.
func isForced(c *genai.GenerateContentConfig) bool {
	calling := callingOf(c)
	return calling != nil && strings.EqualFold(string(calling.Mode), string(genai.FunctionCallingConfigModeAny))
}

func callingOf(c *genai.GenerateContentConfig) *genai.FunctionCallingConfig {
	if c.ToolConfig == nil {
		return nil
	}
	return c.ToolConfig.FunctionCallingConfig
}

// toolChoice fits whether the model has to call a function, and which ones it may
// call.
func (f *fitting) toolChoice() {
	calling := callingOf(f.req.Config)
	if calling == nil || !hasFunctions(f.req.Config) {
		return
	}
	switch mode := calling.Mode; {
	case isNo(f.takes.ForcedTool) && isForced(f.req.Config):
		f.note("tool_choice: ANY to AUTO")
	case f.API != "" && !f.isGemini() && mode == genai.FunctionCallingConfigModeValidated:
		f.note("tool_choice: VALIDATED to AUTO")
	case f.API != "" && len(calling.AllowedFunctionNames) > 0 && mode == genai.FunctionCallingConfigModeNone:
		own := *calling
		own.AllowedFunctionNames = nil // no function may be called, and Gemini refuses the names
		f.editToolConfig().FunctionCallingConfig = &own
		return
	case f.API != "" && len(calling.AllowedFunctionNames) > 0 && (mode == "" || mode == genai.FunctionCallingConfigModeUnspecified || mode == genai.FunctionCallingConfigModeAuto):
		f.note("tools: the allowed functions only") // Gemini refuses the names, others ignore them
	default:
		return
	}
	own := *calling
	own.Mode, own.AllowedFunctionNames = genai.FunctionCallingConfigModeAuto, nil
	f.editToolConfig().FunctionCallingConfig = &own
	f.declareOnly(calling.AllowedFunctionNames)
}

// declareOnly omits the functions that the model may not call: no API takes names with
// AUTO. The function that carries the answer stays. An empty list allows all.
func (f *fitting) declareOnly(allowed []string) {
	if len(allowed) == 0 {
		return
	}
	isAllowed := request.SetOf(allowed...)
	f.editTools(func(t *genai.Tool) {
		t.FunctionDeclarations = slices.DeleteFunc(slices.Clone(t.FunctionDeclarations), func(d *genai.FunctionDeclaration) bool {
			return d == nil || d.Name != wrap.Tool && !isAllowed[d.Name]
		})
	})
}

// toolConfig fits how tools are called.
func (f *fitting) toolConfig() {
	if f.req.Config.ToolConfig == nil {
		return
	}
	if callingOf(f.req.Config) != nil && f.API != "" && !hasFunctions(f.req.Config) {
		// OpenAI refuses a choice of tools without tools, and Gemini, too: "Function calling
		// config is set without function_declarations" (pydantic/pydantic-ai#5791).
		f.editToolConfig().FunctionCallingConfig = nil
		f.note("tool_choice")
	}
	// SDK models.go: Vertex AI alone streams arguments.
	if calling := callingOf(f.req.Config); calling != nil && calling.StreamFunctionCallArguments != nil && f.API != "" && f.API != Vertex {
		own := *calling
		own.StreamFunctionCallArguments = nil
		f.editToolConfig().FunctionCallingConfig = &own
		f.note("stream_function_call_arguments")
	}
	if f.API != "" && !f.isGemini() && f.req.Config.ToolConfig.RetrievalConfig != nil {
		f.editToolConfig().RetrievalConfig = nil
		f.note("retrieval_config")
	}
	if *f.req.Config.ToolConfig == (genai.ToolConfig{}) {
		f.edit().ToolConfig = nil
	}
}
