package redact

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Lengths in bytes of what is recognized by its looks alone.
const (
	minAny  = 32 // random or hexadecimal digits (also a UUID's): 128 bits
	minHex  = 16 // hexadecimal digits behind a word such as key or token
	longest = 45 // an IPv6 address
)

// hexEnd returns the end of the hexadecimal digits at i, hyphens between them aside, or 0 when there are fewer than n. Where other
// letters follow, it is the last hyphen: 0123456789abcdef-us12.
func hexEnd(s string, i, n int) int {
	hyphen := 0
	for ; i < len(s); i++ {
		if isHex(s[i]) {
			n--
		} else if s[i] != '-' {
			break
		} else if n <= 0 {
			hyphen = i
		}
	}
	switch {
	case n > 0:
		return 0
	case i < len(s) && class[s[i]]&(letter|digit) != 0:
		return hyphen
	}
	return i
}

// looksSecret reports whether v, which stands behind a label such as "token:", is no word, name or small number.
func looksSecret(v string) bool {
	var seen uint16
	for i := range len(v) {
		seen |= class[v[i]]
	}
	switch {
	case seen&star != 0 && seen&(letter|digit) != 0: // masked; not *emphasised*
		return strings.Contains(strings.TrimRight(v, "*"), "***") || strings.Contains(strings.Trim(v, "*"), "*")
	case seen&digit != 0 && seen&letter == 0:
		return len(v) >= 9 && seen&^(digit|word|dash) == 0
	case seen&digit != 0:
		return len(v) >= 8 && seen&dot == 0 || len(v) >= 20
	}
	return len(v) >= 12 && random(v)
}

// plain reports whether w may be prose, such as "token" in "bearer token" or "holder-of-key": letters of lower case, the
// first of which may be a capital, and marks between.
func plain(w string) bool {
	if len(w) >= 20 {
		return false
	}
	for i := range len(w) {
		if class[w[i]]&(lower|dash|dot) == 0 && (i > 0 || class[w[i]]&upper == 0) {
			return false
		}
	}
	return true
}

// addressEnd returns the end of the IPv6 or hardware (MAC) address at i, or 0. A loopback or unspecified address, and what
// could as well be a slice (1::2) or a name in code (a::b), is none.
func addressEnd(s string, i int) int {
	end, colons, digits, decimal := i, 0, 0, false
	for end < len(s) && end-i <= longest {
		switch c := s[end]; {
		case isHex(c):
			digits++
			decimal = decimal || c <= '9'
		case c == ':':
			colons++
		case c != '.':
			goto done
		}
		end++
	}
done:
	if end < len(s) && class[s[end]]&(letter|under) != 0 {
		return 0
	}
	end = trim(s, i, end)
	if n := hardwareEnd(s, i); n == end {
		return end
	}
	if colons < 2 || digits < 4 || !decimal {
		return 0
	}
	for s[end-1] == ':' && !strings.HasSuffix(s[i:end], "::") {
		end-- // of a sentence
	}
	if a, err := netip.ParseAddr(s[i:end]); err != nil || a.IsLoopback() || a.IsUnspecified() {
		return 0
	}
	return end
}

// hardwareEnd returns the end of the hardware address at i, or 0: six or eight pairs of hexadecimal digits with ':' or '-' between, or three
// groups of four with '.' (IEEE 802, Cisco's notation).
func hardwareEnd(s string, i int) int {
	for _, f := range [...]struct {
		groups, size int
		seps         string
	}{{8, 2, ":-"}, {6, 2, ":-"}, {3, 4, "."}} {
		n := f.groups*(f.size+1) - 1
		if len(s)-i < n || strings.IndexByte(f.seps, s[i+f.size]) < 0 {
			continue
		}
		end := i + n
		sep := s[i+f.size]
		if end < len(s) && isHex(s[end]) || end+1 < len(s) && s[end] == sep && isHex(s[end+1]) {
			continue
		}
		ok, letters, digits := true, 0, 0
		for j := range n {
			c := s[i+j]
			switch {
			case j%(f.size+1) == f.size:
				ok = ok && c == sep
			case !isHex(c):
				ok = false
			case c > '9':
				letters++
			default:
				digits++
			}
		}
		if ok && (f.size == 2 || letters > 0 && digits > 0) {
			return end
		}
	}
	return 0
}

// email returns the e-mail address around the '@' that s[at:domain] is, however it is written, and no earlier than from.
// end is 0 when there is none.
func email(s string, from, at, domain int) (start, end int) {
	end = domain
	for end < len(s) {
		n := 1
		if class[s[end]]&(letter|digit|dash|dot) == 0 {
			if n = letterAt(s[end:]); n == 0 {
				c := byte(0)
				if n, c = escapeAt(s[end:]); c < utf8.RuneSelf {
					break
				}
			}
		}
		end += n
	}
	end = trim(s, domain, end)
	if !isDomain(s[domain:end]) {
		return 0, 0
	}
	start = localStart(s, from, at)
	if start == at {
		return 0, 0
	}
	return start, end
}

func localStart(s string, from, at int) int {
	if at-from >= 2 && s[at-1] == '"' { // "ann smith"@example.org
		if n := strings.LastIndexByte(s[max(from, at-66):at-1], '"'); n >= 0 {
			return max(from, at-66) + n
		}
	}
	for _, quote := range quoteEntities {
		if local, ok := strings.CutSuffix(s[max(from, at-80):at], quote); ok {
			if n := strings.LastIndex(local, quote); n >= 0 {
				return max(from, at-80) + n
			}
		}
	}
	start := at
	for start > from {
		c := s[start-1]
		switch {
		case class[c]&(word|plus|percent) != 0,
			strings.IndexByte("!#$^'", c) >= 0 && start-1 > from && class[s[start-2]]&(letter|digit) != 0:
			start--
			continue
		case c >= utf8.RuneSelf:
			_, n := utf8.DecodeLastRuneInString(s[from:start])
			if letterAt(s[start-n:]) > 0 {
				start -= n
				continue
			}
		}
		break
	}
	return start
}

// isDomain reports whether d has a top-level domain of letters, or is an IPv4 address: v1.2.3 is a version.
func isDomain(d string) bool {
	n := strings.LastIndexByte(d, '.')
	if n <= 0 || n == len(d)-1 {
		return false
	}
	if class[d[n+1]]&digit != 0 {
		_, err := netip.ParseAddr(d)
		return err == nil
	}
	return true
}

// userinfo returns the user and password of the URL that has its "://" at i, or end 0 when it has none.
func userinfo(s string, i int) (start, end int) {
	if start = schemeEnd(s, i); start == 0 || start == len(s) {
		return 0, 0
	}
	if c, n := charAt(s, start); c == ':' {
		start += n
	}
	return start, userinfoEnd(s, start)
}

// appTokenEnd returns the end of the token of an application, which is a number and, behind the mark, a key, or 0. The mark is a
// colon (gl telegram-bot-api-token) or a bar (gl facebook-access-token).
func appTokenEnd(s string, i, mark, key int, of byte) int {
	digits, shortest := 5, minAny
	if of == '|' {
		digits, shortest = 15, 27
	}
	if mark-i < digits || mark-i > 16 || endOf(s, i, digit) != mark {
		return 0
	}
	if end := endOf(s, key, url); end-key >= shortest {
		return end
	}
	return 0
}

func userinfoEnd(s string, i int) int {
	const longest = 512
	end := 0
	for at := i; at < min(len(s), i+longest); {
		c, n := charAt(s, at)
		if c <= ' ' || strings.IndexByte("/?#\"'<>`", c) >= 0 {
			break
		}
		if c == '@' && at > i {
			end = at
		}
		at += n
	}
	return end
}

// schemeEnd returns the end of "://" at i, escaped or not, or 0.
func schemeEnd(s string, i int) int {
	for _, want := range []byte("://") {
		if i == len(s) {
			return 0
		}
		c, n := charAt(s, i)
		if c != want {
			return 0
		}
		i += n
	}
	return i
}
