package failure

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// walk reads one decoded JSON value.
func (e *evidence) walk(v any, depth int) {
	e.nodes++
	if depth >= maxDepth || e.nodes > maxNodes {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		e.unstated = e.unstated || zeroOmitted(v)
		if v["$fault"] != nil { // the AWS SDK for JavaScript
			e.addFault(toText(v["name"]))
		}
		outer := e.cloudflare
		e.cloudflare = outer || isCloudflare(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			e.field(key, v[key], depth)
		}
		e.cloudflare = outer
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
		e.addFault(toText(v))
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

// isCloudflare reports whether v is the envelope of Cloudflare's APIs, which have numeric codes of their own:
// https://developers.cloudflare.com/fundamentals/api/reference/response-format/
func isCloudflare(v map[string]any) bool {
	success, ok := v["success"].(bool)
	_, result := v["result"]
	return ok && !success && result
}

// faultKeys are the members and headers in which AWS states the type of a fault: in JSON, in an event of a stream, and in
// the headers of an HTTP response. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
var faultKeys = []string{"__type", ":exception-type", "x-amzn-errortype", "x-amzn-ErrorType", "X-Amzn-Errortype"}

// addFault reads the type of a fault from a member or header of AWS. It counts more than the status, because every exception
// in an event stream has status 400.
func (e *evidence) addFault(s string) {
	s, _, _ = strings.Cut(s, ":") // a URL may follow
	e.token(s)
	if m, ok := lookup(s); ok && !m.grpc && m.status != 0 {
		e.fault = m.status
	}
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
		} else {
			e.number(toFloat(v), depth)
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
		e.hint(jsonDuration(v, time.Second))
	case "retryafterms":
		e.hint(jsonDuration(v, time.Millisecond))
	case "quotaresetdelay", "resetsinseconds":
		e.resets(jsonDuration(v, time.Second))
	case "quotaresettimestamp", "resetsat", "resettime", "resetat", "retryat", "availableat", "nextresettime", "nextflushtime":
		e.resets(resetTime(toText(v), e.clock.now()))
	case "quotaid", "quotalimit", "quotametric":
		e.addQuota(s)
	case "quotavalue", "quotalimitvalue":
		f, ok := numberOf(v)
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

// number reads a numeric code: an HTTP status, a gRPC code or a vendor's own. The innermost status counts, because it is the
// closest to the failure.
func (e *evidence) number(f float64, depth int) {
	n := int(f)
	switch {
	case float64(n) != f:
	case n >= 400 && n < 600 && (e.status < 400 || depth >= e.statusDepth):
		e.status, e.statusDepth = n, depth
	case n > 0 && n < len(grpcNames) && e.codeRank == 0:
		e.token(grpcNames[n])
	case n >= 1000:
		e.vendorNumber(n)
	}
}

// vendorNumber reads a vendor's own numeric code.
func (e *evidence) vendorNumber(n int) {
	code := strconv.Itoa(n)
	if e.cloudflare {
		code = "cf" + code
	}
	if m, ok := lookup(code); ok {
		e.learn(m)
		if e.codeRank < 2 {
			e.code, e.codeRank = strconv.Itoa(n), 2
		}
	}
}

// token reads a code that is a word. The most specific word becomes the verdict's Code: a gRPC name before a code of the
// tables, and that before any other word.
func (e *evidence) token(s string) {
	if s == "" || len(s) > 128 || strings.IndexByte(s, ' ') >= 0 || s == "error" {
		return
	}
	if s[0] >= '0' && s[0] <= '9' {
		if n, err := strconv.Atoi(s); err == nil {
			e.number(float64(n), e.statusDepth)
		}
		return
	}
	rank := 1
	if m, ok := lookup(s); ok {
		rank = 2
		if m.grpc && s[0] < 'a' {
			rank, e.google = 3, true
		}
		e.learn(m)
	}
	if rank > e.codeRank {
		e.code, e.codeRank = s, rank
	}
}

// learn keeps the meaning of a known code if it has precedence.
func (e *evidence) learn(m word) {
	if precedence[m.kind] > precedence[e.kind] {
		e.kind, e.fromCode = m.kind, m.status
	} else if e.fromCode == 0 {
		e.fromCode = m.status
	}
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	}
	return -1
}

func toText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int, int64:
		return fmt.Sprint(v)
	}
	return ""
}

// jsonDuration reads a delay in JSON: a string, a number of units, or a protobuf Duration as an object.
func jsonDuration(v any, unit time.Duration) (time.Duration, bool) {
	switch v := v.(type) {
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return seconds(f * unit.Seconds())
		}
		return parseDuration(v)
	case map[string]any:
		s, ok := numberOf(v["seconds"])
		ns, ok2 := numberOf(v["nanos"])
		if !ok && !ok2 {
			return 0, false
		}
		return seconds(s + ns/1e9)
	case float64, int, int64:
		return seconds(toFloat(v) * unit.Seconds())
	}
	return 0, false
}

// numberOf reads a number, or a string that holds one, as JSON of protobuf writes an int64.
func numberOf(v any) (float64, bool) {
	f, err := strconv.ParseFloat(toText(v), 64)
	return f, err == nil
}

func toHeader(m map[string]any) http.Header {
	h := make(http.Header, len(m))
	for k, v := range m {
		if len(h) < 64 {
			h.Set(k, toText(v))
		}
	}
	return h
}
