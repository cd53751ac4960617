package redact

import "strings"

// separator is what stands between a label and its value.
type separator struct {
	end    int
	mark   byte   // ':', '=' or '/'; ' ' when there are only blanks, quotes, brackets and number signs
	chars  int    // its length in characters
	tight  bool   // no blank in it
	quote  byte   // the quote that the value starts behind, if any
	depth  int    // backslashes before that quote
	entity string // the quote as HTML has it, if it does
}

// separatorAt reads the separator at i, escaped or not. ok is false when there is none.
func separatorAt(s string, i int) (sep separator, ok bool) {
	const longest = 24 // bytes
	sep = separator{end: i, mark: ' ', tight: true}
	for sep.end < len(s) && sep.end-i < longest {
		c, n := charAt(s, sep.end)
		depth := 0
		if e := quoteEntityAt(s[sep.end:]); e != "" {
			c, n, sep.entity = '"', len(e), e
		} else if strings.HasPrefix(s[sep.end:], "&gt;") {
			c, n = '>', len("&gt;")
		} else if c == 0 { // backslashes
			if sep.end+n == len(s) || strings.IndexByte("'\"", s[sep.end+n]) < 0 {
				break
			}
			c, n, depth = s[sep.end+n], n+1, n
		}
		switch {
		case isBlank(c) || c == '+':
			sep.tight, sep.quote = false, 0
		case c == '\'' || c == '"' || c == '`':
			sep.quote, sep.depth = c, depth
			if sep.mark != ' ' {
				sep.end += n
				return sep, true
			}
		case c == '>' && (sep.mark == '=' || sep.end == i):
			sep.mark = '='
		case (c == ':' || c == '=') && (sep.mark == ' ' || sep.mark == ':'), c == '/' && sep.mark == ' ':
			sep.mark, sep.quote = c, 0
		case (c == '#' || c == '(') && sep.mark == ' ':
		default:
			return sep, sep.end > i
		}
		sep.end += n
		sep.chars++
	}
	return sep, sep.end > i
}

// valueLabel returns the end of the word "value" behind a label that is the value of another one, or 0: name="password" value="…",
// {"key": "token", "value": "…"}, and two lines of YAML.
func valueLabel(s string, i int) int {
	const word, longest = "value", 24 // bytes between
	for last := min(len(s), i+longest); i < last; {
		c, n := charAt(s, i)
		if e := quoteEntityAt(s[i:]); e != "" {
			n = len(e)
		} else if c != 0 && !isBlank(c) && strings.IndexByte("'\",+", c) < 0 {
			break
		}
		i += n
	}
	end := i + len(word)
	if end > len(s) || !equalFold(s[i:end], word) || end < len(s) && class[s[end]]&(letter|digit|under) != 0 {
		return 0
	}
	return end
}

// quotedEnd returns the end of a value in quotes: before the same quote, escaped as the first is, or 0 when the text has none.
func quotedEnd(s string, sep separator) int {
	if sep.entity != "" {
		const longest = 512
		if n := strings.Index(s[sep.end:min(len(s), sep.end+longest)], sep.entity); n >= 0 {
			return sep.end + n
		}
		return passwordEnd(s, sep.end)
	}
	for i := sep.end; i < len(s) && s[i] != '\n'; i++ {
		if s[i] != sep.quote {
			continue
		}
		depth := 0
		for i-depth > sep.end && s[i-depth-1] == '\\' {
			depth++
		}
		if depth <= sep.depth {
			return i - depth
		}
	}
	return passwordEnd(s, sep.end)
}
