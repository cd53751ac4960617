package failure

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/delay"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/lenient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/quota"
)

// Bounds of what is read of one error. They make the cost of a hostile body that of a large honest one.
const (
	maxScan  = 256 << 10 // bytes of a body or text
	maxNodes = 4096      // JSON values
	maxText  = 8 << 10   // bytes of text that phrases are looked up in
	maxTexts = 8         // JSON objects in one text
)

// evidence is what one error tells, gathered from wherever it was.
type evidence struct {
	clock Classifier
	ctx   context.Context // the caller's, which is not done; nil if there is none

	status      int    // HTTP status, the innermost one; 0 unknown
	statusDepth int    // where it was found
	fromCode    int    // HTTP status that a code implies; counts when status says nothing
	fault       int    // HTTP status that the type of an AWS fault implies; counts above every other
	numbers     string // whose numeric codes these are, as marked in [vocabulary]: "cf", "mm"; "" if unknown
	anthropic   bool   // has headers of Anthropic's
	kind        Kind   // what the most telling code says
	code        string
	codeRank    int

	message      string // innermost message
	messageDepth int
	text         string     // every message, lower case, at most maxText bytes
	prose        prose.Text // text, once it is complete

	span                 time.Duration // longest window that a quota names; 0 none
	zero                 bool          // a quota has the value 0
	unstated             bool          // a quota has a value that was left out: 0, unless the text says another
	quota                string        // identity of the first quota with the longest window
	perModel, perProject bool          // what the quota's name says it is counted by
	perPerson            bool          // counted over all models of one person
	google               bool          // has details of google.rpc, or a gRPC status name

	retry, reset       time.Duration // delay until the next request, until the quota resets
	hasRetry, hasReset bool

	answer bool   // holds a part of an answer
	finish string // why the answer ended; "" when it does not say

	html  bool
	nodes int
}

// fromAPIError reads the Gemini SDK's error. Code may be 0, Status is not always a gRPC name, and Message holds the whole
// body where the SDK could not read it.
func (e *evidence) fromAPIError(err *genai.APIError) {
	if err.Code >= 400 && err.Code < 600 {
		e.status = err.Code
	}
	if err.Status != "" {
		e.token(err.Status)
	}
	if err.Message != "" {
		e.addText(err.Message, 0)
	}
	for _, d := range err.Details {
		e.walk(d, 1)
	}
}

// addText reads a message: as JSON where it holds some, else as prose.
func (e *evidence) addText(s string, depth int) {
	if len(s) > maxScan {
		s = s[:maxScan]
	}
	if inner, ok := lenient.String(s); ok && depth < lenient.MaxDepth {
		e.addText(inner, depth+1)
		return
	}
	if i := strings.IndexByte(s, '{'); i < 0 || lenient.IsProtoText(s[:i]) || !e.dig(s, depth) {
		e.addProse(s, depth)
	}
}

// addProse keeps a message that holds no JSON.
func (e *evidence) addProse(s string, depth int) {
	if title, ok := prose.PageTitle(s); ok {
		e.html, s = true, title
		if e.status < 400 {
			e.number(float64(prose.TitleStatus(title)), depth)
		}
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return
	}
	if depth >= e.messageDepth {
		e.message, e.messageDepth = s, depth+1 // of equals the first
	}
	if room := maxText - len(e.text); room > 0 {
		lower := prose.OneLine(strings.ToLower(s[:min(len(s), room)]))
		if e.text == "" {
			e.text = lower
		} else if !strings.Contains(e.text, lower) {
			e.text += "\n" + lower
		}
	}
}

// dig reads the JSON objects in a text, wherever they start: behind an SDK's prefix, in an array, one per stream chunk, or
// as a string with its quotes escaped. It reports whether there was any. Where they say nothing, as the fields of a log
// line do, what stands behind them counts.
func (e *evidence) dig(s string, depth int) (found bool) {
	if depth >= lenient.MaxDepth {
		return false
	}
	s = strings.ReplaceAll(s, "\u00a0", " ") // how web pages indent
	prefix, told := true, 0
	for range maxTexts {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			break
		}
		head := s[:i]
		obj, rest, cut := lenient.Object(s[i:])
		s = rest
		if len(obj) == 0 {
			continue
		}
		if prefix {
			prefix = false
			head = strings.TrimRight(head, " \t\r\n[\"'")
			head = strings.TrimRight(strings.TrimSuffix(head, "```json"), "`")
			if e.status < 400 {
				e.number(float64(prose.LeadingStatus(head)), depth)
			}
			e.addProse(head, depth)
			told = len(e.text)
		}
		unstated := e.unstated
		e.walk(obj, depth+1)
		e.unstated = e.unstated && (unstated || !cut) // the end may have stated it
		found = true
	}
	if found && len(e.text) == told && e.codeRank < 2 && !e.answer {
		e.addProse(strings.TrimLeft(s, " \t\r\n]\"',;:-"), depth)
	}
	return found
}

// addQuota reads the id, limit or metric of a quota.
func (e *evidence) addQuota(name string) {
	if name == "" {
		return
	}
	lower := strings.ToLower(name)
	words := prose.Of(lower)
	span := quota.Window(&words)
	if span > e.span || e.quota == "" {
		e.quota = name[:min(len(name), 128)]
	}
	e.span = max(e.span, span)
	e.perProject = e.perProject || strings.Contains(lower, "project")
	e.perModel = e.perModel || strings.Contains(lower, "model") || strings.Contains(lower, "gemini") || strings.Contains(lower, "claude")
	e.google = true
}

func (e *evidence) hint(d time.Duration, ok bool) {
	if ok {
		e.retry, e.hasRetry = max(e.retry, d), true
	}
}

func (e *evidence) resets(d time.Duration, ok bool) {
	if ok {
		e.reset, e.hasReset = max(e.reset, d), true
	}
}

func (e *evidence) fromHeader(h http.Header) {
	if len(h) == 0 {
		return
	}
	e.hint(delay.OfHeader(h, e.clock.now()))
	for key, values := range h {
		if len(key) > 10 && strings.EqualFold(key[:10], "anthropic-") {
			e.anthropic = true
		}
		if slices.Contains(faultKeys, key) && len(values) > 0 {
			e.addFault(values[0])
		}
	}
}
