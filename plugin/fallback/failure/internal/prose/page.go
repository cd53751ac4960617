package prose

import (
	"strings"
	"unicode"
)

// OneLine returns a text with single spaces: terminals break lines anywhere, and draw frames around them.
func OneLine(s string) string {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\t') < 0 && !strings.Contains(s, "  ") && !strings.Contains(s, "│") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '│' || unicode.IsSpace(r) }), " ")
}

// PageTitle returns the text in front of a web page, followed by the page's title, and false if s has no web page. The pages
// of proxies contain nothing else of use.
func PageTitle(s string) (string, bool) {
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
