package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// finding is what the scanner stops at.
type finding uint8

const (
	end     finding = iota
	secret          // what must not be recorded
	control         // a control character, or a separator of lines or paragraphs
	invalid         // a byte that is not UTF-8
	format          // a format character: nothing behind it was read
)

// scanner finds secrets in one pass from left to right.
type scanner struct {
	s     string
	i     int  // the next byte to read
	from  int  // the end of what was found last: it is not read again
	read  int  // the end of the last base64 that was judged
	limit int  // nothing is wanted from here on
	noEnd bool // no PEM block ends behind i
}

// slack is how far beyond the limit the scanner looks for the end of a word, in bytes.
const slack = 512

// next returns what is found next, s[start:end].
func (sc *scanner) next() (f finding, start, stop int) {
	s := sc.s
	for sc.i < len(s) {
		i := sc.i
		k := class[s[i]]
		if k&word != 0 {
			if start, stop = sc.word(i); stop > 0 {
				sc.i, sc.from = stop, stop
				return secret, start, stop
			}
			continue
		}
		if i > sc.limit && (isBlank(s[i]) || i > sc.limit+slack) {
			break
		}
		sc.i++
		if k&special == 0 {
			continue
		}
		if f, start, stop = sc.mark(i); f != end {
			sc.i, sc.from = max(sc.i, stop), stop
			return f, start, stop
		}
	}
	return end, 0, 0
}

// mark judges what starts with the mark, or the byte beyond ASCII, at i.
func (sc *scanner) mark(i int) (f finding, start, stop int) {
	s := sc.s
	switch c := s[i]; {
	case c >= utf8.RuneSelf:
		return sc.rune(i)
	case c < ' ' || c == 0x7f:
		return control, i, i + 1
	case c == '[' && placeholderAt(s, i):
		sc.i = min(len(s), i+len(placeholder))
		sc.from = sc.i
	case c == '@':
		start, stop = email(s, sc.from, i, i+1)
	case c == '\\' || c == '%':
		n, char := escapeAt(s[i:])
		switch char {
		case '@':
			start, stop = email(s, sc.from, i, i+n)
		case ':':
			start, stop = userinfo(s, i)
		}
		sc.i = max(sc.i, i+n)
	case c == ':' && strings.HasPrefix(s[i:], "://"):
		start, stop = userinfo(s, i)
	case c == ':' && strings.HasPrefix(s[i:], "::") && (i == 0 || !isHex(s[i-1])):
		start, stop = i, addressEnd(s, i)
	}
	if stop == 0 {
		return end, 0, 0
	}
	return secret, start, stop
}

func (sc *scanner) rune(i int) (f finding, start, stop int) {
	r, n := utf8.DecodeRuneInString(sc.s[i:])
	sc.i = i + n
	switch {
	case r == utf8.RuneError && n == 1:
		return invalid, i, i + n
	case unicode.Is(unicode.Cf, r):
		return format, i, i + n
	case blank(r):
		return control, i, i + n
	}
	return end, 0, 0
}

// word judges the word that starts at i, and what it is the label or the beginning of. It moves behind the word.
func (sc *scanner) word(i int) (start, stop int) {
	s := sc.s
	first, seen := class[s[i]], uint16(0)
	e := i + 1
	for e < len(s) {
		k := class[s[e]]
		if k&word == 0 {
			break
		}
		seen |= k
		e++
	}
	sc.i = e
	prose := first&letter != 0 && seen&^(lower|hexLetter|word) == 0 && e-i < minAny // most words
	if k := kindOf(s, i, e); k != nothing {
		if from, to := labelledEnd(s, i, e, k); to > from {
			if stop = sc.formEnd(i, true); stop > 0 {
				from, to = i, max(stop, to) // a key that ends like a label: ya29.…key=…
			}
			return from, to
		}
	}
	if e < len(s) && s[e] != ' ' {
		if start, stop = sc.before(i, e); stop > 0 {
			return start, stop
		}
		if prose && class[s[e]]&(slash|plus|special) != 0 {
			return sc.encoded(i, e)
		}
	}
	if prose {
		return 0, 0
	}
	return sc.alone(i, e)
}

// before judges the word s[i:e] by the mark behind it: the beginnings of e-mail and IPv6 addresses.
func (sc *scanner) before(i, e int) (start, stop int) {
	s := sc.s
	switch s[e] {
	case '@':
		return email(s, sc.from, e, e+1)
	case '%', '\\':
		switch n, c := escapeAt(s[e:]); c {
		case '@':
			return email(s, sc.from, e, e+n)
		case ':', '|':
			return i, appTokenEnd(s, i, e, e+n, c)
		}
	case '|':
		return i, appTokenEnd(s, i, e, e+1, '|')
	case ':':
		if stop = appTokenEnd(s, i, e, e+1, ':'); stop > 0 {
			return i, stop
		}
		if e-i <= 4 && isHex(s[i]) && (i == 0 || s[i-1] != ':') {
			return i, addressEnd(s, i)
		}
	}
	return 0, 0
}

// alone judges the word s[i:e] by its own looks, and those of what follows directly.
func (sc *scanner) alone(i, e int) (start, stop int) {
	s := sc.s
	if stop = hardwareEnd(s, i); stop > 0 && stop == trim(s, i, e) {
		return i, stop
	}
	if e-i >= 36 && s[i+4:i+6] == "Q~" { // gl azure-ad-client-secret
		return i, trim(s, i, e)
	}
	before := uint16(0)
	for at := i; at < e; at++ {
		k := class[s[at]] & (letter | digit)
		if at == i || (k == 0) != (before == 0) {
			if stop = sc.formEnd(at, at == i); stop > 0 {
				return i, stop
			}
			if k&(digit) != 0 || k != 0 && class[s[at]]&hexLetter != 0 {
				if stop = hexEnd(s, at, minAny); stop > 0 {
					return at, stop
				}
			}
		}
		before = k
	}
	if s[i] == '1' && e == i+1 && endOf(s, e, slash) > e+1 { // "1//": gh google oauth refresh token
		if stop = trim(s, i, endOf(s, e, any64)); stop-i >= 20 {
			return i, stop
		}
	}
	return sc.encoded(i, e)
}

// formEnd returns the end of the secret at i, where a word or a part of one starts, that is in the table of forms, or 0.
func (sc *scanner) formEnd(i int, first bool) int {
	s := sc.s
	if i+1 == len(s) || secondByte[s[i]]&(1<<(s[i+1]&63)) == 0 {
		return 0
	}
	for _, f := range forms[firstForm[s[i]]:firstForm[int(s[i])+1]] {
		if !strings.HasPrefix(s[i:], f.intro) {
			continue
		}
		from := i + len(f.intro)
		if f.of == block {
			if from < len(s) {
				if c, _ := charAt(s, from); c != ' ' && c != '+' {
					continue // a line of dashes
				}
			}
			return sc.blockEnd(from)
		}
		stop := endOf(s, from, f.of)
		if stop-from >= int(f.min) && (f.of&needsDigit == 0 || first && strings.ContainsAny(s[from:stop], "0123456789")) {
			return trim(s, from, stop)
		}
	}
	return 0
}

// firstForm is where the forms of a first byte start in forms.
var firstForm = func() (t [257]uint8) {
	for c := range 256 {
		t[c+1] = t[c]
		for int(t[c+1]) < len(forms) && forms[t[c+1]].intro[0] == byte(c) {
			t[c+1]++
		}
	}
	return t
}()

// secondByte has, by the first byte of a form, a bit for each second one, modulo 64: most words end here.
var secondByte = func() (t [256]uint64) {
	for _, f := range forms {
		t[f.intro[0]] |= 1 << (f.intro[1] & 63)
	}
	return t
}()

// encoded judges whether random bytes in base64 start in the word s[i:e], as they do in keys without an introducer, such as
// AWS's. base64 may hold slashes, so those of words behind are read too.
func (sc *scanner) encoded(i, e int) (start, stop int) {
	s := sc.s
	if e-i >= minAny {
		if stop = trim(s, i, endOf(s, i, url)); stop-i >= minAny && random(s[i:stop]) {
			return i, trim(s, i, endOf(s, i, value))
		}
	}
	if i < sc.read {
		return 0, 0
	}
	start = e
	for start > i && class[s[start-1]]&std != 0 {
		start--
	}
	sc.read = endOf(s, start, std&^equals)
	if e = endOf(s, start, lower); e < sc.read && s[e] == '/' && e-start < 7 {
		start = e + 1 // of a path: commit/…
	}
	if sc.read-start >= minAny && random(s[start:sc.read]) {
		return start, trim(s, start, endOf(s, sc.read, value))
	}
	return 0, 0
}
