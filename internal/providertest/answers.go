package providertest

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// RunCanary asks m, a model at a real endpoint, for the answers of the contract.
// Such a model may say more than it is asked to, so only what matters is compared.
func RunCanary(t *testing.T, protocol Protocol, m model.LLM) {
	for _, stream := range []bool{false, true} {
		c := &contract{Provider: Provider{Protocol: protocol}, stream: stream, canary: m}
		t.Run(map[bool]string{false: "unary", true: "streamed"}[stream], c.answers)
	}
}

// answers are what every model can be asked for. B100, B103.
func (c *contract) answers(t *testing.T) {
	t.Run("text", c.text)
	t.Run("tool loop", c.toolLoop)
	t.Run("parallel tools", c.parallelTools)
	t.Run("schema", c.schema)
	t.Run("schema with tools", c.schemaWithTools)
	t.Run("image in the question", c.imageInQuestion)
	t.Run("image in a tool result", c.imageInResult)
	t.Run("short history", func(t *testing.T) { c.history(t, 5) })
}

// dialogue is a conversation with a model.
type dialogue struct {
	*contract
	model    model.LLM
	config   *genai.GenerateContentConfig
	contents []*genai.Content
	last     exchange
}

// begin begins a conversation with a capable model, or with that of a canary.
func (c *contract) begin(t *testing.T, config *genai.GenerateContentConfig) *dialogue {
	t.Helper()
	d := &dialogue{contract: c, model: c.canary, config: config}
	if d.model == nil {
		srv, m := c.serve(t, Capable())
		t.Cleanup(func() { clean(t, srv) })
		d.model = m
	}
	return d
}

// say sends content and returns the answer, which joins the conversation.
func (d *dialogue) say(t *testing.T, content *genai.Content) *model.LLMResponse {
	t.Helper()
	d.contents = append(d.contents, content)
	d.last = d.ask(t.Context(), d.model, d.config, d.contents...)
	answer := d.last.final(t)
	d.contents = append(d.contents, answer.Content)
	return answer
}

func (d *dialogue) sayText(t *testing.T, text string) *model.LLMResponse {
	t.Helper()
	return d.say(t, genai.NewContentFromText(text, genai.RoleUser))
}

// results answers the calls of a response, in one content.
func results(resp *model.LLMResponse, result func(*genai.FunctionCall) *genai.FunctionResponse) *genai.Content {
	content := &genai.Content{Role: genai.RoleUser}
	for _, call := range callsIn(resp.Content) {
		response := result(call)
		response.ID, response.Name = call.ID, call.Name
		content.Parts = append(content.Parts, &genai.Part{FunctionResponse: response})
	}
	return content
}

func weather(call *genai.FunctionCall) *genai.FunctionResponse {
	city, _ := call.Args["city"].(string)
	return &genai.FunctionResponse{Response: map[string]any{"sky": skies[city]}}
}

// mentions compares an answer with a word of it.
func mentions(t *testing.T, resp *model.LLMResponse, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(strings.ToLower(said(resp.Content)), word) {
			t.Errorf("the answer is %q, want %q in it", said(resp.Content), word)
		}
	}
}

func tools(functions ...*genai.FunctionDeclaration) []*genai.Tool {
	return []*genai.Tool{{FunctionDeclarations: functions}}
}

func weatherTool() *genai.FunctionDeclaration {
	return &genai.FunctionDeclaration{Name: "weather", Description: "tells what the sky of a city is like", Parameters: &genai.Schema{
		Type: genai.TypeObject, Required: []string{"city"},
		Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString, Description: "its name in English"}},
	}}
}

func reportSchema() *genai.Schema {
	return &genai.Schema{Type: genai.TypeObject, Required: []string{"city", "sky"}, Properties: map[string]*genai.Schema{
		"city": {Type: genai.TypeString}, "sky": {Type: genai.TypeString, Enum: []string{"sunny", "rainy"}},
	}}
}

func (c *contract) text(t *testing.T) {
	d := c.begin(t, &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("Answer in one word.", "")})
	answer := d.sayText(t, "Say the word heron.")
	mentions(t, answer, "heron")
	if answer.FinishReason != genai.FinishReasonStop {
		t.Errorf("finish reason %q, want STOP", answer.FinishReason)
	}
	if u := answer.UsageMetadata; u == nil || u.PromptTokenCount == 0 || u.CandidatesTokenCount == 0 {
		t.Errorf("usage %+v, want that of prompt and answer", u)
	}
	if answer.ModelVersion == "" && c.Protocol != ADKGemini { // ADK leaves it out of what it puts together of a stream
		t.Error("the answer does not tell its model")
	}
	switch shown := d.last.shown(); {
	case !c.stream && len(d.last.partials) > 0:
		t.Errorf("%d partial responses of a call that is not streamed", len(d.last.partials))
	case c.stream && shown != said(answer.Content):
		t.Errorf("%q was shown of %q", shown, said(answer.Content))
	}
}

func (c *contract) toolLoop(t *testing.T) {
	d := c.begin(t, &genai.GenerateContentConfig{Tools: tools(weatherTool())})
	answer := d.sayText(t, "Use the tool weather once: what is the sky of Paris like?")
	d.checkCalls(t, answer, "Paris")
	mentions(t, d.say(t, results(answer, weather)), "sunny")
}

// checkCalls compares the calls of an answer with the cities asked for.
func (d *dialogue) checkCalls(t *testing.T, answer *model.LLMResponse, cities ...string) {
	t.Helper()
	calls := callsIn(answer.Content)
	if len(calls) != len(cities) {
		t.Fatalf("%d calls, want %d", len(calls), len(cities))
	}
	ids := map[string]bool{}
	for i, call := range calls {
		if call.Name != "weather" || call.Args["city"] != cities[i] {
			t.Errorf("call of %s with %v, want weather of %s", call.Name, call.Args, cities[i])
		}
		// Gemini pairs by position and need not send ids; whoever does sends them once.
		if d.Protocol != Gemini && d.Protocol != ADKGemini && (call.ID == "" || ids[call.ID]) {
			t.Errorf("call %d has the id %q", i, call.ID)
		}
		ids[call.ID] = true
	}
	// A call that is shown in part and again in whole would run twice. B59. In
	// ADK's own partial responses its flow knows to pass over it.
	if d.Protocol == ADKGemini {
		return
	}
	for _, resp := range d.last.partials {
		if len(callsIn(resp.Content)) > 0 {
			t.Error("a partial response carries a call")
		}
	}
}

func (c *contract) parallelTools(t *testing.T) {
	d := c.begin(t, &genai.GenerateContentConfig{Tools: tools(weatherTool())})
	answer := d.sayText(t, "Use the tool weather for both cities at once: what is the sky of Paris and of Rome like?")
	if c.canary == nil {
		d.checkCalls(t, answer, "Paris", "Rome")
	}
	// A real model may call one by one.
	for rounds := 0; len(callsIn(answer.Content)) > 0 && rounds < 4; rounds++ {
		answer = d.say(t, results(answer, weather))
	}
	mentions(t, answer, "sunny", "rainy")
}

func (c *contract) schema(t *testing.T) {
	d := c.begin(t, &genai.GenerateContentConfig{ResponseSchema: reportSchema(), ResponseMIMEType: "application/json"})
	checkReport(t, d.sayText(t, "It is sunny in Paris. Write a report of that as JSON."))
}

func (c *contract) schemaWithTools(t *testing.T) {
	d := c.begin(t, &genai.GenerateContentConfig{
		Tools: tools(weatherTool()), ResponseSchema: reportSchema(), ResponseMIMEType: "application/json",
	})
	answer := d.sayText(t, "Use the tool weather once: what is the sky of Paris like? Then write a report of that as JSON.")
	d.checkCalls(t, answer, "Paris")
	checkReport(t, d.say(t, results(answer, weather)))
}

// checkReport wants an answer that is JSON and nothing else, whatever form the
// provider was asked in.
func checkReport(t *testing.T, answer *model.LLMResponse) {
	t.Helper()
	var report struct{ City, Sky string }
	if err := json.Unmarshal([]byte(said(answer.Content)), &report); err != nil || report.City != "Paris" || report.Sky != "sunny" {
		t.Errorf("the answer is %q with %d calls (%v), want a report of sunny Paris", said(answer.Content), len(callsIn(answer.Content)), err)
	}
}

func (c *contract) imageInQuestion(t *testing.T) {
	d := c.begin(t, nil)
	mentions(t, d.say(t, genai.NewContentFromParts([]*genai.Part{
		{Text: "Which colour has this image? Answer in one word."}, {InlineData: &genai.Blob{MIMEType: "image/png", Data: redSquare()}},
	}, genai.RoleUser)), "red")
}

func (c *contract) imageInResult(t *testing.T) {
	d := c.begin(t, &genai.GenerateContentConfig{Tools: tools(&genai.FunctionDeclaration{Name: "camera", Description: "takes a photograph"})})
	answer := d.sayText(t, "Take a photograph with the tool camera. Which colour does it show?")
	if calls := callsIn(answer.Content); len(calls) != 1 || calls[0].Name != "camera" {
		t.Fatalf("calls %v, want one of camera", calls)
	}
	mentions(t, d.say(t, results(answer, func(*genai.FunctionCall) *genai.FunctionResponse {
		return &genai.FunctionResponse{Response: map[string]any{"taken": true}, Parts: []*genai.FunctionResponsePart{
			{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: redSquare()}},
		}}
	})), "red")
}
