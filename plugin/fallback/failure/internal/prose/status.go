package prose

import (
	"net/http"
	"strconv"
	"strings"
)

// Status finds an HTTP status in lower-case prose. A number counts only where the words around it make it a status:
// "Error code: 429", "status code 503", "HTTP 502", "429 Too Many Requests", "rejected (429)". "limit is 500 tokens" is not one.
// It returns 0 if there is none.
func Status(text string) int {
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

// LeadingStatus finds the HTTP status that Google's Python SDK puts before its message, possibly after the name of an
// exception: "429 You exceeded your quota". A sentence follows: "429 tokens" is not one. It returns 0 if
// there is none.
func LeadingStatus(message string) int {
	const size, longest = len("429 Y"), 256
	for s := message[:min(len(message), longest)]; len(s) >= size; {
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

func wordByte(c byte) bool {
	return isAlphanumeric(c) || c == '_' || c == '.' || c == '-' || c == ','
}

// wordGoesOn reports whether a word goes on in text: "500,000" and "500.5" do, "504, Message" and "502." end.
func wordGoesOn(text string) bool {
	if text == "" || !wordByte(text[0]) {
		return false
	}
	ends := text[0] == ',' || text[0] == '.'
	return !ends || len(text) > 1 && wordByte(text[1])
}

// TitleStatus finds the HTTP status in the title of an error page: "502 Bad Gateway", "Error 404 (Not Found)", "a host |
// 520: …". Those from 520 to 530 are Cloudflare's: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/
func TitleStatus(title string) int {
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
