package confidence

import (
	"math"
	"strconv"
	"strings"
)

// maxStatement bounds a statement, in bytes. A longer one is text of the answer.
const maxStatement = 256

const (
	space   = " \t\r\n"
	before  = "*_`#>-(["   // may precede the word
	between = "*_`(["      // may stand beside the colon
	after   = "*_`)].,;!>" // may follow the number
	word    = "CONFIDENCE"
)

// Stated removes a stated confidence, such as the line "CONFIDENCE: 0.62", from the
// text of an answer, which may arrive in pieces of any size. The text that it returns
// is the same however the text is cut.
//
// A statement has three marks: its word is in capitals, its value is a number, and it
// has a line of its own. With all three it is removed wherever it is. With two of them
// it is removed at the end of the answer only: elsewhere it may be text of the answer.
// White space between the answer and a statement at its beginning or end is removed too.
//
// The zero value is ready to use.
type Stated struct {
	value  float64
	found  bool
	spaces strings.Builder // white space that has not been returned
	held   string          // text after it that is, or may become, a statement; does not begin with white space
	begun  bool            // text has been returned
	inLine bool            // text of the line has been returned
	inWord bool            // text of the word has been returned
}

// Value returns the latest value that was removed. It is NaN if none was, or if the
// latest one is no number.
func (s *Stated) Value() float64 {
	if !s.found {
		return math.NaN()
	}
	return s.value
}

// Found reports whether a statement was removed.
func (s *Stated) Found() bool { return s.found }

// Add adds a piece and returns the text that follows the text returned so far.
func (s *Stated) Add(piece string) string {
	s.held += piece
	return s.advance(false)
}

// End returns the rest of the text.
func (s *Stated) End() string {
	rest := s.advance(true)
	if !s.found {
		rest += s.spaces.String()
	}
	s.spaces.Reset()
	return rest
}

// advance returns the text up to the first that is undecided. ended: no piece follows.
func (s *Stated) advance(ended bool) string {
	var text strings.Builder
	for s.held != "" {
		if n := len(s.held) - len(strings.TrimLeft(s.held, space)); n > 0 {
			s.spaces.WriteString(s.held[:n])
			s.inLine = s.inLine && !strings.Contains(s.held[:n], "\n")
			s.inWord = false
			s.held = s.held[n:]
			continue
		}
		if !s.inWord {
			st, state := parse(s.held, !s.inLine, ended)
			switch state {
			case undecided:
				return text.String()
			case statement:
				s.found, s.value, s.held = true, st.value, s.held[st.end:]
				continue
			}
		}
		n := strings.IndexAny(s.held, space)
		if n < 0 {
			n = len(s.held)
		}
		if s.begun || !s.found {
			text.WriteString(s.spaces.String())
		}
		text.WriteString(s.held[:n])
		s.spaces.Reset()
		s.held, s.begun, s.inLine, s.inWord = s.held[n:], true, true, true
	}
	return text.String()
}

type state int

const (
	ordinary  state = iota
	undecided       // more text decides
	statement
)

// parsed is a statement.
type parsed struct {
	value float64 // NaN if it is no number
	end   int     // its length, with the line break
}

// parse reports whether text begins with a statement. ownLine: text begins a line.
func parse(text string, ownLine, ended bool) (parsed, state) {
	whole := len(text)
	text = text[:min(whole, maxStatement)]
	clipped := len(text) < whole
	open := undecided // what it is if text ends in the middle
	if ended || clipped {
		open = ordinary
	}
	p, capitals, is := head(text, ownLine)
	if is != statement {
		if is == undecided {
			is = open
		}
		return parsed{}, is
	}
	token := text[p:]
	if n := strings.IndexAny(token, space); n >= 0 {
		token = token[:n]
	}
	value, number := parseNumber(token)
	marks := 0
	for _, mark := range []bool{ownLine, capitals, number} {
		if mark {
			marks++
		}
	}
	p = skip(text, p+len(token), "", true)
	rest := strings.TrimLeft(text[p:], space)
	switch {
	case p == len(text) && !ended:
		return parsed{}, open // also the number may go on
	case marks == 3 && p < len(text) && text[p] == '\n':
		return parsed{value, p + 1}, statement
	case marks < 2 || rest != "" || clipped:
		return parsed{}, ordinary
	case ended:
		return parsed{value, len(text)}, statement
	}
	return parsed{}, undecided
}

// head reports whether text begins with the word and the colon of a statement, and
// returns where its value begins. It is undecided if text ends in the middle of them.
func head(text string, ownLine bool) (p int, capitals bool, is state) {
	p, capitals = skip(text, 0, before, ownLine), true
	for i := range len(word) {
		if p == len(text) {
			return 0, false, undecided
		}
		switch c := text[p]; {
		case c == word[i]:
		case c == word[i]|0x20 && ownLine: // lower case
			capitals = false
		default:
			return 0, false, ordinary
		}
		p++
	}
	if p = skip(text, p, between, true); p == len(text) {
		return 0, false, undecided
	}
	if text[p] != ':' && text[p] != '=' {
		return 0, false, ordinary
	}
	return skip(text, p+1, between, true), capitals, statement
}

// skip returns the index of the first byte from p on that is none of set, nor, if
// spaces is set, a space within the line.
func skip(text string, p int, set string, spaces bool) int {
	for p < len(text) && (strings.IndexByte(set, text[p]) >= 0 || spaces && text[p] != '\n' && strings.IndexByte(space, text[p]) >= 0) {
		p++
	}
	return p
}

// parseNumber returns the value of "0.62", "0,62", "62%" or "6/10". ok is false if s is
// none of these.
func parseNumber(s string) (value float64, ok bool) {
	s = strings.ReplaceAll(strings.TrimRight(strings.TrimLeft(s, "<"), after), ",", ".")
	of := 1.0
	if percent, is := strings.CutSuffix(s, "%"); is {
		s, of = percent, 100
	} else if share, whole, is := strings.Cut(s, "/"); is {
		parsed, err := strconv.ParseFloat(whole, 64)
		if err != nil || !(parsed > 0) {
			return math.NaN(), false
		}
		s, of = share, parsed
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN(), false
	}
	return value / of, true
}
