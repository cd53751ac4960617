package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Shortest values behind a label, in bytes.
const (
	minValue = 6  // it keeps "token: null" readable
	minNamed = 16 // behind "token " and "key ", which are words of sentences
)

// labelledEnd returns the secret behind the label s[start:end], or end 0.
func labelledEnd(s string, start, end int, k kind) (from, to int) {
	if at := valueLabel(s, end); at > 0 {
		end = at
	}
	sep, ok := separatorAt(s, end)
	if !ok || sep.end == len(s) || placeholderAt(s, sep.end) {
		return 0, 0
	}
	if sep.mark == ' ' {
		switch flag := strings.HasPrefix(s[start:end], "--"); {
		case flag && (k == password || k == key) && isBlank(s[end]):
			sep.mark, sep.tight = '=', true // --password hunter22
		case sep.tight || sep.chars > 3: // project's, another paragraph
			return 0, 0
		}
	}
	assigned := sep.mark == ':' || sep.mark == '='
	from = sep.end
	if s[end] == '>' && !strings.HasPrefix(s[passwordEnd(s, from):], "<") {
		return 0, 0 // no element of XML
	}
	switch k {
	case password, key, noun, scheme, basic:
		if assigned {
			return from, assignedEnd(s, start, sep, k)
		}
		if sep.mark == ' ' {
			return from, namedEnd(s, from, k)
		}
	case login:
		return from, loginEnd(s, sep)
	case projects:
		if sep.mark == '/' && sep.tight && sep.quote == 0 {
			return from, wordEnd(s, from)
		}
	case team:
		if v := s[from:wordEnd(s, from)]; len(v) > 4 && hasFoldSuffix(v[:4], "org_") {
			return from, from + len(v)
		}
	case consumer:
		if n := strings.IndexByte(s[from:min(len(s), from+256)], sep.quote); sep.quote != 0 && sep.mark == ' ' && n > 0 {
			return from, from + n
		}
	case project:
		if to = wordEnd(s, from); to > from && sep.mark != '/' && isProject(s, start, sep, to) {
			return from, to
		}
	}
	return 0, 0
}

// assignedEnd judges what stands behind "label:" and "label=".
func assignedEnd(s string, start int, sep separator, k kind) int {
	from := sep.end
	if sep.quote != 0 && (k == password || k == key) {
		to := quotedEnd(s, sep)
		if isPlaceholder(s[from:to]) || isPath(s, start, s[from:to]) {
			return 0
		}
		if k == password || to-from >= minValue && strings.IndexByte(s[from:to], ' ') < 0 {
			return to
		}
	}
	to := trim(s, from, endOf(s, from, value))
	if k == password {
		to = passwordEnd(s, from)
	}
	v := s[from:to]
	if k == key && oneOf(authSchemes, v) && to < len(s) && s[to] == ' ' { // Authorization: Token …
		if to, v = endOf(s, to+1, value), s[to+1:endOf(s, to+1, value)]; len(v) < minValue || plain(v) {
			return 0
		}
		return to
	}
	if isPlaceholder(v) || isPath(s, start, v) || k == noun && valueLabel(s, to) > 0 {
		return 0
	}
	named := k == noun && sep.tight && sep.mark == '=' && (!plain(v) || !equalFold(s[start:min(start+3, len(s))], "key"))
	query := start > 0 && strings.IndexByte("?&;", s[start-1]) >= 0 && sep.mark == '=' && sep.tight
	switch {
	case k == password:
		if len(v) >= minValue || sep.tight && sep.mark == '=' && len(v) >= 4 {
			return to
		}
	case len(v) < minValue:
	case (k == key || query || named || (k == scheme || k == basic) && !plain(v)) && (sep.tight || !inSentence(s, v, to)), looksSecret(v):
		return to
	}
	return 0
}

// loginEnd judges what stands behind "-u ": a name and a password with a colon between, but no ids of a user and group, nor a URL.
func loginEnd(s string, sep separator) int {
	to := passwordEnd(s, sep.end)
	if sep.quote != 0 {
		to = quotedEnd(s, sep)
	}
	at, n := sep.end, 0
	for c := byte(0); at < to && c != ':'; at += n {
		c, n = charAt(s, at)
	}
	secret := s[min(at, to):to]
	if at-n == sep.end || len(secret) < 4 || secret[0] == '/' || endOf(secret, 0, digit) == len(secret) || plain(secret) && len(secret) < 8 {
		return 0
	}
	return to
}

// namedEnd judges what stands behind "Bearer ", "key " and the like, with at most a quote or a bracket between.
func namedEnd(s string, from int, k kind) int {
	to := trim(s, from, endOf(s, from, value))
	v := s[from:to]
	switch {
	case len(v) < minValue || plain(v) || isPlaceholder(v):
	case k == basic:
		if credentials(v) {
			return to
		}
	case k == scheme && (capitalInside(v) || looksSecret(v) || len(v) >= 20 && !strings.ContainsAny(v, "-.")):
		return to
	case hexEnd(s, from, minHex) >= to, len(v) >= minNamed && looksSecret(v) && strings.IndexByte(v, '.') < 0:
		return to
	}
	return 0
}

// credentials reports whether v is base64 of "user:password" (RFC 7617), or of what a cut has left of it.
func credentials(v string) bool {
	b, err := base64.StdEncoding.DecodeString(v[:len(v)/4*4])
	return err == nil && bytes.IndexByte(b, ':') >= 0
}

// capitalInside reports whether v has a capital behind a letter or digit and letters of lower case: no abbreviation or title has both.
func capitalInside(v string) bool {
	for i := 1; i < len(v); i++ {
		if class[v[i]]&upper != 0 && class[v[i-1]]&(letter|digit) != 0 {
			return true
		}
	}
	return false
}

// inSentence reports whether v, which ends at to, is a word with another one behind it: "API key: please pass a valid one".
func inSentence(s, v string, to int) bool {
	return plain(v) && to+1 < len(s) && s[to] == ' ' && class[s[to+1]]&letter != 0
}

func isPlaceholder(v string) bool {
	return v == "" || oneOf(notSecret, v)
}

// isPath reports whether v is the working directory that PWD also names.
func isPath(s string, start int, v string) bool {
	return len(s) >= start+3 && equalFold(s[start:start+3], "pwd") && strings.IndexByte("/~.", v[0]) >= 0
}

// placeholderAt reports whether the placeholder is at i, or what a cut has left of it.
func placeholderAt(s string, i int) bool {
	return s[i] == '[' && (strings.HasPrefix(s[i:], placeholder) || strings.HasPrefix(placeholder, s[i:]))
}

// passwordEnd returns the end of a password without quotes: it may hold any marks, but not those that end a value in a URL,
// a list, a sentence or in code.
func passwordEnd(s string, i int) int {
	end := i
	for end < len(s) && !isBlank(s[end]) && strings.IndexByte("&;<>'\"`", s[end]) < 0 {
		if n, c := escapeAt(s[end:]); s[end] == '\\' && (c != 0 || end+n < len(s) && strings.IndexByte("'\"", s[end+n]) >= 0) {
			break
		}
		end++
	}
	for end > i && strings.IndexByte(".,!?)]}:", s[end-1]) >= 0 {
		end--
	}
	return end
}

// wordEnd returns the end of the word at i, of letters of any script.
func wordEnd(s string, i int) int {
	end := i
	for end < len(s) {
		n := 1
		if class[s[end]]&word == 0 {
			if n = letterAt(s[end:]); n == 0 {
				break
			}
		}
		end += n
	}
	return trim(s, i, end)
}

// isProject reports whether the word behind the label at start is the id or number of a project. Behind a space it may as well be
// the next word of a sentence (project manager), so there it has a digit or a quote, or Google's words around it.
func isProject(s string, start int, sep separator, to int) bool {
	v := s[sep.end:to]
	if sep.mark != ' ' {
		return !isPlaceholder(v) && !strings.HasPrefix(s[to:], "://") && (sep.tight || sep.quote != 0 || !inSentence(s, v, to) && (class[v[0]]&upper == 0 || !plain(v)))
	}
	if numbered := endOf(v, 0, digit) == len(v); sep.quote != 0 || !numbered && strings.ContainsAny(v, "0123456789") {
		return true
	} else if numbered {
		return len(v) >= 5 || s[sep.end-1] == '#' // no year
	}
	for i := range len(v) {
		if class[v[i]]&(lower|dash) == 0 && v[i] < utf8.RuneSelf {
			return false
		}
	}
	switch before := wordBefore(s, start); {
	case equalFold(before, "resource"), equalFold(before, "consumer"):
		return !inSentence(s, v, to)
	case equalFold(before, "in"):
		return strings.HasPrefix(s[to:], " before")
	}
	return false
}
