package failure

import (
	"net/http"
	"strconv"
	"strings"
)

// textStatus finds an HTTP status in lower-case prose. A number counts only where the words around it make it a status:
// "Error code: 429", "status code 503", "HTTP 502", "429 Too Many Requests", "rejected (429)". "limit is 500 tokens" is not one.
func textStatus(text string) int {
	for i := 0; i+3 <= len(text); i++ {
		if text[i] != '4' && text[i] != '5' || i > 0 && wordByte(text[i-1]) || wordGoesOn(text[i+3:]) {
			continue
		}
		n, err := strconv.Atoi(text[i : i+3])
		if err != nil {
			continue
		}
		if statusBefore(strings.TrimRight(text[:i], " :=(\"'")) || statusAfter(n, text[i+3:]) || statusWithin(text[:i], text[i+3:]) {
			return n
		}
	}
	return 0
}

// leadingStatus finds the HTTP status that Google's Python SDK puts before its message, perhaps behind the name of an
// exception: "429 You exceeded your quota". A sentence follows: "429 tokens" is not one.
func leadingStatus(message string) int {
	const size = len("429 Y")
	for s := message[:min(len(message), MaxMessage)]; len(s) >= size; {
		sentence := strings.TrimPrefix(s[4:], "* ") // or the first item of a list
		if n, err := strconv.Atoi(s[:3]); err == nil && n >= 400 && http.StatusText(n) != "" && s[3] == ' ' && sentence != "" && sentence[0] >= 'A' && sentence[0] <= 'Z' {
			return n
		}
		_, after, found := strings.Cut(s, ": ")
		if !found {
			break
		}
		s = after
	}
	return 0
}

// unquoted returns a text without what is quoted in it or indexed, and without identifiers that are no codes: `Unknown name
// "moderation" at properties[flagged] of check_authentication`. In a message about a mistake of the request these are the
// request's own words. A text that is quoted as a whole is not.
func unquoted(text string) string {
	if !strings.ContainsAny(text, "'\"`[_") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := max(quotedEnd(text, i), identifierEnd(text, i))
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
func identifierEnd(text string, i int) int {
	inName := func(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c == '_' }
	if !isLetter(text[i]) || i > 0 && inName(text[i-1]) {
		return 0
	}
	end, marked := i, false
	for end < len(text) && inName(text[end]) {
		marked = marked || text[end] == '_'
		end++
	}
	if _, isCode := lookup(text[i:end]); isCode || !marked {
		return 0
	}
	return end
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
				if end == len(text)-1 && (i == 0 || i > 1 && text[i-1] == ' ' && text[i-2] >= '0' && text[i-2] <= '9') {
					return 0 // the message itself, perhaps behind its status: 400 "Model m does not support parameter p."
				}
				return end + 1
			}
		}
	}
	return 0
}

func wordByte(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c == ','
}

// wordGoesOn reports whether a word goes on in text: "500,000" and "500.5" do, "504, Message" and "502." end.
func wordGoesOn(text string) bool {
	if text == "" || !wordByte(text[0]) {
		return false
	}
	ends := text[0] == ',' || text[0] == '.'
	return !ends || len(text) > 1 && wordByte(text[1])
}

// titleStatus finds the HTTP status in the title of an error page: "502 Bad Gateway", "Error 404 (Not Found)", "a host |
// 520: …". Those from 520 to 530 are Cloudflare's: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/
func titleStatus(title string) int {
	for w := range strings.FieldsFuncSeq(title, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(w); err == nil && n >= 400 && (http.StatusText(n) != "" || n >= 520 && n <= 530) {
			return n
		}
	}
	return 0
}

func statusBefore(text string) bool {
	for _, w := range [...]string{"status", "status code", "status code of", "error code", "error", "http", "code", "api", "statuscode", "returned", "http/1.1", "http/2.0", "http/2", "http/3"} {
		if strings.HasSuffix(text, w) {
			return true
		}
	}
	return false
}

// statusWithin reports whether a number stands in brackets behind what failed: "request failed (500)".
func statusWithin(before, after string) bool {
	return strings.HasPrefix(after, ")") && (strings.HasSuffix(before, "rejected (") || strings.HasSuffix(before, "failed ("))
}

func statusAfter(n int, text string) bool {
	name := strings.ToLower(http.StatusText(n))
	text = strings.TrimLeft(text, " :-")
	return name != "" && strings.HasPrefix(text, name) || strings.HasPrefix(text, "status code") || strings.HasPrefix(text, "client error") || strings.HasPrefix(text, "server error") ||
		strings.HasPrefix(text, ". that’s an error") || strings.HasPrefix(text, ". that's an error") // Google's error page
}
