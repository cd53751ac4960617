package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

// The types of events that this module reads. Others are skipped.
const (
	EventCreated          = "response.created"
	EventInProgress       = "response.in_progress"
	EventCompleted        = "response.completed"
	EventIncomplete       = "response.incomplete"
	EventFailed           = "response.failed"
	EventCancelled        = "response.cancelled"
	EventDone             = "response.done" // not of OpenAI's HTTP API
	EventItemAdded        = "response.output_item.added"
	EventItemDone         = "response.output_item.done"
	EventPartAdded        = "response.content_part.added"
	EventPartDone         = "response.content_part.done"
	EventTextDelta        = "response.output_text.delta"
	EventTextDone         = "response.output_text.done"
	EventAnnotation       = "response.output_text.annotation.added"
	EventRefusalDelta     = "response.refusal.delta"
	EventRefusalDone      = "response.refusal.done"
	EventArgumentsDelta   = "response.function_call_arguments.delta"
	EventArgumentsDone    = "response.function_call_arguments.done"
	EventSummaryPartAdded = "response.reasoning_summary_part.added"
	EventSummaryPartDone  = "response.reasoning_summary_part.done"
	EventSummaryDelta     = "response.reasoning_summary_text.delta"
	EventSummaryDone      = "response.reasoning_summary_text.done"
	EventReasoningDelta   = "response.reasoning_text.delta"
	EventReasoningDone    = "response.reasoning_text.done"
	EventError            = "error"
)

// eventTypes has each type, so that reading one allocates nothing.
var eventTypes = func() map[string]string {
	types := map[string]string{}
	for _, t := range [...]string{
		EventCreated, EventInProgress, EventCompleted, EventIncomplete, EventFailed, EventCancelled, EventDone,
		EventItemAdded, EventItemDone, EventPartAdded, EventPartDone, EventTextDelta, EventTextDone, EventAnnotation,
		EventRefusalDelta, EventRefusalDone, EventArgumentsDelta, EventArgumentsDone, EventSummaryPartAdded,
		EventSummaryPartDone, EventSummaryDelta, EventSummaryDone, EventReasoningDelta, EventReasoningDone, EventError,
	} {
		types[t] = t
	}
	types["response.error"] = EventError // so some gateways call it
	return types
}()

// Event is one event of a stream of the Responses API. Which fields it
// has depends on its type.
type Event struct {
	Type           string `json:"type"`
	SequenceNumber int    `json:"sequence_number"`

	Response *Response `json:"response,omitempty"`
	Item     *Item     `json:"item,omitempty"`
	Part     *Part     `json:"part,omitempty"`

	ItemID       string `json:"item_id,omitempty"`
	OutputIndex  *int   `json:"output_index,omitempty"`
	ContentIndex *int   `json:"content_index,omitempty"`
	SummaryIndex *int   `json:"summary_index,omitempty"`

	Delta     string               `json:"delta,omitempty"`
	Text      string               `json:"text,omitempty"`
	Refusal   string               `json:"refusal,omitempty"`
	Arguments JSON                 `json:"arguments,omitempty"`
	Name      string               `json:"name,omitempty"`
	Logprobs  []openaiwire.Logprob `json:"logprobs,omitempty"`

	// Of an error. OpenAI's events have the first three at the top, others an
	// object.
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
	Param   string          `json:"param,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`

	output, content, summary int // memory for the pointers
}

// Decode reads the data of an event into e. Of what e held before, only memory
// is used again; it keeps nothing of data. name is the event's name, which counts
// where the data has no type.
//
// An event whose type is not one of the constants has that type and nothing that
// matters. Data without a type or name is an event of type [EventError] if it
// tells of one, and of type [EventCompleted] if it is a whole response, as a
// server that does not stream sends it.
func (e *Event) Decode(name string, data []byte) error {
	itemID := e.ItemID
	*e = Event{}
	var raw parts
	var failed error
	text := func(key, value []byte) string {
		s, ok := jsonscan.Unquote(value)
		if !ok && value[0] == '"' {
			failed = fmt.Errorf("field %q: not a JSON string", key)
		}
		return s
	}
	err := jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "type":
			if e.Type = knownType(value); e.Type == "" {
				e.Type = text(key, value)
			}
		case "item_id":
			if n := len(value); n >= 2 && string(value[1:n-1]) == itemID {
				e.ItemID = itemID // as it mostly is, from one delta to the next
			} else {
				e.ItemID = text(key, value)
			}
		case "output_index":
			e.OutputIndex = integer(value, &e.output)
		case "content_index":
			e.ContentIndex = integer(value, &e.content)
		case "summary_index":
			e.SummaryIndex = integer(value, &e.summary)
		case "delta":
			e.Delta = text(key, value)
		case "text":
			e.Text = text(key, value)
		case "refusal":
			e.Refusal = text(key, value)
		case "arguments":
			_ = e.Arguments.UnmarshalJSON(value)
		case "name":
			e.Name = text(key, value)
		case "message":
			e.Message = text(key, value)
		case "code":
			e.Code = text(key, value)
		case "param":
			e.Param = text(key, value)
		case "error":
			if isSomething(value) {
				e.Error = bytes.Clone(value)
			}
		default:
			raw.keep(key, value)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("responses: event: %w", err)
	}
	if e.Type == "" {
		e.Type = name
	}
	if e.Type == "" || e.Type == "message" {
		switch {
		case e.Error != nil || e.Message != "" || raw.detail:
			e.Type = EventError
		case raw.whole:
			e.Type, raw.response = EventCompleted, data
		}
	}
	return e.decodeParts(&raw)
}

// parts are the members of an event that are not texts or numbers.
type parts struct {
	response, item, part, logprobs []byte

	whole  bool // the event is a response
	detail bool // the event is an error as FastAPI writes it
}

func (p *parts) keep(key, value []byte) {
	switch string(key) {
	case "response":
		p.response = value
	case "item":
		p.item = value
	case "part":
		p.part = value
	case "logprobs":
		p.logprobs = value
	case "output":
		p.whole = true
	case "detail":
		p.detail = true
	}
}

// decodeParts decodes what is an object, where the event's type makes use of it.
func (e *Event) decodeParts(raw *parts) error {
	var err error
	switch e.Type {
	case EventCreated, EventInProgress:
		e.Response = beginning(raw.response)
	case EventCompleted, EventIncomplete, EventFailed, EventCancelled, EventDone:
		if isSomething(raw.response) {
			e.Response, err = DecodeResponse(raw.response)
			return err
		}
	case EventItemAdded, EventItemDone:
		if isSomething(raw.item) {
			err = json.Unmarshal(raw.item, &e.Item)
		}
	case EventPartDone, EventSummaryPartDone:
		if isSomething(raw.part) {
			err = json.Unmarshal(raw.part, &e.Part)
		}
	case EventTextDelta, EventTextDone:
		if isSomething(raw.logprobs) {
			err = json.Unmarshal(raw.logprobs, &e.Logprobs)
		}
	}
	if err = lenient(err); err != nil {
		return fmt.Errorf("responses: event %s: %w", e.Type, err)
	}
	return nil
}

// beginning reads what is known of a response when it starts. The rest is an
// echo of the request.
func beginning(data []byte) *Response {
	r := &Response{}
	_ = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "id":
			r.ID, _ = jsonscan.Unquote(value)
		case "model":
			r.Model, _ = jsonscan.Unquote(value)
		case "status":
			r.Status, _ = jsonscan.Unquote(value)
		}
	})
	return r
}

// knownType returns one of the constants, or "".
func knownType(value []byte) string {
	if n := len(value); n > 2 {
		return eventTypes[string(value[1:n-1])]
	}
	return ""
}

// integer reads a number that is not negative into memory; nil if value is none.
func integer(value []byte, memory *int) *int {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 {
		return nil
	}
	*memory = n
	return memory
}
