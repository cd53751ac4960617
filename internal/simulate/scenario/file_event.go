package scenario

import "time"

// Event is what happens to some models for some time.
type Event struct {
	// Its name in the report.
	Name string `key:"name,required"`
	// When it begins, counted from the beginning of the simulation.
	At time.Duration `key:"at,required" min:"0s" max:"168h"`
	// How long it lasts. Default: until the end.
	For time.Duration `key:"for" min:"1s" max:"168h"`
	// Models that it concerns: names in the policy, primary, fallback, or tags.
	Models []string `key:"models,required" items:"1..64"`
	// The event is in effect for this long, then not for as long, and so on. Default: it is
	// in effect all the time.
	Flap time.Duration `key:"flap" min:"1s" max:"24h"`
	// Shares of requests that fail, in addition to those of the model.
	Errors *Errors `key:"errors"`
	// Factor for the time until the first content, and for the time of each token.
	Slower float64 `key:"slower" min:"0.01" max:"1000" default:"1"`
	// Share of the model's capacity that is left.
	Capacity Share `key:"capacity" min:"0%" max:"100%" default:"100%"`
	// Changes the price.
	Price *PriceChange `key:"price"`
	// After the event, callers come back who have given up.
	Herd *Herd `key:"herd"`
}

// PriceChange is a change of a price.
type PriceChange struct {
	// Factor for the price.
	Times float64 `key:"times,required" min:"0" max:"1000"`
	// When the policy is reloaded with the new price, counted from the event, and again with
	// the old price, counted from its end. Default: the policy keeps the old price.
	KnownAfter time.Duration `key:"known_after" min:"1s" max:"168h"`
}

// Herd is more traffic after an event.
type Herd struct {
	// Factor for the calls per second at the end of the event. It goes back to 1 in equal
	// steps.
	Times float64 `key:"times,required" min:"1" max:"100"`
	// How long that takes.
	For time.Duration `key:"for" min:"1s" max:"24h" default:"5m"`
}
