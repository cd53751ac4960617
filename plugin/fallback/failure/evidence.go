package failure

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genai"
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
	now time.Time

	status      int  // HTTP status, the innermost one; 0 unknown
	statusDepth int  // where it was found
	fromCode    int  // HTTP status that a code implies; counts when status says nothing
	kind        Kind // what the most telling code says
	code        string
	codeRank    int

	message      string // innermost message
	messageDepth int
	text         string // every message, lower case, at most maxText bytes

	span     time.Duration // longest window that a quota names; 0 none
	zero     bool          // a quota has the value 0
	quota    string        // identity of the first quota with the longest window
	perModel bool          // the quota is that of a model
	google   bool          // has details of google.rpc, or a gRPC status name

	retry, reset       time.Duration // delay until the next request, until the quota resets
	hasRetry, hasReset bool

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
	if strings.IndexByte(s, '{') < 0 || !e.dig(s, depth) {
		e.addProse(s, depth)
	}
}

// addProse keeps a message that holds no JSON.
func (e *evidence) addProse(s string, depth int) {
	if title, ok := htmlTitle(s); ok {
		e.html, s = true, title
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return
	}
	if depth >= e.messageDepth {
		e.message, e.messageDepth = s, depth+1 // of equals the first
	}
	if room := maxText - len(e.text); room > 0 {
		lower := strings.ToLower(s[:min(len(s), room)])
		if e.text == "" {
			e.text = lower
		} else if !strings.Contains(e.text, lower) {
			e.text += "\n" + lower
		}
	}
}

// dig reads the JSON objects in a text, wherever they start: behind an SDK's prefix, in an array, one per stream chunk, or
// as a string with its quotes escaped. It reports whether there was any.
func (e *evidence) dig(s string, depth int) (found bool) {
	if depth >= maxDepth {
		return false
	}
	prefix := true
	for range maxTexts {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			break
		}
		head := s[:i]
		s = s[i:]
		if inner := strings.TrimLeft(s[1:], " \t\r\n"); strings.HasPrefix(inner, `\`) {
			s, _ = unescape(s, 0)
		}
		obj, n := parseLenient(s)
		s = s[n:]
		if len(obj) == 0 {
			continue
		}
		if prefix {
			prefix = false
			e.addProse(strings.TrimRight(head, " \t\r\n[\"'"), depth)
		}
		e.walk(obj, depth+1)
		found = true
	}
	return found
}

// walk reads one decoded JSON value.
func (e *evidence) walk(v any, depth int) {
	e.nodes++
	if depth >= maxDepth || e.nodes > maxNodes {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			e.field(key, v[key], depth)
		}
	case []any:
		for _, item := range v {
			e.walk(item, depth+1)
		}
	case string:
		e.addText(v, depth)
	}
}

// field reads one member of a JSON object. Keys are compared in normal form: providers disagree about case and underscores.
func (e *evidence) field(key string, v any, depth int) {
	s, isString := v.(string)
	switch normal(strings.TrimSpace(key)) {
	case "input", "prompt", "request", "requestbody", "messages", "contents", "param", "stack", "links", "helpurl", "uimessage", "locale":
		// Echoes of the request, and help texts: nothing in them is about this error.
	case "code", "status", "statuscode", "httpstatus", "httpcode", "upstreamstatus", "errorcode", "responsecode":
		switch {
		case isString:
			e.token(s)
		default:
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
	case "message", "msg", "detail", "error", "description", "errordescription", "errormessage", "title":
		if isString {
			if key == "error" {
				e.token(s)
			}
			e.addText(s, depth)
			return
		}
		e.walk(v, depth+1)
	case "retrydelay", "retryafter", "retryafterseconds", "retryinseconds":
		e.hint(jsonDuration(v, time.Second))
	case "retryafterms":
		e.hint(jsonDuration(v, time.Millisecond))
	case "quotaresetdelay", "resetsinseconds":
		e.resets(jsonDuration(v, time.Second))
	case "quotaresettimestamp", "resetsat", "resettime":
		e.resets(resetTime(toText(v), e.now))
	case "quotaid", "quotalimit", "quotametric":
		e.addQuota(s)
	case "quotavalue", "quotalimitvalue":
		e.zero = e.zero || toText(v) == "0"
	case "model", "basemodel":
		e.perModel = e.perModel || s != ""
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

// number reads a numeric code: an HTTP status, or a gRPC code. The innermost status is the closest to what failed.
func (e *evidence) number(f float64, depth int) {
	n := int(f)
	switch {
	case float64(n) != f:
	case n >= 400 && n < 600 && (e.status < 400 || depth >= e.statusDepth):
		e.status, e.statusDepth = n, depth
	case n > 0 && n < len(grpcNames) && e.fromCode == 0:
		e.fromCode = statusOf[normal(grpcNames[n])]
	}
}

// token reads a code in words. The provider's own most telling word becomes the verdict's Code: a gRPC name, then a code
// of the tables, then any other.
func (e *evidence) token(s string) {
	if n, err := strconv.Atoi(s); err == nil {
		e.number(float64(n), e.statusDepth)
		return
	}
	if s == "" || len(s) > 128 || strings.IndexByte(s, ' ') >= 0 || s == "error" {
		return
	}
	rank := 1
	if m, ok := lookup(s); ok {
		rank = 2
		if m.kind == "" && statusOf[normal(s)] != 0 && s == strings.ToUpper(s) {
			rank, e.google = 3, true
		}
		if precedence[m.kind] > precedence[e.kind] {
			e.kind, e.fromCode = m.kind, m.status
		} else if e.fromCode == 0 {
			e.fromCode = m.status
		}
	}
	if rank > e.codeRank {
		e.code, e.codeRank = s, rank
	}
}

// addQuota reads the id, limit or metric of a quota.
func (e *evidence) addQuota(name string) {
	if name == "" {
		return
	}
	lower := strings.ToLower(name)
	span := quotaSpan(lower)
	if span > e.span || e.quota == "" {
		e.quota = name[:min(len(name), 128)]
	}
	e.span = max(e.span, span)
	e.perModel = e.perModel || strings.Contains(lower, "model")
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
	if len(h) > 0 {
		e.hint(headerHint(h, e.now))
	}
}

// settle reads from the prose what no structure said.
func (e *evidence) settle() {
	t := e.text
	if strings.IndexByte(t, '_') >= 0 || strings.Contains(t, "code = ") || strings.Contains(t, "status: ") {
		e.textTokens(t)
	}
	if e.status < 400 {
		if n := textStatus(t); n != 0 {
			e.status = n
		} else if e.fromCode != 0 {
			e.status = e.fromCode
		}
	}
	if e.status == 429 || strings.Contains(t, "limit") || strings.Contains(t, "quota") {
		e.google = e.google || strings.Contains(t, "googleapis.com")
		e.zero = e.zero || zeroLimit(t)
		if e.span == 0 {
			e.span = quotaSpan(t)
		}
		e.perModel = e.perModel || strings.Contains(t, "model")
	}
	if e.quota == "" && e.span > 0 {
		e.quota = strings.TrimPrefix(e.code+" "+e.span.String(), " ")
	}
	if strings.Contains(t, "re") || strings.Contains(t, "wait") {
		e.hint(textHint(t, retryHints))
		e.resets(textHint(t, resetHints))
		e.resets(regainHint(t, e.now))
	}
}

// textTokens finds codes in prose: words with an underscore, and the word behind "code = " or "status: ".
func (e *evidence) textTokens(t string) {
	for _, mark := range [...]string{"code = ", "status: ", "generic::"} {
		if _, after, ok := strings.Cut(t, mark); ok {
			if w := firstWord(after); w != "" && w != "error" {
				e.knownToken(w)
			}
		}
	}
	for i := strings.IndexByte(t, '_'); i >= 0 && i < len(t); {
		start := i
		for start > 0 && (isLetter(t[start-1]) || t[start-1] == '_') {
			start--
		}
		word := firstWord(t[start:])
		e.knownToken(word)
		next := start + len(word)
		j := strings.IndexByte(t[min(next, len(t)):], '_')
		if j < 0 {
			break
		}
		i = next + j
	}
}

// knownToken is token for words that may be anything.
func (e *evidence) knownToken(w string) {
	if m, ok := lookup(w); ok {
		if m.kind == "" {
			w = strings.ToUpper(w) // gRPC names are written so
		}
		e.token(w)
	}
}

func firstWord(s string) string {
	n := 0
	for n < len(s) && n < 64 && (isLetter(s[n]) || s[n] == '_') {
		n++
	}
	return s[:n]
}

// htmlTitle returns the title of a web page: the pages of proxies say nothing more.
func htmlTitle(s string) (string, bool) {
	head := strings.ToLower(s[:min(len(s), 4096)])
	if i := strings.IndexByte(head, '<'); i < 0 || !strings.Contains(head, "<html") && !strings.Contains(head, "<!doctype") && !strings.Contains(head, "<head") {
		return "", false
	}
	_, after, _ := strings.Cut(head, "<title")
	_, after, _ = strings.Cut(after, ">")
	title, _, _ := strings.Cut(after, "<")
	return title, true
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
		s, ok := secondsOf(v["seconds"])
		ns, ok2 := secondsOf(v["nanos"])
		if !ok && !ok2 {
			return 0, false
		}
		return seconds(s + ns/1e9)
	case float64, int, int64:
		return seconds(toFloat(v) * unit.Seconds())
	}
	return 0, false
}

// secondsOf reads a member of a protobuf Duration: a number, or an int64 as a string.
func secondsOf(v any) (float64, bool) {
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
