package anthropic

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// encoder turns one request, which has been made to fit its target, into the body
// for the API. It never writes to the request.
type encoder struct {
	config *Config
	target provider.Target
	family family
	from   *genai.GenerateContentConfig // never nil
	names  names
	to     body
}

// body is a request, and a fact that selects its API version.
type body struct {
	params
	// sampling says that the body has a sampling setting, which only the older of
	// the two API versions knows.
	sampling bool
}

// encode returns the body for req. The names map those of functions back.
func encode(config *Config, target provider.Target, req *model.LLMRequest, stream bool) (*body, names, error) {
	e := &encoder{config: config, target: target, family: familyOf(target.Model), from: req.Config}
	if e.from == nil {
		e.from = &genai.GenerateContentConfig{}
	}
	e.to.Model, e.to.Stream = target.Model, stream
	contents := request.Pair(req.Contents, toolID)
	e.names.Names = request.NamesFor(&toolNames, e.from.Tools, contents)
	e.system()
	if err := e.tools(contents, req); err != nil {
		return nil, names{}, err
	}
	e.limits()
	turn := turnStart(contents)
	prefill := e.prefills(contents)
	thinks := e.think(lacksThinking(contents[turn:]) || prefill)
	e.sampling(thinks)
	if err := e.format(); err != nil {
		return nil, names{}, err
	}
	if err := e.messages(contents, turn, thinks); err != nil {
		return nil, names{}, err
	}
	e.end(prefill && !thinks)
	e.cache()
	return &e.to, e.names, nil
}

func (e *encoder) system() {
	if e.from.SystemInstruction == nil {
		return
	}
	for _, part := range e.from.SystemInstruction.Parts {
		if part != nil && isText(part.Text) && !part.Thought {
			e.to.System = append(e.to.System, block{Type: "text", Text: part.Text, CacheControl: partCache(part)})
		}
	}
}

// isText tells whether s can stand in a text block: the API refuses one that is
// empty, or only space.
func isText(s string) bool { return strings.TrimSpace(s) != "" }

// limits sets the limits of the answer, and the user that it is for.
func (e *encoder) limits() {
	limit := e.from.MaxOutputTokens
	if limit <= 0 {
		limit = e.config.MaxTokens
	}
	most := e.family.maxOutput
	switch {
	case limit <= 0 && most > 0:
		limit = most
	case limit <= 0:
		limit = fallbackMaxTokens
	case most > 0:
		limit = min(limit, most) // the API refuses more
	}
	e.to.MaxTokens = limit
	for _, s := range e.from.StopSequences {
		if isText(s) { // blank ones are refused
			e.to.StopSequences = append(e.to.StopSequences, s)
		}
	}
	if id := e.from.Labels["user_id"]; id != "" {
		e.to.Metadata = &metadata{UserID: id}
	}
}

// sampling sets temperature, top_p and top_k. The latest version of the API refuses
// them on every model, even with their default values; the older one takes them if
// the model does. Both are in service and take everything else that is sent here, so
// a request with such a setting selects the older one. [provider.Target.Fit] has
// already omitted the settings that the model does not take.
// https://platform.claude.com/docs/en/api/versioning
func (e *encoder) sampling(thinks bool) {
	temperature, topP, topK := e.from.Temperature, e.from.TopP, e.from.TopK
	if temperature != nil {
		t := min(max(*temperature, 0), 1) // Gemini's goes to 2
		temperature = &t
	}
	if thinks {
		// Beside thinking only a narrow top_p is taken.
		temperature, topK = nil, nil
		if topP != nil && *topP < 0.95 {
			topP = nil
		}
	} else if temperature != nil {
		topP = nil // "`temperature` and `top_p` cannot both be specified for this model."
	}
	e.to.Temperature, e.to.TopP = temperature, topP
	if topK != nil && *topK >= 1 {
		k := int32(*topK)
		e.to.TopK = &k
	}
	e.to.sampling = e.to.Temperature != nil || e.to.TopP != nil || e.to.TopK != nil
}

// format requests structured output. The API has no JSON mode without a schema; a
// request for one relies on the system instruction.
func (e *encoder) format() error {
	from := e.from.ResponseJsonSchema
	if from == nil && e.from.ResponseSchema != nil {
		from = e.from.ResponseSchema
	}
	if from == nil {
		return nil
	}
	schema, order, err := wireschema.Ordered(from)
	if err != nil {
		return &requestError{fmt.Sprintf("the response schema cannot be sent: %v", err)}
	}
	if schema == nil {
		return nil
	}
	if e.to.OutputConfig == nil {
		e.to.OutputConfig = &outputConfig{}
	}
	text, err := order.Marshal(outputSchema(schema))
	if err != nil {
		return &requestError{fmt.Sprintf("the response schema cannot be sent: %v", err)}
	}
	e.to.OutputConfig.Format = &format{"json_schema", text}
	return nil
}

// goOn is the text of a user's turn that is added where the API requires the user
// to speak last. ADK's Gemini model uses the same text.
const goOn = "Continue processing previous requests as instructed. Exit or provide a summary if no more outputs are needed."

// prefills reports whether contents end with a text for the model to continue. Some older models
// do, unless they think or have an output format.
func (e *encoder) prefills(contents []*genai.Content) bool {
	takes := e.target.Accepts().Prefill
	if len(contents) == 0 || takes == nil || !*takes || e.from.ResponseSchema != nil || e.from.ResponseJsonSchema != nil {
		return false
	}
	last := contents[len(contents)-1]
	for _, part := range slices.Backward(last.Parts) {
		if part.Thought || part.Text != "" && !isText(part.Text) {
			continue // not sent
		}
		return last.Role == genai.RoleModel && isText(part.Text)
	}
	return false
}

// end makes the conversation begin and end with the user, as the API requires, or
// with the text for the model to continue (prefill).
func (e *encoder) end(prefill bool) {
	messages := e.to.Messages
	if len(messages) == 0 || messages[0].Role != user {
		begin := message{Role: user, Content: []block{{Type: "text", Text: "Handle the requests as specified in the system instruction."}}}
		messages = append([]message{begin}, messages...)
	}
	if last := &messages[len(messages)-1]; last.Role == assistant {
		text := &last.Content[len(last.Content)-1]
		if prefill && text.Type == "text" {
			text.Text = strings.TrimRight(text.Text, " \t\r\n") // the API refuses it otherwise
		} else {
			messages = append(messages, message{Role: user, Content: []block{{Type: "text", Text: goOn}}})
		}
	}
	e.to.Messages = messages
}
