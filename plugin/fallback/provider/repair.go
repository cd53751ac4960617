package provider

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/repair"
)

// Refusal is a server's explanation of why it refused a request with status 400
// or 422.
type Refusal struct {
	Param   string // the parameter that it names, such as "messages[3].tool_calls[0].id"; "" if it names none
	Message string // its text, or the whole body
}

// Repair is a change to a refused request that may make the server accept it. It
// omits or changes optional parts only. Its text names the setting, for records
// and logs.
type Repair string

// OfSession reports whether the repair is about one session's history, so that it
// does not apply to other sessions.
func (r Repair) OfSession() bool { return repair.Change(r).OfSession() }

// Lasts reports whether later requests need the repair too. A refusal of a value, such as
// a temperature of 3, says nothing about other values.
func (r Repair) Lasts(refusal Refusal) bool {
	return repair.Change(r).Lasts(repair.Refusal(refusal))
}

// Repair returns the change for a refusal. ok is false if the refusal is not
// about an optional part of req.
func (t Target) Repair(req *model.LLMRequest, refusal Refusal) (r Repair, ok bool) {
	api := repair.Other
	switch {
	case t.isGemini():
		api = repair.Gemini
	case t.API == Chat:
		api = repair.Chat
	}
	change, ok := repair.Find(api, req, repair.Refusal(refusal))
	return Repair(change), ok
}

// Apply makes the change, and reports whether req had anything to change. It
// replaces what it changes in req and never writes to what req points to.
func (r Repair) Apply(req *model.LLMRequest) (changed bool) { return repair.Change(r).Apply(req) }
