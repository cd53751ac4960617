package failure

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/delay"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/lenient"
)

// walk reads one decoded JSON value.
func (e *evidence) walk(v any, depth int) {
	e.nodes++
	if depth >= lenient.MaxDepth || e.nodes > maxNodes {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		e.unstated = e.unstated || zeroOmitted(v)
		if v["$fault"] != nil { // the AWS SDK for JavaScript
			e.addFault(lenient.Text(v["name"]))
		}
		outer := e.numbers
		if inner := numbersOf(v); inner != "" {
			e.numbers = inner
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			e.field(key, v[key], depth)
		}
		e.numbers = outer
	case []any:
		for _, item := range v {
			e.walk(item, depth+1)
		}
	case []map[string]any:
		for _, item := range v {
			e.walk(item, depth+1)
		}
	case string:
		e.addText(v, depth)
	}
}

// field reads one member of a JSON object. Keys are compared in normal form, because providers differ in case and underscores.
func (e *evidence) field(key string, v any, depth int) {
	if key = strings.TrimSpace(key); slices.Contains(faultKeys, key) {
		e.addFault(lenient.Text(v))
		return
	}
	key = normal(key)
	if e.codeField(key, v, depth) || e.quotaField(key, v) || e.answerField(key, v, depth) {
		return
	}
	s, isString := v.(string)
	switch key {
	case "input", "prompt", "request", "requestbody", "messages", "contents", "param", "stack", "links", "helpurl", "uimessage", "locale":
		// Echoes of the request, and help texts, which say nothing about this error.
	case "message", "msg", "detail", "details", "displaymessage", "error", "description", "errordescription", "errormessage", "errormsg", "statusmsg", "title", "raw", "response":
		if !isString {
			e.walk(v, depth+1)
			return
		}
		if key == "error" {
			e.token(s)
		}
		e.addText(s, depth)
	case "headers":
		if m, ok := v.(map[string]any); ok {
			e.fromHeader(toHeader(m))
		}
	default:
		if !isString {
			e.walk(v, depth+1)
		} else if strings.IndexByte(s, '{') >= 0 {
			e.dig(s[:min(len(s), maxScan)], depth+1)
		}
	}
}

// Marks in [vocabulary] of numeric codes that several vendors use.
const (
	cloudflareNumbers = "cf"
	minimaxNumbers    = "mm"
)

// numbersOf returns whose numeric codes are in v: those of the envelope of Cloudflare's APIs
// (https://developers.cloudflare.com/fundamentals/api/reference/response-format/), or of MiniMax's base_resp
// (https://platform.minimax.io/docs/api-reference/errorcode).
func numbersOf(v map[string]any) string {
	success, ok := v["success"].(bool)
	_, result := v["result"]
	_, status := v["status_msg"]
	switch {
	case ok && !success && result:
		return cloudflareNumbers
	case status:
		return minimaxNumbers
	}
	return ""
}

// zeroOmitted reports whether v is a quota violation without its quotaValue, which means a limit of 0. The Gemini API states
// the limit of each violation, but JSON of protobuf omits a number that is 0
// (https://protobuf.dev/programming-guides/json/#field-presence). A violation that lacks other members too was shortened by
// someone, and means nothing.
func zeroOmitted(v map[string]any) bool {
	if v["quotaId"] == nil || v["quotaMetric"] == nil || v["quotaDimensions"] == nil {
		return false
	}
	_, stated := v["quotaValue"]
	return !stated
}

// codeField reads a member that holds a code or names the origin of the codes. It reports whether key is such a member.
func (e *evidence) codeField(key string, v any, depth int) bool {
	s, isString := v.(string)
	switch key {
	case "code", "status", "statuscode", "httpstatus", "httpcode", "upstreamstatus", "errorcode", "responsecode", "httpstatuscode":
		if isString {
			e.token(s)
		} else if n, ok := lenient.Number(v); ok {
			e.number(n, depth)
		}
	case "type", "reason", "errortype", "providercode":
		if isString {
			e.token(s)
		}
	case "@type":
		e.google = e.google || strings.Contains(s, "google.rpc")
	case "domain", "service":
		e.google = e.google || strings.Contains(s, "googleapis.com")
	default:
		return false
	}
	return true
}

// quotaField reads a member that holds a delay or describes a quota. It reports whether key is such a member.
func (e *evidence) quotaField(key string, v any) bool {
	s, _ := v.(string)
	switch key {
	case "retrydelay", "retryafter", "retryafterseconds", "retryinseconds", "retryin":
		e.hint(delay.OfJSON(v, time.Second))
	case "retryafterms":
		e.hint(delay.OfJSON(v, time.Millisecond))
	case "quotaresetdelay", "resetsinseconds":
		e.resets(delay.OfJSON(v, time.Second))
	case "quotaresettimestamp", "resetsat", "resettime", "resetat", "retryat", "availableat", "nextresettime", "nextflushtime":
		e.resets(delay.UntilReset(lenient.Text(v), e.clock.now()))
	case "quotaid", "quotalimit", "quotametric":
		e.addQuota(s)
	case "quotavalue", "quotalimitvalue":
		f, ok := lenient.Number(v)
		e.zero = e.zero || ok && f == 0
	case "model", "basemodel":
		e.perModel = e.perModel || s != ""
	default:
		return false
	}
	return true
}

// answerField reads a member of an answer. Its text is the model's own, so it is never evidence. It reports whether key is
// such a member.
func (e *evidence) answerField(key string, v any, depth int) bool {
	s, isString := v.(string)
	switch key {
	case "text", "parts", "arguments", "args":
		e.answer = true
	case "content":
		if !isString {
			e.walk(v, depth+1)
			return true
		}
		e.answer = e.answer || s != ""
	case "finishreason", "stopreason", "blockreason":
		if s != "" {
			e.answer, e.finish = true, s
		}
	default:
		return false
	}
	return true
}

func toHeader(m map[string]any) http.Header {
	h := make(http.Header, len(m))
	for k, v := range m {
		if len(h) < 64 {
			h.Set(k, lenient.Text(v))
		}
	}
	return h
}
