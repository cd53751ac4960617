package chaos_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// fault is a way for one call of a model to go wrong. It happens at the server (step), on
// the way to it (link), or in the model itself (panics).
type fault struct {
	step func(a act, whole fallbacktest.Step) fallbacktest.Step // nil: the answer as it is
	link func(a act) link                                       // nil: a good connection

	panics bool // the model panics after act.At responses
	harms  bool // the failure may end the call although other models are well
	slow   bool // the answer may be whole and yet too late for a limit

	from, at int             // act.At is drawn from from to from+at-1; at 0 for none
	waits    []time.Duration // of which act.Wait is one; nil for none
}

const fine = "fine"

const page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>"

// faults by name. A name, once there, keeps its meaning: it is printed with seeds.
var faults = map[string]fault{
	fine: {},

	// The connection.
	"refused":       {link: func(act) link { return link{err: errRefused} }},
	"DNS error":     {link: func(act) link { return link{err: errDNS} }},
	"reset":         {step: instead(fallbacktest.Reset())},
	"silence":       {step: instead(fallbacktest.Silence()), slow: true},
	"late headers":  {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.After(a.Wait) }, waits: waits, slow: true},
	"late content":  {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.FirstAfter(a.Wait) }, waits: waits, slow: true},
	"trickle":       {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.Pace(a.Wait) }, waits: []time.Duration{100 * time.Millisecond, 2 * time.Second, 10 * time.Second}, slow: true},
	"keep-alives":   {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.KeepAlive(a.At).Pace(time.Second) }, at: 60, slow: true},
	"sliced":        {link: func(a act) link { return link{slice: a.At} }, from: 1, at: 40},
	"low bandwidth": {link: func(a act) link { return link{slice: 20 + a.At, pace: a.Wait} }, at: 200, waits: []time.Duration{10 * time.Millisecond, time.Second}, slow: true},
	"cut at byte":   {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.CutAfterBytes(a.At) }, at: 3000},
	"abort at byte": {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.AbortAfterBytes(a.At) }, at: 3000},
	"cut at event":  {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.CutAfter(a.At) }, at: 12},
	"abort":         {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.AbortAfter(a.At) }, at: 12},
	"stall":         {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.StallAfter(a.At) }, at: 12, slow: true},

	// The content.
	"malformed": {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.MalformedAt(a.At) }, from: 1, at: 12},
	"in-band error": {step: func(a act, s fallbacktest.Step) fallbacktest.Step {
		return s.ErrorAt(1+a.At/16, problems[a.At%16%len(problems)])
	}, at: 12 * 16},
	"empty":          {step: instead(fallbacktest.Empty())},
	"no candidates":  {step: instead(fallbacktest.NoCandidates())},
	"thoughts only":  {step: instead(fallbacktest.Thoughts("let me think about it"))},
	"no finish":      {step: func(_ act, s fallbacktest.Step) fallbacktest.Step { return s.NoFinish() }},
	"finish reason":  {step: func(a act, s fallbacktest.Step) fallbacktest.Step { return s.Finish(reasons[a.At]) }, at: len(reasons), harms: true},
	"blocked":        {step: instead(fallbacktest.Blocked(genai.BlockedReasonSafety)), harms: true},
	"metadata first": {step: func(_ act, s fallbacktest.Step) fallbacktest.Step { return s.MetadataFirst() }},
	"HTML":           {step: func(a act, _ fallbacktest.Step) fallbacktest.Step { return html(a.At) }, from: 0, at: 2},

	// Errors.
	"problem": {step: func(a act, _ fallbacktest.Step) fallbacktest.Step { return problems[a.At] }, at: len(problems)},
	"account": {step: func(a act, _ fallbacktest.Step) fallbacktest.Step { return accounts[a.At] }, at: len(accounts), harms: true},
	"status": {step: func(a act, _ fallbacktest.Step) fallbacktest.Step {
		return fallbacktest.Status(400+a.At%200, bodies[a.At/200](400+a.At%200))
	}, at: 200 * len(bodies), harms: true},
	"retry-after": {step: func(a act, _ fallbacktest.Step) fallbacktest.Step {
		return fallbacktest.Exhausted().Header("Retry-After", delays[a.At])
	}, at: len(delays)},
	"echo": {step: func(a act, _ fallbacktest.Step) fallbacktest.Step { return echo(400 + 100*a.At) }, at: 2, harms: true},

	"panic": {panics: true, at: 5},
}

var faultNames = slices.Sorted(maps.Keys(faults))

var waits = []time.Duration{time.Second, 4 * time.Second, 6 * time.Second, 25 * time.Second, time.Hour}

// problems are errors that another model helps with.
var problems = []fallbacktest.Step{
	fallbacktest.Overloaded(), fallbacktest.Internal(), fallbacktest.Capacity(), fallbacktest.Deadline(), fallbacktest.Exhausted(),
	fallbacktest.MinuteQuota(2 * time.Second), fallbacktest.MinuteQuota(40 * time.Second), fallbacktest.MinuteQuota(time.Hour), fallbacktest.NotFound(),
}

// accounts are errors that concern other models too: those of the account or provider,
// or with as small a window.
var accounts = []fallbacktest.Step{fallbacktest.DailyQuota(), fallbacktest.InvalidKey(), fallbacktest.Location(), fallbacktest.ContextLength()}

var reasons = []genai.FinishReason{
	genai.FinishReasonMaxTokens, genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonOther, genai.FinishReasonMalformedFunctionCall,
	genai.FinishReasonBlocklist, genai.FinishReasonProhibitedContent, genai.FinishReasonSPII, genai.FinishReasonLanguage, genai.FinishReasonUnexpectedToolCall,
}

var delays = []string{"2", "0", "-1", "61", "99999999999999999999", "1e9", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "3.5"}

// bodies are what servers and the proxies before them send with a status.
var bodies = []func(code int) string{
	func(int) string { return "" },
	func(int) string { return page },
	func(int) string { return "upstream connect error or disconnect/reset before headers" },
	func(code int) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":"Something has happened.","status":"%s"}}`, code, strings.ToUpper(strings.ReplaceAll(http.StatusText(code), " ", "_")))
	},
	func(int) string {
		return `{"error":{"message":"Something has happened.","type":"server_error","param":null,"code":null}}`
	},
	func(int) string {
		return `{"type":"error","error":{"type":"api_error","message":"Something has happened."}}`
	},
	func(int) string { return `{"error":` },
	func(int) string { return `[{"error":{"code":"429","status":7,"message":["x"]}}]` },
	func(int) string { return strings.Repeat("x", 200_000) },
}

func instead(s fallbacktest.Step) func(act, fallbacktest.Step) fallbacktest.Step {
	return func(act, fallbacktest.Step) fallbacktest.Step { return s }
}

func html(which int) fallbacktest.Step {
	return fallbacktest.Status([]int{200, 502}[which], page).Header("Content-Type", "text/html")
}

// echo quotes the key, as servers do that refuse it.
func echo(code int) fallbacktest.Step {
	return fallbacktest.Func(func(r fallbacktest.Request) fallbacktest.Step {
		text := fmt.Sprintf("wrong key %s", keyOf(r.Model))
		return fallbacktest.Status(code, fmt.Sprintf(`{"type":"error","error":{"code":%d,"type":"invalid_request_error","status":"INVALID_ARGUMENT","message":%q}}`, code, text))
	})
}
