package failure

import (
	"cmp"
	"strconv"
	"strings"
)

// settle reads from the prose the facts that the structure does not have.
func (e *evidence) settle() {
	stated := e.status >= 400
	if !stated {
		if n := cmp.Or(textStatus(e.text), leadingStatus(e.message)); n != 0 {
			e.status = n
		}
	}
	e.prose = proseOf(e.text)
	e.printed()
	e.stubs()
	if classOf(e.status) == bad {
		e.text = unquoted(e.text)
		e.prose = proseOf(e.text)
	}
	e.textTokens()
	if !stated && e.fromCode == 0 {
		e.capitals()
	}
	switch {
	case e.fault != 0:
		e.status = e.fault
	case e.status < 400 && e.fromCode != 0:
		e.status = e.fromCode
	}
	e.settleQuota()
}

// settleQuota reads quotas and delays.
func (e *evidence) settleQuota() {
	if e.status == 429 || e.prose.hasAny(quotaWords) {
		zero, positive := limits(e.text)
		e.zero = e.zero || zero || e.unstated && !positive || e.prose.hasAny(noneWords)
		e.google = e.google || e.prose.hasAny(googleWords)
		e.perPerson = e.prose.hasAny(personWords) || !e.perModel && e.prose.hasAny(ownerWords) && !e.prose.hasAny(modelWords)
		if e.span == 0 {
			e.span = e.prose.span()
		}
	}
	if e.quota == "" && e.span > 0 {
		e.quota = strings.TrimPrefix(e.code+" "+e.span.String(), " ")
	}
	e.hint(textHint(&e.prose, retryHints))
	e.resets(textHint(&e.prose, resetHints))
	e.resets(momentHint(&e.prose, e.clock.now))
}

var (
	quotaWords  = phrasesOf("limit", "quota", "too many", "allowance", "配额", "上限", "限额", "限流", "频率")
	rateWords   = phrasesOf("rate limit", "quota", "too many requests", "limit reached", "limit exceeded", "throttled", "rate exceeded", "速率限制", "限流", "请求过于频繁", "频率过高", "并发")
	googleWords = phrasesOf("googleapis.com", "gemini", "generate_requests", "generate_content", "generaterequests", "generatecontent")
	limitWords  = phrasesOf("limit", "budget", "exhausted", "exceeded")
	noneWords   = phrasesOf("have a free quota tier", "no free quota")
	// personWords are in limits that count all models together: Code Assist's, those of plans, OpenRouter's for free models.
	personWords = phrasesOf("individual quota", "usage limit", "session limit", "weekly limit", "hit your limit", "your weekly", "your daily", "your monthly", "premium request", "your copilot", "free allocation", "free-models-per", "使用上限", "accounts")
	// ownerWords name the owner of a limit (Moonshot, LiteLLM, APIM). The limit counts all models unless one is named too.
	ownerWords = phrasesOf("your team", "your workspace", "your subscription", "your key", "this key", "trial key",
		"reached organization", "reached max organization", "reached project", "call volume quota", "bandwidth quota", "token quota")
	modelWords     = phrasesOf("model", "deployment", "模型")
	exceptionWords = phrasesOf("exception")
	codeMarks      = phrasesOf("code = ", "status: ", "generic::", "statuscode.", "statuscode=\"", "statuscode=", "grpc::")
	botoMark       = phrasesOf("an error occurred (")
	// wireWords are about the network between this process and the model, in errors that came with a status.
	wireWords   = phrasesOf("upstream connect error", "connection termination", "no healthy upstream", "unreachable", "unable to connect", "rst_stream", "received from peer")
	streamWords = phrasesOf("rst_stream", "grpc", "deadline exceeded", "received goaway", "connection", "upstream")
)

// stubs reads the prefixes that the libraries of AWS and gRPC add to a message: "An error occurred (ThrottlingException) when
// calling", and Ruby's "13:Received RST_STREAM". A number in front of other texts is not a code.
func (e *evidence) stubs() {
	if e.prose.hasAny(botoMark) {
		_, after, _ := strings.Cut(e.text, botoMark[0].s)
		fault, _, _ := strings.Cut(after[:min(len(after), maxCode)], ")")
		if _, ok := lookup(fault); ok {
			e.addFault(fault)
		}
	}
	if e.status >= 400 || e.codeRank > 2 || !e.prose.hasAny(streamWords) {
		return
	}
	for s := e.message[:min(len(e.message), MaxMessage)]; s != ""; {
		digits := 0
		for digits < len(s) && digits < 3 && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		if n, err := strconv.Atoi(s[:digits]); err == nil && n > 0 && n < len(grpcNames) && digits+1 < len(s) && s[digits] == ':' && s[digits+1] >= 'A' && s[digits+1] <= 'Z' {
			e.token(grpcNames[n])
			return
		}
		_, s, _ = strings.Cut(s, ": ")
	}
}

// textTokens finds codes in prose: the word after "code = " or "status: ", words with an underscore, and names of exceptions.
func (e *evidence) textTokens() {
	for i := range codeMarks {
		if e.prose.has(&codeMarks[i]) {
			_, after, _ := strings.Cut(e.text, codeMarks[i].s)
			e.knownToken(after[:codeLength(after)])
		}
	}
	if strings.IndexByte(e.text, '_') < 0 && !e.prose.hasAny(exceptionWords) {
		return
	}
	for t := e.text; t != ""; {
		n := codeLength(t)
		if w := t[:n]; strings.IndexByte(w, '_') > 0 || strings.HasSuffix(w, "exception") {
			e.knownToken(w)
		}
		t = t[max(n, 1):]
	}
}

// capitals finds a gRPC name in prose: "14 UNAVAILABLE: …". Only a word in capitals counts; otherwise it is an ordinary word.
func (e *evidence) capitals() {
	for s := e.message[:min(len(e.message), MaxMessage)]; s != ""; {
		n := codeLength(s)
		if w := s[:n]; n > 4 && w == strings.ToUpper(w) {
			if m, ok := lookup(w); ok && m.grpc {
				e.token(w)
				return
			}
		}
		s = s[max(n, 1):]
	}
}

// knownToken is token for words that may not be codes. In the text of a 4xx, they never turn a mistake of the request into a
// retry.
func (e *evidence) knownToken(w string) {
	if m, ok := lookup(w); ok {
		if passing := precedence[m.kind] > 0 && precedence[m.kind] <= precedence[KindCapacity]; passing && classOf(e.status)&(bad|denied|missing) != 0 {
			return
		}
		if m.grpc {
			w = strings.ToUpper(w) // the usual form of these names
		}
		e.token(w)
	}
}

// codeLength returns the length of the code at the start of s.
func codeLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || s[n] == '_') {
		n++
	}
	return n
}

// htmlTitle returns the text in front of a web page, followed by the page's title. The pages of proxies contain nothing else
// of use.
func htmlTitle(s string) (string, bool) {
	start := strings.IndexByte(s, '<')
	if start < 0 {
		return "", false
	}
	head := strings.ToLower(s[:min(len(s), 4096)])
	if !strings.Contains(head, "<html") && !strings.Contains(head, "<!doctype") && !strings.Contains(head, "<head") {
		return "", false
	}
	_, after, _ := strings.Cut(head, "<title")
	_, after, _ = strings.Cut(after, ">")
	title, _, _ := strings.Cut(after, "<")
	return s[:start] + title, true
}
