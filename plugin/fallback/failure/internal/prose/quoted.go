package prose

import (
	"net/http"
	"strconv"
	"strings"
)

// Unquoted returns a text without what is quoted in it or indexed, and without identifiers that are not codes: `Unknown name
// "moderation" at properties[flagged] of check_authentication`. In a message about a mistake of the request these are the
// request's own words. A text that is quoted as a whole is not.
func Unquoted(text string, isCode func(word string) bool) string {
	if !strings.ContainsAny(text, "'\"`[_") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := max(quotedEnd(text, i), identifierEnd(text, i, isCode))
		if end > i {
			b.WriteByte(' ')
			i = end
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// identifierEnd returns the end of the identifier with an underscore that starts at i and is no code, 0 when none does.
func identifierEnd(text string, i int, isCode func(word string) bool) int {
	inName := func(c byte) bool { return isAlphanumeric(c) || c == '_' }
	if !IsLetter(text[i]) || i > 0 && inName(text[i-1]) {
		return 0
	}
	end, marked := i, false
	for end < len(text) && inName(text[end]) {
		marked = marked || text[end] == '_'
		end++
	}
	if !marked || isCode(text[i:end]) {
		return 0
	}
	return end
}

// behindStatus reports whether lower-case text ends with a number, or with an HTTP status and its name as Go prints them: "post
// url: 400 bad request ".
func behindStatus(text string) bool {
	text, spaced := strings.CutSuffix(text, " ")
	if !spaced || text == "" {
		return false
	}
	if c := text[len(text)-1]; c >= '0' && c <= '9' {
		return true
	}
	for n := 400; n < 600; n++ {
		if name := http.StatusText(n); name != "" && strings.HasSuffix(text, strconv.Itoa(n)+" "+strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// quotedEnd returns the end of the quotation or index that is opened at i, 0 when none is.
func quotedEnd(text string, i int) int {
	const longest = 1 << 10
	quote := text[i]
	behindWord := i > 0 && wordByte(text[i-1])
	switch quote {
	case '[':
		if n := strings.IndexByte(text[i:], ']'); n > 0 && behindWord && !strings.HasSuffix(text[:i], "map") {
			return i + n + 1
		}
	case '\'', '"', '`':
		if behindWord {
			return 0 // an apostrophe
		}
		for end := i + 1; end < min(len(text), i+longest); end++ {
			if text[end] == quote && (end+1 == len(text) || !wordByte(text[end+1]) || text[end+1] == '.' || text[end+1] == ',') {
				if end == len(text)-1 && (i == 0 || behindStatus(text[:i])) {
					return 0 // the message itself, perhaps behind its status: 400 "Model m does not support parameter p."
				}
				return end + 1
			}
		}
	}
	return 0
}
