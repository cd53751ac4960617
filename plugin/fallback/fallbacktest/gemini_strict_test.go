package fallbacktest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// refusal is one request to a strict server, and a word of the reason why it is
// refused; none if it is accepted.
type refusal struct {
	name, model, body string
	want              string
}

// checkRefusals sends each request to a strict server of its own. errorType is what
// the body of every error holds.
func checkRefusals(t *testing.T, cases []refusal, path func(model string) string, header http.Header, errorType string) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name+"/"+tt.model, func(t *testing.T) {
			if !json.Valid([]byte(tt.body)) {
				t.Fatalf("the test's own body is no JSON: %s", tt.body)
			}
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Strict()
				srv.Script(tt.model, ft.Text("fine"))
				code, answer := send(t, srv, path(tt.model), tt.body, header)
				got := srv.Requests()[0].Violation
				switch {
				case tt.want == "" && (got != "" || code != http.StatusOK):
					t.Errorf("status = %d, violation %q, want the request accepted", code, got)
				case tt.want != "" && !strings.Contains(got, tt.want):
					t.Errorf("violation %q, want one about %q", got, tt.want)
				case tt.want != "" && (code != http.StatusBadRequest || !strings.Contains(answer, errorType)):
					t.Errorf("status = %d %s, want 400 with %s", code, answer, errorType)
				}
			})
		})
	}
}

func studio(model string) string { return "/v1beta/models/" + model + ":generateContent" }

func vertexAI(model string) string {
	return "/v1beta1/projects/p/locations/global/publishers/google/models/" + model + ":generateContent"
}

const (
	hi   = `{"role":"user","parts":[{"text":"hi"}]}`
	said = `{"role":"model","parts":[{"text":"hello"}]}`
	fn   = `{"functionDeclarations":[{"name":"f"}]}`
)

// turns is a request of the given contents.
func turns(contents ...string) string { return `{"contents":[` + strings.Join(contents, ",") + `]}` }

// with is a request of a question and further fields.
func with(fields string) string { return `{"contents":[` + hi + `],` + fields + `}` }

func config(fields string) string { return with(`"generationConfig":{` + fields + `}`) }

func parts(role, parts string) string {
	return fmt.Sprintf(`{"role":%q,"parts":[%s]}`, role, parts)
}

func call(name, id, sig string) string {
	return fmt.Sprintf(`{"functionCall":{"name":%q,"id":%q},"thoughtSignature":%q}`, name, id, base64.StdEncoding.EncodeToString([]byte(sig)))
}

func result(name, id string) string {
	return fmt.Sprintf(`{"functionResponse":{"name":%q,"id":%q,"response":{"output":"ok"}}}`, name, id)
}

// B100, B64: what a history may look like.
func TestGeminiRefusesTurns(t *testing.T) {
	const g2, g3, g38, skip = "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash", "skip_thought_signature_validator"
	image := func(mime string) string {
		return parts("user", `{"inlineData":{"mimeType":"`+mime+`","data":"aGk="}}`)
	}
	checkRefusals(t, []refusal{
		{"question", g2, turns(hi), ""},
		{"no contents", g2, turns(), "contents is not specified"},
		{"null content", g2, turns("null"), "must not be empty"},
		{"no parts", g2, turns(hi, said, parts("user", "")), "contents[2].parts must not be empty"},
		{"empty text", g2, turns(parts("user", `{"text":""}`)), "must have one initialized field"},
		{"signature alone", g2, turns(hi, parts("model", `{"thoughtSignature":"aGk="}`), hi), "must have one initialized field"},
		{"text and call in one part", g2, turns(hi, parts("model", `{"text":"a","functionCall":{"name":"f"}}`), hi), "must have one initialized field"},
		{"null part", g2, turns(parts("user", `null`)), "part is null"},
		{"assistant", g2, turns(hi, parts("assistant", `{"text":"a"}`), hi), "valid role"},
		{"system", g2, turns(parts("system", `{"text":"a"}`), hi), "valid role"},
		{"no role in a single turn", g2, turns(`{"parts":[{"text":"hi"}]}`), ""},
		{"no role among others", g2, turns(hi, said, `{"parts":[{"text":"hi"}]}`), "valid role"},
		{"same role twice", g2, turns(hi, hi, said, said, hi), ""},
		{"model turn alone", g2, turns(said), "end with a user role"},
		{"prefill", g2, turns(hi, said), ""},
		{"prefill", "gemini-3.5-flash", turns(hi, said), ""},
		{"prefill", "gemini-3.5-flash-lite", turns(hi, said), "ending with a model turn"},
		{"prefill", "gemini-3.6-flash", turns(hi, said), "ending with a model turn"},
		{"prefill", "gemini-4-neon", turns(hi, said), "ending with a model turn"},
		{"prefill", "some-model", turns(hi, said), ""},

		{"loop", g2, turns(hi, parts("model", call("f", "", "")), parts("user", result("f", ""))), ""},
		{"history begins with a call", g2, turns(parts("model", call("f", "", "")), parts("user", result("f", ""))), "function call turn comes"},
		{"call after model's text", g2, turns(hi, said, parts("model", call("f", "", "")), parts("user", result("f", ""))), "function call turn comes"},
		{"call after a result", g2, turns(hi, parts("model", call("f", "", "")), parts("user", result("f", "")), parts("model", call("f", "", "")), parts("user", result("f", ""))), ""},
		{"call of the user", g2, turns(parts("user", call("f", "", "")), parts("user", result("f", ""))), "only a turn with the role model"},
		{"result of the model", g2, turns(hi, parts("model", call("f", "", "")), parts("model", result("f", ""))), "only a turn with the role user"},
		{"call without a name", g2, turns(hi, parts("model", call("", "", "")), parts("user", result("f", ""))), "name cannot be empty"},
		{"result without a name", g2, turns(hi, parts("model", call("f", "", "")), parts("user", result("", ""))), "name cannot be empty"},
		{"result that is no object", g2, turns(hi, parts("model", call("f", "", "")), parts("user", `{"functionResponse":{"name":"f","response":"ok"}}`)), "GenerateContentRequest"},
		{"result that says nothing", g2, turns(hi, parts("model", call("f", "", "")), parts("user", `{"functionResponse":{"name":"f"}}`)), "an object is required"},
		{"call at the end", g2, turns(hi, parts("model", call("f", "", ""))), "number of function response parts"},
		{"call without a result", g2, turns(hi, parts("model", call("f", "", "")), hi), "number of function response parts"},
		{"one result of two", g2, turns(hi, parts("model", call("f", "", "")+","+call("f", "", "")), parts("user", result("f", ""))), "number of function response parts"},
		{"results in two contents", g2, turns(hi, parts("model", call("f", "", "")+","+call("f", "", "")), parts("user", result("f", "")), parts("user", result("f", ""))), "number of function response parts"},
		{"orphan result", g2, turns(hi, said, parts("user", result("f", ""))), "function response turn comes"},
		{"orphan result at the start", g2, turns(parts("user", result("f", ""))), "function response turn comes"},
		{"result after a turn between", g2, turns(hi, parts("model", call("f", "", "")), parts("user", result("f", "")), parts("user", result("f", ""))), "function response turn comes"},
		{"result of another function", g2, turns(hi, parts("model", call("f", "", "")), parts("user", result("g", ""))), "does not match"},
		{"result of another call", g2, turns(hi, parts("model", call("f", "a", "")), parts("user", result("f", "b"))), ""},
		{"result of another call", g3, turns(hi, parts("model", call("f", "a", skip)), parts("user", result("f", "b"))), "does not match"},
		{"results in another order", g3, turns(hi, parts("model", call("f", "a", skip)+","+call("g", "b", "")), parts("user", result("g", "b")+","+result("f", "a"))), ""},

		{"missing signature", g2, turns(hi, parts("model", call("f", "", "")), parts("user", result("f", ""))), ""},
		{"missing signature", g3, turns(hi, parts("model", call("f", "", "")), parts("user", result("f", ""))), "missing a thought_signature"},
		{"missing signature", g38, turns(hi, parts("model", `{"text":"Hm."},`+call("f", "", "")), parts("user", result("f", ""))), "missing a thought_signature"},
		{"missing signature of an earlier turn", g3, turns(hi, parts("model", call("f", "", "")), parts("user", result("f", "")), said, hi), ""},
		{"missing signature of the second step", g3, turns(hi, parts("model", call("f", "", skip)), parts("user", result("f", "")), parts("model", call("f", "", "")), parts("user", result("f", ""))), "contents[3]"},
		{"placeholder on the first of two calls", g3, turns(hi, parts("model", call("f", "a", skip)+","+call("f", "b", "")), parts("user", result("f", "a")+","+result("f", "b"))), ""},
		{"placeholder on the second of two calls", g3, turns(hi, parts("model", call("f", "a", "")+","+call("f", "b", skip)), parts("user", result("f", "a")+","+result("f", "b"))), "missing a thought_signature"},
		{"foreign signature", g3, turns(hi, parts("model", call("f", "", "foreign")), parts("user", result("f", ""))), "signature is not valid"}, // B63
		{"foreign signature on a text", g3, turns(hi, parts("model", `{"text":"a","thoughtSignature":"aGk="}`), hi), "signature is not valid"},
		{"foreign signature", g2, turns(hi, parts("model", call("f", "", "foreign")), parts("user", result("f", ""))), ""},

		{"png", g2, turns(image("image/png")), ""},
		{"gif", g2, turns(image("image/gif")), "unsupported MIME type"},
		{"audio", g2, turns(image("audio/wav")), ""},
		{"blob without a type", g2, turns(image("")), "mimeType and data are required"},
		{"file", g2, turns(parts("user", `{"fileData":{"fileUri":"https://host/a.pdf","mimeType":"application/pdf"}}`)), ""},
		{"file of Cloud Storage", g2, turns(parts("user", `{"fileData":{"fileUri":"gs://b/a.pdf","mimeType":"application/pdf"}}`)), "file uri"},
		{"file without a type", g2, turns(parts("user", `{"fileData":{"fileUri":"https://host/a.pdf"}}`)), ""},
		{"file without a place", g2, turns(parts("user", `{"fileData":{"mimeType":"application/pdf"}}`)), "fileUri is required"},
		{"media in a result", g2, turns(hi, parts("model", call("f", "", "")), parts("user", `{"functionResponse":{"name":"f","response":{},"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}`)), "multimodal"},
		{"media in a result", g3, turns(hi, parts("model", call("f", "", skip)), parts("user", `{"functionResponse":{"name":"f","response":{},"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}`)), ""},
		{"gif in a result", g3, turns(hi, parts("model", call("f", "", skip)), parts("user", `{"functionResponse":{"name":"f","response":{},"parts":[{"inlineData":{"mimeType":"image/gif","data":"aGk="}}]}}`)), "unsupported MIME type"},
		{"file in a result", g3, turns(hi, parts("model", call("f", "", skip)), parts("user", `{"functionResponse":{"name":"f","response":{},"parts":[{"fileData":{"fileUri":"gs://b/a.png"}}]}}`)), "fileData"},

		{"system instruction", g2, with(`"systemInstruction":{"parts":[{"text":"be brief"}]}`), ""},
		{"system instruction with a role", g2, with(`"systemInstruction":{"role":"user","parts":[{"text":"be brief"}]}`), ""},
		{"empty system instruction", g2, with(`"systemInstruction":{"parts":[{"text":""}]}`), "systemInstruction.parts[0]"},
		{"system instruction without parts", g2, with(`"systemInstruction":{"parts":[]}`), "systemInstruction.parts must"},
		{"image in the system instruction", g2, with(`"systemInstruction":{"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}`), "systemInstruction.parts[0]"},
		{"unknown field", g2, with(`"messages":[]`), "unknown field"},
		{"unknown field of a part", g2, turns(parts("user", `{"text":"a","txt":"b"}`)), "unknown field"},
	}, studio, nil, "INVALID_ARGUMENT")
}

// B101, B103, B105: which settings and tools a model takes.
func TestGeminiRefusesSettings(t *testing.T) {
	const g2, g3, g4 = "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-4-neon"
	declare := func(name string) string { return with(`"tools":[{"functionDeclarations":[{"name":"` + name + `"}]}]`) }
	function := func(fields string) string {
		return with(`"tools":[{"functionDeclarations":[{"name":"f",` + fields + `}]}]`)
	}
	argument := func(schema string) string {
		return function(`"parameters":{"type":"OBJECT","properties":{"a":` + schema + `}}`)
	}
	choice := func(fields string) string {
		return with(`"tools":[` + fn + `],"toolConfig":{"functionCallingConfig":{` + fields + `}}`)
	}
	safety := func(settings string) string { return with(`"safetySettings":[` + settings + `]`) }
	thinking := func(fields string) string { return config(`"thinkingConfig":{` + fields + `}`) }
	level := func(l string) string { return thinking(`"thinkingLevel":"` + l + `"`) }
	budget := func(n int) string { return thinking(fmt.Sprintf(`"thinkingBudget":%d`, n)) }
	const jsonMode = `"generationConfig":{"responseMimeType":"application/json"}`
	checkRefusals(t, []refusal{
		{"function", g2, with(`"tools":[` + fn + `]`), ""},
		{"name with a dot and a colon", g2, declare("_a.b:c-d"), ""},
		{"name with a leading digit", g2, declare("1a"), "invalid function name"},
		{"name with a space", g2, declare("a b"), "invalid function name"},
		{"longest name", g2, declare(strings.Repeat("a", 64)), ""},
		{"long name", g2, declare(strings.Repeat("a", 65)), "invalid function name"},
		{"no name", g2, declare(""), "invalid function name"},
		{"null tool", g2, with(`"tools":[null]`), "element is null"},
		{"null function", g2, with(`"tools":[{"functionDeclarations":[null]}]`), "element is null"},
		{"function twice", g2, with(`"tools":[` + fn + `,` + fn + `]`), "duplicate"},
		{"parameters", g2, function(`"parameters":{"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"STRING"}}}}`), ""},
		{"JSON schema", g2, function(`"parametersJsonSchema":{"type":"object","additionalProperties":false}`), ""},
		{"both forms of parameters", g2, function(`"parameters":{"type":"OBJECT"},"parametersJsonSchema":{"type":"object"}`), "exclude each other"},
		{"parameters that are no object", g2, function(`"parameters":{"type":"STRING"}`), "type should be OBJECT"},
		{"JSON schema that is no object", g2, function(`"parametersJsonSchema":{"type":"array"}`), "type should be OBJECT"},
		{"array without items", g2, function(`"parameters":{"type":"OBJECT","properties":{"a":{"type":"ARRAY"}}}`), "items: missing"},
		{"parameters without properties", g2, function(`"parameters":{"type":"OBJECT"}`), "non-empty for OBJECT"},
		{"enum of numbers", g2, argument(`{"type":"INTEGER","enum":["1"]}`), "only allowed for STRING"},
		{"no type", g3, argument(`{"description":"anything"}`), "type: must be specified"},
		{"required and not there", g2, argument(`{"type":"OBJECT","properties":{"b":{"type":"STRING"}},"required":["c"]}`), "required[0]: property is not defined"},
		{"additionalProperties in parameters", g2, function(`"parameters":{"type":"OBJECT","additionalProperties":false}`), "unknown field"},
		{"mode without functions", g2, with(`"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}`), "without function_declarations"},
		{"mode ANY", g2, choice(`"mode":"ANY","allowedFunctionNames":["f"]`), ""},
		{"mode of another vendor", g2, choice(`"mode":"required"`), "mode: invalid value"},
		{"allowed names in mode AUTO", g2, choice(`"mode":"AUTO","allowedFunctionNames":["f"]`), "mode is ANY or VALIDATED"},
		{"allowed name that is not declared", g2, choice(`"mode":"ANY","allowedFunctionNames":["g"]`), "g is not declared"},
		{"streamed arguments", g2, choice(`"streamFunctionCallArguments":true`), "streamFunctionCallArguments"},

		{"JSON with functions", g2, with(jsonMode + `,"tools":[` + fn + `]`), "function calling with a response mime type"},
		{"JSON with functions", "gemini-2.0-flash", with(jsonMode + `,"tools":[` + fn + `]`), "function calling with a response mime type"},
		{"JSON with functions", g3, with(jsonMode + `,"tools":[` + fn + `]`), ""},
		{"JSON with search", g2, with(jsonMode + `,"tools":[{"googleSearch":{}}]`), "tool use with a response mime type"},
		{"search with functions", g2, with(`"tools":[{"googleSearch":{}},` + fn + `]`), "tool use with function calling"},
		{"search with functions", g3, with(`"tools":[{"googleSearch":{}},` + fn + `]`), "include_server_side_tool_invocations"},
		{"search with functions and the flag", g3, with(`"tools":[{"googleSearch":{}},` + fn + `],"toolConfig":{"includeServerSideToolInvocations":true}`), ""},
		{"search", g2, with(`"tools":[{"googleSearch":{}}]`), ""},
		{"two built-in tools", g2, with(`"tools":[{"googleSearch":{}},{"urlContext":{}}]`), ""},
		{"search of companies", g2, with(`"tools":[{"enterpriseWebSearch":{}}]`), "enterpriseWebSearch"},

		{"level and budget", g3, thinking(`"thinkingLevel":"LOW","thinkingBudget":100`), "can not be used together"},
		{"thinking", "gemini-2.0-flash", budget(0), "thinking is not supported"},
		{"level", g2, level("LOW"), "thinking level is not supported"},
		{"level", "gemini-2.5-pro", level("HIGH"), "thinking level is not supported"},
		{"MINIMAL", g3, level("MINIMAL"), ""},
		{"MEDIUM", "gemini-3-pro-preview", level("MEDIUM"), "allowed values are: LOW, HIGH"},
		{"MEDIUM", "gemini-3.1-pro-preview", level("MEDIUM"), ""},
		{"MINIMAL", "gemini-3.1-pro-preview", level("MINIMAL"), "MINIMAL is not supported"},
		{"MINIMAL", "gemini-3.6-flash", level("MINIMAL"), ""},
		{"MINIMAL", "gemini-3.7-flash", level("MINIMAL"), "MINIMAL is not supported"},
		{"MINIMAL", g4, level("MINIMAL"), "MINIMAL is not supported"},
		{"XHIGH", g4, level("XHIGH"), ""},
		{"XHIGH", "gemini-4-argon", level("XHIGH"), "XHIGH is not supported"},
		{"XHIGH", g3, level("XHIGH"), "XHIGH is not supported"},
		{"level of another vendor", "some-model", level("none"), "invalid value"},
		{"LOW", "some-model", level("LOW"), ""},
		{"no thinking", "gemini-2.5-pro", budget(0), "budget 0 is invalid"},
		{"small budget", "gemini-2.5-pro", budget(127), "budget 127 is invalid"},
		{"large budget", "gemini-2.5-pro", budget(32768), ""},
		{"no thinking", g2, budget(0), ""},
		{"model's own budget", g2, budget(-1), ""},
		{"large budget", g2, budget(24577), "budget 24577 is invalid"},
		{"small budget", "gemini-2.5-flash-lite", budget(511), "budget 511 is invalid"},
		{"no thinking", "gemini-2.5-flash-lite", budget(0), ""},
		{"budget", g3, budget(100), ""},
		{"no thinking", "gemini-3.1-pro-preview", budget(0), "budget 0 is invalid"},
		{"budget", g4, budget(100), "budget is not supported"},
		{"budget", "gemma-4-27b-it", budget(0), "budget is not supported"},

		{"hot", g2, config(`"temperature":2`), ""},
		{"too hot", g2, config(`"temperature":2.1`), "temperature"},
		{"temperature", g4, config(`"temperature":0.3,"topP":0.5,"topK":3`), ""},
		{"topP", g2, config(`"topP":1.1`), "topP"},
		{"broken topK", g2, config(`"topK":1.5`), "topK"},
		{"large topK", g2, config(`"topK":64`), ""},
		{"five stop sequences", g2, config(`"stopSequences":["a","b","c","d","e"]`), ""},
		{"six stop sequences", g2, config(`"stopSequences":["a","b","c","d","e","f"]`), "stopSequences"},
		{"negative limit", g2, config(`"maxOutputTokens":-1`), "maxOutputTokens"},
		{"penalty", "gemini-2.0-flash", config(`"presencePenalty":0.5`), ""},
		{"penalty", g2, config(`"frequencyPenalty":0.5`), "penalty is not enabled"},
		{"penalty", g3, config(`"frequencyPenalty":0.5`), ""},
		{"penalty", "gemini-3.6-flash", config(`"presencePenalty":0.5`), "penalty is not enabled"},
		{"two candidates", g2, config(`"candidateCount":2`), "multiple candidates"},
		{"one candidate", g4, config(`"candidateCount":1`), ""},
		{"logprobs", g2, config(`"responseLogprobs":true,"logprobs":2`), "logprobs is not enabled"},
		{"logprobs", "gemini-2.0-flash", config(`"responseLogprobs":true,"logprobs":2`), ""},
		{"logprobs without their switch", "gemini-2.0-flash", config(`"logprobs":2`), "needs responseLogprobs"},

		{"schema", g2, config(`"responseMimeType":"application/json","responseSchema":{"type":"OBJECT"}`), ""},
		{"both schemas", g2, config(`"responseMimeType":"application/json","responseSchema":{"type":"OBJECT"},"responseJsonSchema":{"type":"object"}`), "exclude each other"},
		{"schema without a MIME type", g2, config(`"responseJsonSchema":{"type":"object"}`), "needs responseMimeType"},
		{"MIME type", g2, config(`"responseMimeType":"text/html"`), "responseMimeType"},
		{"image of a text model", g2, config(`"responseModalities":["TEXT","IMAGE"]`), "modalities"},
		{"image of an image model", "gemini-2.5-flash-image", config(`"responseModalities":["TEXT","IMAGE"]`), ""},
		{"speech", "gemini-2.5-flash-preview-tts", config(`"responseModalities":["AUDIO"]`), ""},
		{"audioTimestamp", g2, config(`"audioTimestamp":true`), "audioTimestamp"},
		{"unknown setting", g2, config(`"top_logprobs":3`), "unknown field"},
		{"labels", g2, with(`"labels":{"a":"b"}`), ""},

		{"safety", g2, safety(`{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}`), ""},
		{"safety of images", g2, safety(`{"category":"HARM_CATEGORY_IMAGE_HATE","threshold":"OFF"}`), "invalid category"},
		{"unknown category", g2, safety(`{"category":"HARM_CATEGORY_DEROGATORY","threshold":"OFF"}`), "invalid category"},
		{"unknown threshold", g2, safety(`{"category":"HARM_CATEGORY_HARASSMENT","threshold":"ON"}`), "invalid threshold"},
		{"category twice", g2, safety(`{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"},{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}`), "twice"},
		{"method", g2, safety(`{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF","method":"SEVERITY"}`), "method"},
		{"null setting", g2, safety(`null`), "element is null"},
		{"civic integrity off", "gemini-2.0-flash", safety(`{"category":"HARM_CATEGORY_CIVIC_INTEGRITY","threshold":"OFF"}`), "OFF is not allowed"},
		{"cache", g2, with(`"cachedContent":"cachedContents/a"`), ""},
		{"cache and tools", g2, with(`"cachedContent":"cachedContents/a","tools":[` + fn + `]`), "cachedContent"},
		{"cache and system", g2, with(`"cachedContent":"cachedContents/a","systemInstruction":{"parts":[{"text":"a"}]}`), "cachedContent"},
		{"cache", g4, with(`"cachedContent":"cachedContents/a"`), "cachedContent is not supported"},
	}, studio, nil, "INVALID_ARGUMENT")
}

// B101: the two APIs of Gemini differ in what they know.
func TestVertexRefuses(t *testing.T) {
	const g2, g3 = "gemini-2.5-flash", "gemini-3.1-pro-preview"
	checkRefusals(t, []refusal{
		{"store", g2, with(`"store":true`), "store"},
		{"file search", g2, with(`"tools":[{"fileSearch":{}}]`), "fileSearch"},
		{"labels", g2, with(`"labels":{"a":"b"}`), ""},
		{"audioTimestamp", g2, config(`"audioTimestamp":true`), ""},
		{"search with functions", g2, with(`"tools":[{"googleSearch":{}},` + fn + `]`), "function calling"},
		{"search with functions", g3, with(`"tools":[{"googleSearch":{}},` + fn + `]`), ""},
		{"flag for both", g3, with(`"toolConfig":{"includeServerSideToolInvocations":true}`), "includeServerSideToolInvocations"},
		{"server's tool call", g3, turns(hi, parts("model", `{"toolCall":{"id":"a"}}`), hi), "toolCall"},
		{"two candidates", g3, config(`"candidateCount":2`), ""},
		{"nine candidates", g3, config(`"candidateCount":9`), "candidateCount"},
		{"two candidates", "gemini-4-neon", config(`"candidateCount":2`), "multiple candidates"},
		{"logprobs", g2, config(`"responseLogprobs":true,"logprobs":2`), ""},
		{"logprobs", "gemini-3.5-flash", config(`"responseLogprobs":true,"logprobs":2`), "logprobs"},
		{"large topK", g2, config(`"topK":64`), "topK"},
		{"alternatives with a type", g2, with(`"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"description":"d","anyOf":[{"type":"STRING"}]}}}}]}]`), "alongside any_of"},
		{"safety of images", g2, with(`"safetySettings":[{"category":"HARM_CATEGORY_IMAGE_HATE","threshold":"OFF","method":"SEVERITY"}]`), ""},
		{"file of Cloud Storage", g2, turns(parts("user", `{"fileData":{"fileUri":"gs://b/a.pdf","mimeType":"application/pdf"}}`)), ""},
	}, vertexAI, nil, "INVALID_ARGUMENT")
}

// What a strict server signs comes back to the same model, and to no other: neither
// another model nor the same one behind the other API takes it. B63
func TestGeminiKnowsItsOwnSignatures(t *testing.T) {
	const maker, other = "gemini-3-flash-preview", "gemini-3.8-flash"
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Strict()
		for _, m := range []string{maker, other} {
			srv.Script(m, ft.Times(1, ft.Parts(
				&genai.Part{FunctionCall: &genai.FunctionCall{Name: "f"}}, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "f"}})), ft.Text("done, "+m))
		}
		client, err := genai.NewClient(t.Context(), srv.ClientConfig())
		if err != nil {
			t.Fatal(err)
		}
		question := genai.Text("hi")
		resp, err := client.Models.GenerateContent(t.Context(), maker, question, nil)
		if err != nil {
			t.Fatal(err)
		}
		turn := resp.Candidates[0].Content
		if len(turn.Parts[0].ThoughtSignature) == 0 || len(turn.Parts[1].ThoughtSignature) > 0 {
			t.Fatal("want the first of two calls signed, and that alone")
		}
		results := genai.NewContentFromParts([]*genai.Part{genai.NewPartFromFunctionResponse("f", map[string]any{"a": 1}), genai.NewPartFromFunctionResponse("f", map[string]any{"a": 1})}, genai.RoleUser)
		history := append(question, turn, results)

		var got []string
		for _, cfg := range []*genai.ClientConfig{srv.ClientConfig(), srv.VertexClientConfig()} {
			for _, m := range []string{maker, other} {
				s := askContents(t, cfg, m, history, true)
				got = append(got, s.Err)
			}
		}
		if diff := cmp.Diff([]string{"", "400 INVALID_ARGUMENT", "400 INVALID_ARGUMENT", "400 INVALID_ARGUMENT"}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

// A strict server signs what the real model would sign, unless the step has done so.
func TestStrictGeminiSigns(t *testing.T) {
	const g3 = "gemini-3-flash-preview"
	for _, tt := range []struct {
		name, model string
		step        ft.Step
		want        bool // signed by the server
	}{
		{"text", g3, ft.Text("It is"), true},
		{"call", g3, ft.ToolCall("f", nil), true},
		{"thought", g3, ft.Thoughts("Hm."), false},
		{"nothing", g3, ft.Empty(), false},
		{"signed by the step", g3, ft.Text("It is").Signature([]byte("own")), false},
		{"text of an older model", flash, ft.Text("It is"), false},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%v", tt.name, stream), func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *ft.Server) {
					srv.Strict()
					srv.Script(tt.model, tt.step)
					client, err := genai.NewClient(t.Context(), srv.ClientConfig())
					if err != nil {
						t.Fatal(err)
					}
					signed := false
					for resp, err := range responses(t.Context(), client, tt.model, genai.Text("hi"), stream) {
						if err != nil {
							t.Fatal(err)
						}
						for _, p := range resp.Candidates[0].Content.Parts {
							signed = signed || len(p.ThoughtSignature) > 0 && string(p.ThoughtSignature) != "own"
						}
					}
					if signed != tt.want {
						t.Errorf("signed by the server = %v, want %v", signed, tt.want)
					}
				})
			})
		}
	}
}
