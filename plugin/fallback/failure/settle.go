package failure

import (
	"cmp"
	"strings"
)

// settle reads from the prose what no structure said.
func (e *evidence) settle() {
	stated := e.status >= 400
	if !stated {
		if n := cmp.Or(textStatus(e.text), leadingStatus(e.message)); n != 0 {
			e.status = n
		}
	}
	e.prose = proseOf(e.text)
	e.printed()
	if classOf(e.status) == bad {
		e.text = unquoted(e.text)
		e.prose = proseOf(e.text)
	}
	e.textTokens()
	if !stated && e.fromCode == 0 {
		e.capitals()
	}
	if e.status < 400 && e.fromCode != 0 {
		e.status = e.fromCode
	}
	e.settleQuota()
}

// settleQuota reads of quotas and delays.
func (e *evidence) settleQuota() {
	if e.status == 429 || e.prose.hasAny(quotaWords) {
		zero, positive := limits(e.text)
		e.zero = e.zero || zero || e.unstated && !positive || e.prose.hasAny(noneWords)
		e.google = e.google || e.prose.hasAny(googleWords)
		e.perPerson = e.prose.hasAny(personWords)
		if e.span == 0 {
			e.span = e.prose.span()
		}
	}
	if e.quota == "" && e.span > 0 {
		e.quota = strings.TrimPrefix(e.code+" "+e.span.String(), " ")
	}
	e.hint(textHint(&e.prose, retryHints))
	e.resets(textHint(&e.prose, resetHints))
	e.resets(regainHint(&e.prose, e.clock))
}

var (
	quotaWords     = phrasesOf("limit", "quota", "too many")
	rateWords      = phrasesOf("rate limit", "quota", "too many requests", "limit reached", "limit exceeded", "速率限制")
	googleWords    = phrasesOf("googleapis.com")
	noneWords      = phrasesOf("have a free quota tier", "no free quota")
	personWords    = phrasesOf("individual quota", "usage limit")
	modelWords     = phrasesOf("model", "deployment")
	exceptionWords = phrasesOf("exception")
	codeMarks      = phrasesOf("code = ", "status: ", "generic::")
)

// textTokens finds codes in prose: the word behind "code = " or "status: ", words with an underscore, and names of exceptions.
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

// capitals finds a gRPC name in prose: "14 UNAVAILABLE: …". Only in capitals is it a name, and not a word.
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

// knownToken is token for words that may be anything. In the text of a 4xx they never make a retry of what is a mistake of
// the request.
func (e *evidence) knownToken(w string) {
	if m, ok := lookup(w); ok {
		if passing := precedence[m.kind] > 0 && precedence[m.kind] <= precedence[KindCapacity]; passing && classOf(e.status)&(bad|denied|missing) != 0 {
			return
		}
		if m.grpc {
			w = strings.ToUpper(w) // as they are written
		}
		e.token(w)
	}
}

// codeLength is the length of the code that s starts with.
func codeLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || s[n] == '_') {
		n++
	}
	return n
}

// htmlTitle returns the title of a web page, behind the words in front of the page: the pages of proxies say nothing more.
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
